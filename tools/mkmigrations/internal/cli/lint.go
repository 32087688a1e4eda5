// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"meta-migration/tools/mkmigrations/internal/build"
)

func newLint() *cobra.Command {
	var o build.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lint [--packages DIR]... [--snippets DIR]... [FILE]...",
		Short: "Say what is wrong with migrations",
		Long: `lint reports all that build refuses, as far as it can be seen in what is given,
and warnings. FILE is a package, or a script with or without a migration header.
With --release the inputs are judged as those of a whole image, as build does;
without it what is missing in them is no error.

With --rootfs a command that a shell script calls by name and the image lacks is
an error, unless the script has tested for it on the way: command -v, type,
which, hash or [ -x ]. tool || true is no test, nor is if tool: without the
tool they fail with 127 on every device, and nobody sees it.

A flag that takes several values is given once for each: other words are FILEs.

The exit status is 1 when there is an error, 0 when there are only warnings.`,
		Example: `  mkmigrations lint files/split-users.migration
  mkmigrations lint --packages deploy/ipk --rootfs image/rootfs`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Files = args
			if len(o.Packages) == 0 && len(o.Snippets) == 0 && len(args) == 0 {
				return usagef("no FILE, --packages or --snippets is given")
			}
			warnings, err := build.Lint(cmd.Context(), o)
			if !asJSON {
				printWarnings(cmd.ErrOrStderr(), warnings)
				return err
			}
			return lintJSON(cmd, warnings, err)
		},
	}
	addBundle(cmd, &o)
	oneWordEach(cmd.Flags())
	addJSON(cmd, &asJSON)
	return cmd
}

// A faultJSON is one fault of `lint --json` and `verify --json`.
type faultJSON struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Rule string `json:"rule"`
	Hint string `json:"hint,omitempty"`
}

func makeFaults(faults build.Faults) []faultJSON {
	list := make([]faultJSON, len(faults))
	for i, f := range faults {
		list[i] = faultJSON{f.File, f.Line, f.Rule, f.Cure}
		if f.File == "" {
			list[i].File = f.Object
		}
	}
	return list
}

// lintJSON prints faults as data. Then nothing is left to say on stderr.
func lintJSON(cmd *cobra.Command, warnings build.Faults, err error) error {
	var wrong build.Faults
	if err != nil && !errors.As(err, &wrong) {
		return err
	}
	all := map[string]any{"errors": makeFaults(wrong), "warnings": makeFaults(warnings)}
	if err := printJSON(cmd.OutOrStdout(), all); err != nil {
		return err
	}
	if wrong != nil {
		return errTold
	}
	return nil
}
