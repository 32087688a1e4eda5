// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// An attack is what somebody did to a device before its next boot, and what
// must come of it.
type attack struct {
	name   string
	on     stage           // how the device differs from an ordinary one
	do     string          // as root on the device, through its mounts
	host   func(d *device) // the same from outside, for what a shell cannot do
	env    []string        // of the runner
	exit   int
	ran    string                 // which scripts, in order
	says   []string               // regular expressions, each in stderr
	status []string               // each in what `status` prints
	check  func(d *device) string // what else is wrong, "" for nothing
	breaks string                 // the rule without which it succeeds
}

// evil is a script that says so.
const evil = "printf '#!/bin/sh\\necho evil >> /data/log\\n'"

// try boots a new device under the attack and returns what is not as it must
// be.
func (a attack) try(t *testing.T, mode stage, program string, env ...string) []string {
	t.Helper()
	s := a.on
	s.Stale, s.NoProc, s.Old = mode.Stale, mode.NoProc, mode.Old
	d := newDevice(t, s)
	if a.do != "" {
		d.shell(a.do)
	}
	if a.host != nil {
		a.host(d)
		// An overlay marks what was put into its upper layer behind its back.
		d.shell("ls -lR /etc/migration.d > /dev/null || true")
	}
	before := d.touched()
	out := d.exec(append(append([]string{}, a.env...), env...), "/usr/sbin/"+program, "run")
	status := d.exec(append([]string{}, env...), "/usr/sbin/"+program, "status")
	var wrong []string
	fault := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if out.code != a.exit {
		fault("exits with %d, want %d", out.code, a.exit)
	}
	if a.exit == 6 {
		// An updater asks before it installs.
		if got := d.exec(append([]string{}, env...), "/usr/sbin/"+program, "check").code; got != a.exit {
			fault("check exits with %d, want %d", got, a.exit)
		}
	}
	if got := d.ran(); got != a.ran {
		fault("%q ran, want %q", got, a.ran)
	}
	for _, say := range a.says {
		if !regexp.MustCompile(say).MatchString(out.stderr) {
			fault("does not say %q", say)
		}
	}
	for _, say := range a.status {
		if !regexp.MustCompile(say).MatchString(status.stdout) {
			fault("status does not say %q:\n%s", say, status.stdout)
		}
	}
	for _, text := range []string{out.stdout, out.stderr, status.stdout, status.stderr} {
		for _, c := range text {
			if c < ' ' && c != '\n' || c == 0x7f {
				fault("prints the control character %q", c)
				break
			}
		}
	}
	if after := d.touched(); after != before {
		fault("/etc/migration.d was touched:\n%s\n%s", before, after)
	}
	if a.check != nil {
		if text := a.check(d); text != "" {
			fault("%s", text)
		}
	}
	if wrong != nil {
		fault("it said:\n%s", out.stderr)
	}
	return wrong
}

// test tries the attack in every mode, and on the runner without the rule.
func (a attack) test(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range a.try(t, mode, "migrate-runner") {
				t.Error(text)
			}
		})
	}
	if a.breaks == "" {
		return
	}
	t.Run("without the rule", func(t *testing.T) {
		t.Parallel()
		if _, known := faults[a.breaks]; !known {
			t.Fatalf("no runner can be built without the rule %q", a.breaks)
		}
		wrong := a.try(t, modes["namespace"], "broken-runner", breakVar+"="+a.breaks)
		if wrong == nil {
			t.Errorf("without the rule %q nothing is noticed: the test proves nothing", a.breaks)
			return
		}
		t.Logf("noticed: %s", strings.Join(wrong, "\n"))
	})
}

func testAll(t *testing.T, attacks []attack) {
	t.Helper()
	needLab(t)
	for _, a := range attacks {
		t.Run(a.name, a.test)
	}
}
