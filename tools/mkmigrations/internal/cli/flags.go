// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/build"
)

// A listFlag may be given several times, and takes all words up to the next
// flag: see spread.
type listFlag[T ~string] struct {
	to    *[]T
	kind  string
	check func(string) error
	one   bool // word each time
}

func (f *listFlag[T]) String() string { return "" }

func (f *listFlag[T]) Type() string {
	if f.one {
		return f.kind
	}
	return f.kind + listMark
}

func (f *listFlag[T]) oneWord() { f.one = true }

func (f *listFlag[T]) Set(value string) error {
	if value == "" {
		return errors.New("it is empty")
	}
	if f.check != nil {
		if err := f.check(value); err != nil {
			return withCure(err)
		}
	}
	*f.to = append(*f.to, T(value))
	return nil
}

func addList[T ~string](flags *pflag.FlagSet, to *[]T, name, kind, usage string, check func(string) error) {
	flags.Var(&listFlag[T]{to: to, kind: kind, check: check}, name, usage)
}

// oneWordEach makes list flags take one word each time that they are given, in
// commands whose other words are arguments.
func oneWordEach(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if list, ok := f.Value.(interface{ oneWord() }); ok {
			list.oneWord()
		}
	})
}

// A wordFlag takes one of a closed set; the first word is the default.
type wordFlag[T ~string] struct {
	to    *T
	words []T
}

func (f *wordFlag[T]) String() string { return string(*f.to) }
func (f *wordFlag[T]) Type() string   { return "WORD" }

func (f *wordFlag[T]) Set(value string) error {
	for _, w := range f.words {
		if value == string(w) {
			*f.to = w
			return nil
		}
	}
	return fmt.Errorf("write %s", joined(f.words))
}

// addWord adds the flag with its default and its completion. The usage names
// the words.
func addWord[T ~string](cmd *cobra.Command, to *T, name, usage string, words ...T) {
	*to = words[0]
	cmd.Flags().Var(&wordFlag[T]{to, words}, name, usage+": "+joined(words))
	// The only error is that of a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(asStrings(words), cobra.ShellCompDirectiveNoFileComp))
}

func joined[T ~string](words []T) string {
	texts := asStrings(words)
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}

func asStrings[T ~string](words []T) []string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return texts
}

// A textFlag takes a text that is checked.
type textFlag struct {
	to    *string
	kind  string
	check func(string) error
}

func (f *textFlag) String() string { return *f.to }
func (f *textFlag) Type() string   { return f.kind }

func (f *textFlag) Set(value string) error {
	*f.to = value
	return withCure(f.check(value))
}

// A countFlag takes a number from 1 to most.
type countFlag struct {
	to   *int
	most int
}

func (f *countFlag) String() string { return strconv.Itoa(*f.to) }
func (f *countFlag) Type() string   { return "N" }

func (f *countFlag) Set(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > f.most {
		return fmt.Errorf("write a number from 1 to %d", f.most)
	}
	*f.to = n
	return nil
}

// withCure joins a rule and its cure: a usage fault has one line.
func withCure(err error) error {
	var hinting interface{ Hint() string }
	if errors.As(err, &hinting) && hinting.Hint() != "" {
		return fmt.Errorf("%w; %s", err, hinting.Hint())
	}
	return err
}

// addSources adds the flags that say where migrations come from.
func addSources(flags *pflag.FlagSet, o *build.Options) {
	addList(flags, &o.Packages, "packages", "DIR", "search these directories for .ipk, .deb and .rpm packages", nil)
	addList(flags, &o.Snippets, "snippets", "DIR", "take the <recipe>/<name> files of these directories", nil)
	flags.BoolVar(&o.Thorough, "thorough", false, "open packages, too, that do not announce "+bundle.SnippetsPackage)
}

// addBundle adds the flags that decide what a bundle is.
func addBundle(cmd *cobra.Command, o *build.Options) {
	flags := cmd.Flags()
	addSources(flags, o)
	addList(flags, &o.Installed, "installed", "FILE", "what is installed: an image manifest or names (default: every package)", nil)
	flags.Var(&textFlag{&o.Release, "R", bundle.CheckRelease}, "release", "release of the image")
	addList(flags, &o.Previous, "previous", "MANIFEST", "manifests of earlier releases", nil)
	addList(flags, &o.Drop, "drop", "ID", "leave these migrations out on purpose", bundle.CheckID)
	flags.Var(&textFlag{&o.MinFrom, "R", bundle.CheckRelease}, "min-from", "refuse devices older than this release, and retire its migrations")
	addWord(cmd, &o.OnDowngrade, "on-downgrade", "where the device's data is newer", bundle.Tolerate, bundle.Refuse)
	addWord(cmd, &o.Keep, "keep", "saved Paths that stay after success", bundle.KeepNone, bundle.KeepGood)
	addWord(cmd, &o.OnCorrupt, "on-corrupt", "where the ledger is damaged", bundle.RefuseCorrupt, bundle.Rerun)
	addWord(cmd, &o.FailureState, "failure-state", "what a failure makes of the boot", bundle.Degraded, bundle.Emergency, bundle.Reboot)
	addList(flags, &o.FreshUnless, "fresh-unless", "PATH", "a device without any of these paths was never used", bundle.CheckPath)
	flags.Var(&countFlag{&o.Timeout, bundle.MaxTimeout}, "timeout", "seconds for one attempt, where a migration states none")
	flags.Var(&countFlag{&o.Attempts, bundle.MaxAttempts}, "attempts", "attempts, where a migration states none")
	flags.StringVar(&o.Rootfs, "rootfs", "", "look in this root file system, a `DIR`, for the commands that scripts call")
	flags.SortFlags = false
}

// spread lets a list flag take several words: `--packages a b` becomes
// `--packages a --packages b`. Only for commands that take no arguments of
// their own, where a word could mean nothing else.
func spread(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil || cmd.Annotations[takesLists] == "" {
		return args
	}
	var out []string
	list := ""
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name, _, hasValue := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		flag := cmd.Flags().Lookup(name)
		switch {
		case arg == "--":
			return append(out, args[i:]...)
		case strings.HasPrefix(arg, "-"):
			list = ""
			out = append(out, arg)
			if flag == nil || !strings.HasPrefix(arg, "--") || flag.NoOptDefVal != "" {
				continue
			}
			if strings.HasSuffix(flag.Value.Type(), listMark) {
				list = "--" + name
			}
			if !hasValue && i+1 < len(args) {
				i++
				out = append(out, args[i])
			}
		case list != "":
			out = append(out, list+"="+arg)
		default:
			out = append(out, arg)
		}
	}
	return out
}

// takesLists marks the commands for spread.
const takesLists = "lists"

// listMark ends the type of a list flag, in the help and for spread.
const listMark = "..."
