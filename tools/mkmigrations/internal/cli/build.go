// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"meta-migration/tools/mkmigrations/internal/build"
)

func newBuild() *cobra.Command {
	var o build.Options
	var dir string
	cmd := &cobra.Command{
		Use:   "build {--packages|--snippets} DIR... --release R --output DIR",
		Short: "Make the bundle of an image",
		Long: `build finds the migrations in packages, takes those whose recipe is installed,
checks and orders them, and writes the bundle into the output directory, which
it replaces as a whole. The directory gets the files as they stand in the
image, below etc and usr, and nothing else.

Packages that provide migration-snippets are opened, others are read only as
far as their metadata. The same migrations give the same bytes, whatever the
package format, file order, clock, umask, locale or output path. All files
carry the time SOURCE_DATE_EPOCH, or 0.

Nothing is written when there is an error. All errors are reported together.`,
		Example: `  mkmigrations build --packages deploy/ipk --installed image.manifest \
      --release 2.1 --previous manifest-1.9 manifest-2.0 --output bundle`,
		Annotations: map[string]string{takesLists: "yes"},
		Args:        arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkBuild(&o, dir); err != nil {
				return err
			}
			at, err := sourceDate()
			if err != nil {
				return err
			}
			warnings, err := build.Build(cmd.Context(), o, dir, at)
			printWarnings(cmd.ErrOrStderr(), warnings)
			return err
		},
	}
	addBundle(cmd, &o)
	cmd.Flags().StringVar(&dir, "output", "", "the bundle's `DIR`, which holds nothing else")
	return cmd
}

// checkBuild says what is missing. Cobra's own check names flags only.
func checkBuild(o *build.Options, dir string) error {
	switch {
	case len(o.Packages) == 0 && len(o.Snippets) == 0:
		return usagef("neither --packages nor --snippets is given")
	case o.Release == "":
		return usagef("--release is not given")
	case dir == "":
		return usagef("--output is not given")
	}
	return nil
}

// sourceDate is the time of all files that are written.
func sourceDate() (time.Time, error) {
	value, set := os.LookupEnv("SOURCE_DATE_EPOCH")
	if !set {
		return time.Unix(0, 0), nil
	}
	return build.ParseEpoch(value)
}
