// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package gendocs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cpuguy83/go-md2man/v2/md2man"
)

// A help is what migrate-runner --help prints: lines of a name and a text, by
// section. The runner carries no table for documentation, which would cost it
// size on every device.
type help map[string][]item

type item struct{ name, text string }

// runnerHelp builds the runner and asks it.
func runnerHelp(t *testing.T) help {
	t.Helper()
	file := filepath.Join(t.TempDir(), "migrate-runner")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", file, "meta-migration/target/migrate-runner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the runner: %v\n%s", err, out)
	}
	out, err := exec.Command(file, "--help").Output()
	if err != nil {
		t.Fatalf("migrate-runner --help: %v", err)
	}
	h := parseHelp(string(out))
	for _, section := range []string{"Commands", "Flags", "Exit codes"} {
		if len(h[section]) < 4 {
			t.Fatalf("migrate-runner --help has no section %q:\n%s", section, out)
		}
	}
	return h
}

// parseHelp takes `Section:` lines and, below them, lines of two blanks, a
// name, at least two blanks and a text.
func parseHelp(text string) help {
	h, section := help{}, ""
	for _, line := range strings.Split(text, "\n") {
		if name, ok := strings.CutSuffix(line, ":"); ok && !strings.HasPrefix(line, " ") {
			section = name
		}
		rest, ok := strings.CutPrefix(line, "  ")
		if name, about, found := strings.Cut(rest, "  "); ok && found && section != "" {
			h[section] = append(h[section], item{name, strings.TrimSpace(about)})
		}
	}
	return h
}

// bold marks the first word of each name, which is to be typed as it stands,
// and what follows it as what a user replaces.
func bold(items []item) []item {
	var marked []item
	for _, i := range items {
		word, arg, found := strings.Cut(i.name, " ")
		word = "**" + word + "**"
		if found {
			word += " *" + arg + "*"
		}
		marked = append(marked, item{word, i.text})
	}
	return marked
}

// list writes items, whose names are marked, as the definition lists that
// md2man makes `.TP` of.
func list(items []item) string {
	var b strings.Builder
	for _, i := range items {
		fmt.Fprintf(&b, "%s\n: %s\n\n", i.name, i.text)
	}
	return strings.TrimSpace(b.String())
}

func addRunner(t *testing.T, files map[string][]byte) {
	t.Helper()
	text, err := os.ReadFile("migrate-runner.8.md")
	if err != nil {
		t.Fatal(err)
	}
	h := runnerHelp(t)
	page := strings.NewReplacer(
		"{{commands}}", list(bold(h["Commands"])),
		"{{flags}}", list(bold(h["Flags"])),
		"{{exit codes}}", list(bold(h["Exit codes"])),
	).Replace(string(text))
	if strings.Contains(page, "{{") {
		t.Fatal("migrate-runner.8.md has an unknown {{mark}}")
	}
	files["man/migrate-runner.8"] = tidy(md2man.Render([]byte(page)))
	files["completion/migrate-runner.bash"] = []byte(runnerCompletion(h))
}

// runnerCompletion completes commands and flags, directories behind the flags
// that take one, and IDs of the running system's bundle.
func runnerCompletion(h help) string {
	var commands, ids, flags, dirs []string
	for _, c := range h["Commands"] {
		name, arg, _ := strings.Cut(c.name, " ")
		commands = append(commands, name)
		if arg == "ID" {
			ids = append(ids, name)
		}
	}
	for _, f := range h["Flags"] {
		name, arg, _ := strings.Cut(f.name, " ")
		flags = append(flags, name)
		if arg == "DIR" {
			dirs = append(dirs, name)
		}
	}
	return fmt.Sprintf(completionText, strings.Join(dirs, "|"), strings.Join(flags, " "),
		strings.Join(ids, "|"), strings.Join(commands, " "))
}

const completionText = `# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# bash completion for migrate-runner, made from its --help by ` + "`make man`" + `.

_migrate_runner() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words
    COMPREPLY=()
    case $before in
    %s)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    esac
    case $word in
    -*) words="%s" ;;
    *)
        case " ${COMP_WORDS[*]:1:COMP_CWORD-1} " in
        *" "@(%s)" "*)
            words=$(sed -n 's/^Migration: //p' /etc/migration.d/manifest 2>/dev/null)
            # Bash takes a colon for the end of a word; only what is behind it
            # is replaced.
            local IFS=$'\n'
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
            return
            ;;
        esac
        words="%s"
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _migrate_runner migrate-runner
`
