// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"github.com/spf13/cobra"

	"meta-migration/internal/bundle"
)

func newVersion(version string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "version prints the program's version and the manifest format that it writes.",
		Example: "  mkmigrations version --json",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]string{"version": version, "format": bundle.Format})
			}
			return output(cmd.OutOrStdout(), "mkmigrations "+version+", manifest format "+bundle.Format+"\n")
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
