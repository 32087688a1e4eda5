// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package gendocs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// page is the manual of a command in the Markdown that md2man reads. It bears
// no date: a page is as old as its commit.
func page(cmd *cobra.Command) string {
	var b strings.Builder
	name := pageName(cmd)
	fmt.Fprintf(&b, "%q \"1\" \"\" \"meta-migration\" \"meta-migration\"\n====\n\n", strings.ToUpper(name))
	section(&b, "NAME", name+" - "+plain(lowerFirst(cmd.Short)))
	section(&b, "SYNOPSIS", synopsis(cmd))
	section(&b, "DESCRIPTION", plain(cmd.Long))
	section(&b, "COMMANDS", list(subcommands(cmd)))
	section(&b, "OPTIONS", list(flagItems(cmd)))
	section(&b, "EXAMPLES", indented(cmd.Example))
	section(&b, "SEE ALSO", seeAlso(cmd))
	return b.String()
}

func section(b *strings.Builder, title, text string) {
	if text != "" {
		fmt.Fprintf(b, "# %s\n\n%s\n\n", title, text)
	}
}

// plain keeps Markdown from reading marks into text that has none; code in
// back quotes and indented lines stay as they are.
func plain(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "    ") {
			lines[i] = strings.NewReplacer("<", `\<`, "*", `\*`, "_", `\_`).Replace(line)
		}
	}
	return strings.Join(lines, "\n")
}

func lowerFirst(text string) string { return strings.ToLower(text[:1]) + text[1:] }

// synopsis marks the words in capitals as what a user replaces.
func synopsis(cmd *cobra.Command) string {
	words := strings.Fields(cmd.UseLine())
	for i, word := range words {
		if strings.Trim(word, "[]….") == strings.ToUpper(strings.Trim(word, "[]….")) {
			words[i] = "*" + plain(word) + "*"
		} else {
			words[i] = "**" + plain(word) + "**"
		}
	}
	if cmd.HasAvailableSubCommands() {
		words = append(words, "*COMMAND*")
	}
	return strings.Join(words, " ")
}

func subcommands(cmd *cobra.Command) []item {
	var items []item
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			items = append(items, item{"**" + pageName(sub) + "**(1)", lowerFirst(plain(sub.Short))})
		}
	}
	return items
}

func flagItems(cmd *cobra.Command) []item {
	var items []item
	cmd.InitDefaultHelpFlag()
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		kind, usage := pflag.UnquoteUsage(f)
		name := "**--" + f.Name + "**"
		if f.Shorthand != "" {
			name = "**-" + f.Shorthand + "**, " + name
		}
		switch f.DefValue {
		case "", "0", "false":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		if kind != "" {
			name += " *" + plain(kind) + "*"
		}
		items = append(items, item{name, plain(usage)})
	})
	return items
}

// indented makes a block of code of an example, whose lines have two blanks
// in front.
func indented(example string) string {
	var b strings.Builder
	for _, line := range strings.Split(strings.Trim(example, "\n"), "\n") {
		b.WriteString("  " + line + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

func seeAlso(cmd *cobra.Command) string {
	pages := []string{"**migrate-runner**(8)"}
	if cmd.HasParent() {
		pages = append([]string{"**" + pageName(cmd.Parent()) + "**(1)"}, pages...)
	}
	return strings.Join(pages, ", ")
}

func TestPlain(t *testing.T) {
	const text = "take <recipe>/<name> files\n\n    a_b *c*\n"
	const want = "take \\<recipe>/\\<name> files\n\n    a_b *c*"
	if got := plain(text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
