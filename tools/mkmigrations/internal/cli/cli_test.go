// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, Grüße":    "plain text, Grüße",
		"a\nb\tc\rd":           `a\nb\tc\rd`,
		"\x1b[2J\x00\x7f":      `\x1b[2J\x00\x7f`,
		"\u202egnp.exe\u2028x": `\u202egnp.exe\u2028x`,
		"bad \xff utf-8":       `bad \ufffd utf-8`,
		"it's \"quoted\" \\n":  `it's "quoted" \n`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestSpread(t *testing.T) {
	for in, want := range map[string]string{
		"build --packages a b --release 1":       "build --packages a --packages=b --release 1",
		"build --packages=a b c":                 "build --packages=a --packages=b --packages=c",
		"build --release 1 x":                    "build --release 1 x",
		"build --packages a --thorough b":        "build --packages a --thorough b",
		"build --packages a -- b":                "build --packages a -- b",
		"build --drop a:b c:d --fresh-unless /e": "build --drop a:b --drop=c:d --fresh-unless /e",
		"lint --packages a b":                    "lint --packages a b",
		"list --snippets a b":                    "list --snippets a --snippets=b",
		"nothing --packages a b":                 "nothing --packages a b",
		"build --nix a b":                        "build --nix a b",
	} {
		got := strings.Join(spread(New("x"), strings.Fields(in)), " ")
		if got != want {
			t.Errorf("spread of %q\nis   %q\nwant %q", in, got, want)
		}
	}
}

// Every command has an example, a long help and a usage fault of its own.
func TestCommandsAreDescribed(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s lacks a description or an example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(New("x"))
	var names []string
	for _, cmd := range New("x").Commands() {
		names = append(names, cmd.Name())
	}
	want := []string{"build", "diff", "inspect", "lint", "list", "verify", "version"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("commands are %q, want %q", names, want)
	}
}
