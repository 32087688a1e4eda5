// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Exit statuses of the program.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Run carries out one command line, without the program's name, and returns
// the exit status. version is printed by `mkmigrations version`. When ctx is
// cancelled the command ends as soon as it can, leaving nothing half-written.
func Run(ctx context.Context, version string, args []string, stdout, stderr io.Writer) int {
	root := New(version)
	strictHelp(root)
	root.SetArgs(spread(root, args))
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errTold) {
		return exitFailed
	}
	var wrong *usageError
	if errors.As(err, &wrong) {
		wrong.cmd = cmd.CommandPath()
		printError(stderr, wrong)
		return exitUsage
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	printError(stderr, err)
	return exitFailed
}

// New returns the whole command tree, for [Run] and for generating manuals.
func New(version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "mkmigrations",
		Short: "Build the bundle of migrations for an image",
		Long: `mkmigrations collects the migrations of an image's packages, checks them, and
puts them in the one order in which every device runs them: the bundle, which
migrate-runner carries out at the first boot of the image.

Data goes to stdout, messages to stderr. The exit status is 0, 1 when the
command failed, 2 when it was called wrongly.`,
		Example: `  mkmigrations build --packages deploy/ipk --installed image.manifest \
      --release 2.1 --previous manifest-2.0 --output bundle
  mkmigrations inspect bundle`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no command given")
			}
			return noCommand(cmd, args[0])
		},
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err: err} })
	root.AddCommand(newBuild(), newList(), newLint(), newInspect(), newVerify(), newDiff(), newVersion(version))
	return root
}

func noCommand(root *cobra.Command, name string) error {
	if near := root.SuggestionsFor(name); len(near) > 0 {
		return usagef("no command %q; did you mean %s?", name, strings.Join(near, " or "))
	}
	return usagef("no command %q", name)
}

// strictHelp makes `help` of a command that there is not a usage error, as the
// command itself is.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		return
	}
	run := help.Run
	help.Run, help.RunE = nil, func(cmd *cobra.Command, args []string) error {
		if about, _, err := root.Find(args); len(args) > 0 && (err != nil || about == root) {
			return noCommand(root, args[0])
		}
		run(cmd, args)
		return nil
	}
}

// errTold is returned by commands that failed and have said so as data.
var errTold = errors.New("the command failed")

// A usageError is a wrong command line.
type usageError struct {
	err error
	cmd string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
func (e *usageError) Hint() string  { return fmt.Sprintf("see `%s --help`", e.cmd) }

func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// arguments checks the number of a command's arguments; names are what its
// usage calls them.
func arguments(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef("%s is not given", names[len(args)])
		case len(args) > len(names):
			return usagef("unexpected argument %q", args[len(names)])
		}
		return nil
	}
}
