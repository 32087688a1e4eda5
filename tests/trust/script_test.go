// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"os"
	"sort"
	"strings"
	"testing"
)

// TestSurroundings: what the runner was started with does not reach a script.
func TestSurroundings(t *testing.T) {
	testAll(t, []attack{
		{
			name: "environment", breaks: "environment", ran: all,
			do: evil + " > /data/home/rc; chmod 755 /data/home/rc; cp /data/home/rc /data/home/env",
			env: []string{
				"LD_PRELOAD=/data/home/rc", "LD_LIBRARY_PATH=/data/home", "LD_AUDIT=/data/home/rc", "BASH_ENV=/data/home/rc", "ENV=/data/home/rc",
				"IFS=/", "PATH=/data/home", "CDPATH=/data/home", "SHELLOPTS=xtrace", "PS4=$(/data/home/rc)", "PYTHONPATH=/data/home",
				"PERL5OPT=-M/data/home/rc", "TMPDIR=/data/home", "LC_ALL=tr_TR", "LANG=tr_TR", "HOME=/data/home", "GODEBUG=x",
				"MIGRATION_LIB=/data/home/rc", "MIGRATION_ID=forged:id", "MIGRATION_STATE=/data/home", "BASH_FUNC_echo%%=() { evil; }",
			},
			check: cleanEnvironment, status: []string{`release 1.0: complete`},
		},
		{
			name: "inherited descriptors", breaks: "descriptors", ran: all, on: stage{Open: "/etc/migration.d/manifest"},
			check: cleanDescriptors, status: []string{`release 1.0: complete`},
		},
		{name: "script that writes to its own text", breaks: "seal", ran: all, status: []string{`release 1.0: complete`}},
	})
}

func cleanEnvironment(d *device) string {
	data, err := os.ReadFile(d.path("env"))
	must(d.t, err)
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		// A shell sets these by itself.
		if !strings.HasPrefix(line, "PWD=") && !strings.HasPrefix(line, "SHLVL=") && !strings.HasPrefix(line, "OLDPWD=") {
			lines = append(lines, line)
		}
	}
	sort.Strings(lines)
	const want = `LC_ALL=C
MIGRATION_ATTEMPT=1
MIGRATION_FILE=0020-alpha:second
MIGRATION_FROM=
MIGRATION_ID=alpha:second
MIGRATION_LIB=/usr/lib/migration/functions.sh
MIGRATION_STATE=/var/lib/migration/state/alpha:second
MIGRATION_TO=1.0
PATH=/usr/sbin:/usr/bin:/sbin:/bin`
	if got := strings.Join(lines, "\n"); got != want {
		return "the script's environment is\n" + got
	}
	return ""
}

// cleanDescriptors: the script has 0 to 2 and its own text at 3, which the
// shell also holds at 10 or above. Without /proc it cannot look.
func cleanDescriptors(d *device) string {
	data, err := os.ReadFile(d.path("fds"))
	must(d.t, err)
	for _, path := range strings.Fields(string(data)) {
		switch fd := path[strings.LastIndexByte(path, '/')+1:]; fd {
		case "0", "1", "2", "3", "10", "11":
		default:
			return "the script has the descriptor " + fd
		}
	}
	return ""
}

// TestDescriptorsOld: also where the kernel cannot mark them all at once.
func TestDescriptorsOld(t *testing.T) {
	d := newDevice(t, stage{Stale: true, Old: true, Open: "/etc/migration.d/manifest"})
	if out := d.exec(nil, "/usr/sbin/migrate-runner", "run"); out.code != 0 || d.ran() != all {
		t.Fatalf("exits with %d, %q ran: %s", out.code, d.ran(), out.stderr)
	}
	if text := cleanDescriptors(d); text != "" {
		t.Error(text)
	}
	if data, err := os.ReadFile(d.path("fds")); err != nil || !strings.Contains(string(data), "/fd/0\n") {
		t.Errorf("the script saw %q, %v", data, err)
	}
}

// TestFallbackCopy: without memfd or /proc the script is a copy that nobody
// but root can read, and that is gone afterwards.
func TestFallbackCopy(t *testing.T) {
	for name, s := range map[string]stage{
		"no memfd": {Old: true}, "no /proc": {NoProc: true, Stale: true}, "neither": {Old: true, NoProc: true, Stale: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := needLab(t)
			s.Image = l.image(t, "copy", map[string]string{
				"zulu/where": "#!/bin/sh\necho \"$0 $1\" >> /data/log\nls -ln /var/lib/migration/script >> /data/ls\nls -lnd /var/lib/migration/script >> /data/ls\n",
			})
			d := newDevice(t, s)
			out := d.exec(nil, "/usr/sbin/migrate-runner", "run")
			if want := "/var/lib/migration/script/script up"; out.code != 0 || d.ran() != want {
				t.Fatalf("exits with %d, %q ran: %s", out.code, d.ran(), out.stderr)
			}
			list, err := os.ReadFile(d.path("ls"))
			must(t, err)
			if text := string(list); !strings.Contains(text, "-r-x------") || !strings.Contains(text, "drwx------") {
				t.Errorf("the copy is open:\n%s", text)
			}
			left, err := os.ReadDir(d.path("var/lib/migration/script"))
			if err != nil || len(left) != 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}
