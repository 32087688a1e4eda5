// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"reflect"
	"strings"
	"testing"
)

// show writes a finding as a build would, in one line.
func show(f Finding) string {
	kind := "error: "
	if f.Warning {
		kind = "warning: "
	}
	if f.Hint() == "" {
		return kind + f.Error()
	}
	return kind + f.Error() + "; " + f.Hint()
}

func expect(t *testing.T, found []Finding, want ...string) {
	t.Helper()
	var got []string
	for _, f := range found {
		got = append(got, show(f))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestSyntax(t *testing.T) {
	const toBash = "write it in POSIX sh, or begin the script with #!/bin/bash"
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"good", "#!/bin/sh\nif true; then :; fi\n", nil},
		{"no newline at the end", "#!/bin/sh\necho x", nil},
		{"empty", "#!/bin/sh\n", nil},
		{"if without fi", "#!/bin/sh\n:\nif true; then\n\t:\n", []string{
			`error: m:3: syntax error: if statement must end with "fi"`}},
		{"quote without end", "#!/bin/sh\necho 'a\n", []string{
			`error: m:2: syntax error: reached EOF without closing quote '`}},
		{"stray done", "#!/bin/sh\ndone\n", []string{
			`error: m:2: syntax error: "done" can only be used to end a loop`}},
		{"nothing behind then", "#!/bin/sh\nif true; then\n# soon\nfi\n", []string{
			`error: m:2: syntax error: no command behind "then"; write : where nothing is to be done`}},
		{"nothing behind else", "#!/bin/sh\nif true; then :; else\nfi\n", []string{
			`error: m:2: syntax error: no command behind "else"; write : where nothing is to be done`}},
		{"nothing in a function", "#!/bin/sh\nf() {\n}\n", []string{
			`error: m:2: syntax error: no command behind "{"; write : where nothing is to be done`}},
		{"nothing behind do", "#!/bin/bash -e\nwhile true; do\ndone\n", []string{
			`error: m:2: syntax error: no command behind "do"; write : where nothing is to be done`}},
		{"here-document without an end", "#!/bin/sh\ncat <<EOF\na\n", []string{
			`warning: m:2: here-document without its end: it reaches to the end of the script; write its end word alone in a line`}},
		{"carriage return", "#!/bin/sh\necho a\r\n", []string{
			`warning: m:2: carriage return at the end of the line: the shell takes it as a part of the last word; end lines with \n alone`}},
		{"bad substitution", "#!/bin/sh\necho ${a!b}\n", []string{
			`error: m:2: syntax error: not a valid parameter expansion operator: !`}},
		{"array", "#!/bin/sh\na=(1 2)\necho ${a[1]}\n", []string{
			"error: m:2: POSIX sh has no arrays; " + toBash,
			"error: m:3: POSIX sh has no arrays; " + toBash}},
		{"here-string", "#!/bin/sh\ncat <<<x\n", []string{
			"error: m:2: POSIX sh has no <<<; use a here-document"}},
		{"process substitution", "#!/bin/dash\nset -e\ncat <(ls)\n", []string{
			"error: m:3: dash has no <(…); use a pipe or a file in $MIGRATION_STATE"}},
		{"what ash has, for sh", "#!/bin/sh\necho ${x:1:2}\n", []string{
			"warning: m:2: POSIX sh has no ${x:1:2}; busybox ash understands it, dash does not; use cut, or ${x#…} and ${x%…}"}},
		{"what ash has, for dash", "#!/bin/dash\nset -e\necho ${x:1:2}\n", []string{
			"error: m:3: dash has no ${x:1:2}; use cut, or ${x#…} and ${x%…}"}},
		{"what ash has, for ash", "#!/bin/ash\nset -e\necho ${x:1:2}; [[ a == b ]] || echo -e x &>y\n", nil},
		{"busybox sh is ash", "#!/bin/busybox sh\nset -e\necho ${x:1:2}\na=(1)\n", []string{
			"error: m:4: busybox ash has no arrays; " + toBash}},
		{"env dash", "#!/usr/bin/env dash\nset -e\nsource x\n", []string{
			"error: m:3: dash has no source; write . file"}},
		{"bracket", "#!/bin/dash\nif [[ -e x ]]; then :; fi\n", []string{
			"error: m:2: dash has no [[; write [ … ]"}},
		{"equal signs", "#!/bin/dash\n[ \"$x\" == y ] || :\n", []string{
			"error: m:2: dash has no == in [ ]; write ="}},
		{"equal signs compared", "#!/bin/dash\n[ == = \"$x\" ] || [ \"$x\" = == ] || :\n", nil},
		{"append", "#!/bin/sh\nx+=y\n", []string{`error: m:2: POSIX sh has no +=; write x="$x…"`}},
		{"increment", "#!/bin/sh\n: $((i++))\n", []string{
			"warning: m:2: POSIX sh has no ++ and -- in arithmetic; busybox ash understands it, dash does not; write x=$((x + 1))"}},
		{"echo -e", "#!/bin/dash\necho -e 'a\\tb'\n", []string{"warning: m:2: dash has no echo -e; use printf"}},
		{"dollar quotes", "#!/bin/dash\nx=$'a\\n'\n", []string{"warning: m:2: dash has no $'…'; use printf"}},
		{"a dollar in quotes", "#!/bin/dash\ngrep \"a$\" 'b$' \\$'c'\n", nil},
		{"bash builtin", "#!/bin/sh\npushd /\n", []string{`error: m:2: POSIX sh has no "pushd"; ` + toBash}},
		{"own function of that name", "#!/bin/sh\npushd() { cd \"$1\"; }\npushd /\n", nil},
		{"asks for bash", "#!/bin/sh\nif [ -n \"$BASH_VERSION\" ]; then shopt -s nullglob; fi\n", []string{
			`warning: m:2: POSIX sh has no "shopt"; ` + toBash}},
		{"function name", "#!/bin/sh\nadd-user() { :; }\n", []string{
			"error: m:2: POSIX sh has no such name of a function; use letters, digits and _"}},
		{"two dialects and an error", "#!/bin/sh\na=(1)\nfi\n", []string{
			`error: m:3: syntax error: "fi" can only be used to end an if`}},
		{"negated subshell", "#!/bin/sh\nif !(test -e x); then :; fi\n", nil},
		{"nested subshells are no arithmetic", "#!/bin/sh\n((true) && (true))\n", nil},
		{"latin1", "#!/bin/sh\n# caf\xe9\necho \xff\n", nil},
		{"bash", "#!/bin/bash\nset -e\na=(1); [[ x =~ y ]] && ((i++)); cat <(ls) <<<x &>y\n", nil},
		{"bash, wrong", "#!/bin/bash\nset -e\n[[ x\n", []string{
			`error: m:3: syntax error: reached EOF without matching [[ with ]]`}},
		{"mksh", "#!/bin/mksh\nset -e\nx=${ echo y;}\n", nil},
		{"ksh, unknown to the parser", "#!/bin/ksh\nset -e\nx=(a=1\n", []string{
			`warning: m:3: syntax error: reached EOF without matching ( with )`}},
		{"python", "#!/usr/bin/python3\nif x:\n  '\n", nil},
		{"no script", "ELF(", nil},
	} {
		t.Run(c.name, func(t *testing.T) { expect(t, Syntax("m", []byte(c.script)), c.want...) })
	}
}
