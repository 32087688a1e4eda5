// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"github.com/spf13/cobra"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/build"
)

func newList() *cobra.Command {
	var o build.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list {--packages|--snippets} DIR...",
		Short: "List the migrations in packages",
		Long: `list prints every migration that packages and snippets hold, before any of
them is chosen or ordered: its ID, the package's recipe and version, and where
it was found.`,
		Example: `  mkmigrations list --packages deploy/ipk
  mkmigrations list --packages deploy/rpm --json`,
		Annotations: map[string]string{takesLists: "yes"},
		Args:        arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(o.Packages) == 0 && len(o.Snippets) == 0 {
				return usagef("neither --packages nor --snippets is given")
			}
			found, warnings, err := build.List(cmd.Context(), o)
			printWarnings(cmd.ErrOrStderr(), warnings)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"migrations": listJSON(found)})
			}
			t := &table{}
			for _, c := range found {
				t.row(string(c.ID), c.Recipe(), version(c), c.File)
			}
			return output(cmd.OutOrStdout(), t.text("ID", "RECIPE", "VERSION", "FILE"))
		},
	}
	addSources(cmd.Flags(), &o)
	addJSON(cmd, &asJSON)
	return cmd
}

func version(c *build.Candidate) string {
	if c.Package == nil {
		return "-"
	}
	return c.Package.Version
}

// A foundJSON is one migration of `list --json`.
type foundJSON struct {
	ID      bundle.ID     `json:"id"`
	Digest  bundle.Digest `json:"digest"`
	File    string        `json:"file"`
	Recipe  string        `json:"recipe"`
	Package string        `json:"package,omitempty"`
	Version string        `json:"version,omitempty"`
	Format  string        `json:"format,omitempty"`
	Header  *headerJSON   `json:"header"` // null where the script does not parse
}

func listJSON(found []*build.Candidate) []foundJSON {
	list := make([]foundJSON, len(found))
	for i, c := range found {
		list[i] = foundJSON{ID: c.ID, Digest: bundle.Sum(c.Data), File: c.File, Recipe: c.Recipe()}
		if p := c.Package; p != nil {
			list[i].Package, list[i].Version, list[i].Format = p.Name, p.Version, p.Format.String()
		}
		if c.Script != nil {
			list[i].Header = makeHeader(&c.Script.Header)
		}
	}
	return list
}
