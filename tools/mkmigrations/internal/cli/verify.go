// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"meta-migration/tools/mkmigrations/internal/build"
)

func newVerify() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify ROOTFS",
		Short: "Check the bundle in a root file system",
		Long: `verify checks the bundle in a root file system, or in the output of build, as
the device will: the anchor against both manifests, every digest and mode, both
copies, the files for the init system, and the order. Owners are checked where
root checks a tree of root's.

It prints one line for each fault, and exits with 1 when there is one.`,
		Example: "  mkmigrations verify image/rootfs",
		Args:    arguments("ROOTFS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := build.Verify(args[0])
			var wrong build.Faults
			if !asJSON || err != nil && !errors.As(err, &wrong) {
				return err
			}
			if err := printJSON(cmd.OutOrStdout(), map[string]any{"faults": makeFaults(wrong)}); err != nil {
				return err
			}
			if wrong != nil {
				return errTold
			}
			return nil
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}
