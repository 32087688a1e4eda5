// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import "testing"

func TestHabits(t *testing.T) {
	const zero = `is no path of the migration when it runs; use "$MIGRATION_FILE" for its name, "$MIGRATION_STATE" for its files`
	const sete = "warning: m:2: set +e: from here on a command that fails is not noticed; write `command || …` where a failure is expected, or set -e again behind it"
	const wait = "warning: m:2: a command in the background, and no wait: the migration may be recorded before it has ended; run it in the foreground, or wait for it"
	const state = `use "$MIGRATION_STATE" for its own files`
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"variable", "$CMD a", []string{"warning: m:2: command in a variable: $CMD cannot be checked"}},
		{"quoted variable", "x | \"${PREFIX}/bin/y\" a", []string{`warning: m:2: command in a variable: "${PREFIX}/bin/y" cannot be checked`}},
		{"substitution", "`a` b", []string{"warning: m:2: a command that only a run can name cannot be checked"}},
		{"variable behind a wrapper", "timeout 5 $CMD", []string{"warning: m:2: command in a variable: $CMD cannot be checked"}},
		{"arguments of a function", "run() { \"$@\"; }; run x", nil},
		{"arguments of the script", "\"$@\"", []string{`warning: m:2: command in a variable: "$@" cannot be checked`}},
		{"variable as an argument", "mv $a $b", nil},

		{"$0", "cd \"$(dirname \"$0\")\"\necho ${0##*/}", []string{"warning: m:2: $0 " + zero}},
		{"$0 in a here-document", "cat <<EOF\n$0\nEOF", []string{"warning: m:3: $0 " + zero}},
		{"awk's $0", "awk '{ print $0 }'", nil},

		{"set +e", "set +e\nfalse", []string{sete}},
		{"set +o errexit", "set +o errexit", []string{sete}},
		{"set +eu", "set +eu", []string{sete}},
		{"set +e for a while", "set +e\nx\nset -e", nil},
		{"set +e in a subshell", "(set +e; x)", nil},
		{"set +e in a function", "f() { set +e; }", nil},
		{"set +u", "set +u", nil},

		{"reboot", "reboot", []string{`warning: m:2: "reboot" ends the boot before the migration is recorded: it counts as interrupted; exit 75 to be run again at the next boot`}},
		{"systemctl reboot", "systemctl --force reboot", []string{`warning: m:2: "systemctl reboot" ends the boot before the migration is recorded: it counts as interrupted; exit 75 to be run again at the next boot`}},
		{"reboot as a word", "echo reboot", nil},
		{"systemctl restart", "systemctl restart x", []string{`warning: m:2: "systemctl restart" waits for a unit that may wait for the migrations; order the unit behind migrate-runner.service, or add --no-block`}},
		{"systemctl that does not wait", "systemctl --no-block start x; systemctl enable x; systemctl start --no-block y; systemctl daemon-reload", nil},

		{"background", "x & y", []string{wait}},
		{"background and wait", "x & y; wait", nil},
		{"background in a function", "f() { x & }", []string{wait}},

		{"state directory", "rm -rf /var/lib/migration/ledger", []string{"warning: m:2: a migration must not touch /var/lib/migration; " + state}},
		{"bundle", "echo x >/etc/migration.d/y", []string{"warning: m:2: a migration must not touch /etc/migration.d; " + state}},
		{"a name that begins like it", "rm -rf /var/lib/migrations", nil},

		{"text that is run", "trap 'if x' EXIT", []string{`error: m:2: syntax error in a text that is run: "if <cond>" must be followed by "then"`}},
		{"text for bash", "bash -c 'a=(1)'", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, found := Commands("m", []byte("#!/bin/sh\n"+c.script+"\n"))
			expect(t, found, c.want...)
		})
	}
}

func TestHabitErrexit(t *testing.T) {
	const cure = "a command that fails is not noticed; write set -e, or begin with #!/bin/sh"
	for script, want := range map[string][]string{
		"#!/bin/bash\nx\n":                      {"warning: m:1: bash is run without -e: " + cure},
		"#!/usr/bin/env bash\nx\n":              {"warning: m:1: bash is run without -e: " + cure},
		"#!/bin/ash\nx\n":                       {"warning: m:1: busybox ash is run without -e: " + cure},
		"#!/bin/bash -e\nx\n":                   nil,
		"#!/bin/bash\nset -euo pipefail\nx\n":   nil,
		"#!/bin/bash\nset -u -o errexit\nx\n":   nil,
		"#!/bin/bash\nset -o errexit\nx\n":      nil,
		"#!/bin/bash\nset -uo errexit\nx\n":     nil,
		"#!/bin/sh\nx\n":                        nil,
		"#!/bin/bash\nset -- -e\nx\n":           {"warning: m:1: bash is run without -e: " + cure},
		"#!/usr/bin/python3\nx\n":               nil,
		"#!/bin/bash -x\nshopt -s x; set -ex\n": nil,
	} {
		_, found := Commands("m", []byte(script))
		expect(t, found, want...)
	}
}
