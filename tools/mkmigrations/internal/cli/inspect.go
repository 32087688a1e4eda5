// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/build"
)

func newInspect() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect BUNDLE",
		Short: "Print what a bundle holds, in order",
		Long: `inspect prints a bundle's manifest: what the image decides, its migrations in
the order in which they run, and those that are gone. BUNDLE is the output of
build, a root file system, a migration.d directory or a manifest. The bundle is
not checked any further; verify does that.`,
		Example: `  mkmigrations inspect bundle
  mkmigrations inspect --json image/rootfs | jq -r '.migrations[].id'`,
		Args: arguments("BUNDLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, digest, err := build.Load(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), makeManifest(m, digest))
			}
			return output(cmd.OutOrStdout(), manifestText(m, digest))
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

func manifestText(m *bundle.Manifest, digest bundle.Digest) string {
	t := &table{}
	j := makeManifest(m, digest)
	fields := [][2]string{
		{"Release", j.Release}, {"Bundle", string(j.Bundle)}, {"Library", string(j.Library)}, {"Min-From", j.MinFrom},
		{"On-Downgrade", string(j.OnDowngrade)}, {"Fresh-Unless", strings.Join(j.FreshUnless, " ")}, {"Keep", string(j.Keep)},
		{"On-Corrupt", string(j.OnCorrupt)}, {"Failure-State", string(j.FailureState)},
	}
	for _, f := range fields {
		if f[1] != "" {
			t.row(f[0], f[1])
		}
	}
	text := t.text()
	t = &table{}
	for i := range m.Migrations {
		one := &m.Migrations[i]
		number, _, _ := strings.Cut(one.File, "-")
		t.row(number, string(one.ID), one.Since, clean(one.Description))
	}
	text += fmt.Sprintf("\nMigrations: %d\n", len(m.Migrations)) + t.text()
	t = &table{}
	for _, g := range m.Gone {
		t.row(string(g.ID), g.Since, string(g.Digest))
	}
	return text + fmt.Sprintf("\nGone: %d\n", len(m.Gone)) + t.text()
}
