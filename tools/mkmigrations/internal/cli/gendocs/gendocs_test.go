// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package gendocs

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"

	"meta-migration/tools/mkmigrations/internal/cli"
)

var update = flag.Bool("update", false, "write the files anew")

// docs is where the files stand, from this directory.
const docs = "../../../../../docs"

// TestDocs guards that whoever changes a command or a flag runs `make man`.
func TestDocs(t *testing.T) {
	want := map[string][]byte{}
	addMkmigrations(t, want)
	addRunner(t, want)
	for _, dir := range []string{"man", "completion"} {
		have, err := filepath.Glob(filepath.Join(docs, dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range have {
			name := filepath.Join(dir, filepath.Base(file))
			if want[name] == nil {
				stale(t, file, nil, "is of no command")
			}
		}
	}
	for name, text := range want {
		file := filepath.Join(docs, name)
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, text) {
			stale(t, file, text, "does not fit the commands")
		}
	}
}

// stale reports a wrong file, or mends it.
func stale(t *testing.T, file string, text []byte, why string) {
	t.Helper()
	name := strings.TrimPrefix(file, docs+"/")
	if !*update {
		t.Errorf("docs/%s %s; run `make man` and commit it", name, why)
		return
	}
	t.Logf("docs/%s %s: written anew", name, why)
	err := os.Remove(file)
	if text != nil {
		if err = os.MkdirAll(filepath.Dir(file), 0o755); err == nil {
			err = os.WriteFile(file, text, 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func addMkmigrations(t *testing.T, files map[string][]byte) {
	t.Helper()
	root := cli.New("devel")
	addPages(t, root, files)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"mkmigrations.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"mkmigrations.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
		"_mkmigrations":     func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("writing %s: %v", name, err)
		}
		files["completion/"+name] = tidy(b.Bytes())
	}
}

// addPages adds the page of a command and of those below it.
func addPages(t *testing.T, cmd *cobra.Command, files map[string][]byte) {
	t.Helper()
	files["man/"+pageName(cmd)+".1"] = tidy(md2man.Render([]byte(page(cmd))))
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			addPages(t, sub, files)
		}
	}
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

var blankEnds = regexp.MustCompile(`(?m)[ \t]+$`)

// tidy makes a file as .editorconfig wants it.
func tidy(text []byte) []byte {
	return append(bytes.TrimSpace(blankEnds.ReplaceAll(text, nil)), '\n')
}

// Every command is documented as fully as the others: a Long text and an
// example, and a usage for each flag.
func TestCommandsAreDocumented(t *testing.T) {
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s lacks a short text, a long text or an example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				check(sub)
			}
		}
	}
	root := cli.New("devel")
	check(root)
	if n := len(root.Commands()); n < 7 {
		t.Errorf("%d commands are fewer than there should be", n)
	}
}
