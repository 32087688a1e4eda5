// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// crashCases are scripts that change much, each with the data it needs.
var crashCases = []struct {
	name   string
	root   bool
	setup  func(b *box)
	script string
}{
	{"accounts", false, withAccounts, "ensure_user bmcweb --group audio --locked; ensure_group avahi 400; add_to_group bmcweb netdev"},
	{"new user with group", false, withAccounts, "ensure_user bmcweb"},
	{"rename user", false, withAccounts, "rename_user admin service; remove_user avahi"},
	{"renumber user", false, withAccounts, "ensure_user admin --uid 1500 --comment x --locked"},
	{"remap swap", true, withTree, swap},
	{"remap", true, withTree, "remap_ids user:200=4000 group:100=4000 -- /data"},
	{"replace and set", false, func(b *box) {
		b.write("etc/a", "old\n")
		b.write("etc/b", "[s]\nk=1\n")
	}, "printf 'new\\n' | replace_file /etc/a; printf 'c\\n' | replace_file /etc/c; set_key --section s /etc/b k 2; set_key /etc/b g 3"},
	{"move by rename", false, func(b *box) { b.write("var/old/f", "1"); b.mkdir("srv/new") }, "move_path /var/old /srv/new"},
	{"move by copy", false, func(b *box) {
		b.write("data/app/sub/file", "1")
		b.write("data/app/other", "2")
		b.write("data/conf", "3")
		b.symlink("x", "data/link")
		b.mkdir("data/target")
		b.mkdir("mnt")
		b.mounts = append(b.mounts, "bind data/target mnt")
	}, "move_path /data/app /mnt/app; move_path /data/conf /mnt/conf; move_path /data/link /mnt/link"},
	{"stale links", false, func(b *box) { b.symlink("/a", "etc/x"); b.symlink("/b", "etc/y") }, "remove_stale_links /etc"},
	{"overlay", true, func(b *box) {
		withImages(b, oeUpper, oeWork)
		b.boot("two", oeUpper, oeWork, true)
	}, "drop_override /etc/conf " + sum("default 1\n") + "; clear_whiteout /etc/gone; clear_whiteout /etc/dir"},
	{"overlay offline", true, func(b *box) {
		withImages(b, oeUpper, oeWork)
		b.boot("two", "", "", false)
	}, "drop_override /etc/conf " + sum("default 1\n") + "; clear_whiteout /etc/gone"},
}

// Killed at each system call that changes something, a script run again ends
// exactly where an undisturbed one ends, with nothing left over. Spread over the
// script, 15 points are tried in dash and 4 in the others; with
// MIGRATION_TEST_LONG all of them.
func TestCrashAnywhere(t *testing.T) {
	for _, c := range crashCases {
		t.Run(c.name, func(t *testing.T) {
			for _, sh := range []shell{dash, ash, bash} {
				t.Run(sh.name, func(t *testing.T) {
					if c.root {
						needRoot(t)
					}
					calm := newBox(t, sh)
					c.setup(calm)
					events, _ := calm.trace(c.script, 0)
					want := snapshot(t, calm.root, content)
					step := 1 + len(events)/15
					if sh.name != "dash" || testing.Short() {
						step = 1 + len(events)/4
					}
					if os.Getenv("MIGRATION_TEST_LONG") != "" {
						step = 1
					}
					tried := 0
					for at := 1; at <= len(events); at += step {
						crash(t, sh, c.setup, c.script, at, want)
						tried++
						if t.Failed() {
							t.FailNow()
						}
					}
					t.Logf("%d of %d points", tried, len(events))
					if tried < 3 {
						t.Errorf("only %d points: the tracer sees nothing", tried)
					}
				})
			}
		})
	}
}

// crash kills the script at one point and runs it again.
func crash(t *testing.T, sh shell, setup func(*box), script string, at int, want tree) {
	t.Helper()
	b := newBox(t, sh)
	setup(b)
	if _, killed := b.trace(script, at); !killed {
		return // The order of two processes in a pipe can differ by a call.
	}
	checkAccounts(t, b, at)
	if r := b.run(script); r.code != 0 || r.stderr != "" {
		t.Errorf("killed at call %d, run again: exit %d, stderr %s", at, r.code, r.stderr)
		return
	}
	want.compare(t, snapshot(t, b.root, content), fmt.Sprintf("killed at call %d, run again: the tree", at))
	if err := os.RemoveAll(b.root); err != nil {
		t.Error(err)
	}
}

// checkAccounts finds torn account files: each has its old lines or new ones,
// never fewer, and is readable by nobody new.
func checkAccounts(t *testing.T, b *box, at int) {
	t.Helper()
	for name, lines := range map[string]int{"passwd": 6, "group": 7, "shadow": 3, "gshadow": 3} {
		info, err := os.Stat(b.path("etc/" + name))
		if err != nil {
			continue
		}
		if got := strings.Count(b.read("etc/"+name), "\n"); b.has("etc/gshadow") && got < lines {
			t.Errorf("killed at call %d: %s has %d lines", at, name, got)
		}
		if b.has("etc/gshadow") && strings.HasSuffix(name, "shadow") && info.Mode().Perm() != 0o400 {
			t.Errorf("killed at call %d: %s has mode %v", at, name, info.Mode())
		}
	}
}

func (b *box) has(name string) bool {
	_, err := os.Lstat(b.path(name))
	return err == nil
}

// A kill does not lose what is in the page cache, a power cut does: so a file is
// synced after it was written and before it takes its place, and the directory
// after that.
func TestSyncBeforeRename(t *testing.T) {
	for _, c := range crashCases {
		t.Run(c.name, func(t *testing.T) {
			if c.root {
				needRoot(t)
			}
			b := newBox(t, dash)
			c.setup(b)
			events, _ := b.trace(c.script, 0)
			dirty, renamed, renames := false, "", 0
			for _, e := range events {
				switch {
				case e.syncs():
					dirty, renamed = false, ""
				case e.path == renamed && e.path != "":
					// mv(1) asks with RENAME_NOREPLACE first.
				case strings.Contains(e.path, " -> ") && strings.Contains(e.path, ".mig."):
					renames++
					if dirty {
						t.Errorf("%s without a sync after the last write", e.path)
					}
					if renamed != "" {
						t.Errorf("%s without a sync of the directory after %s", e.path, renamed)
					}
					renamed = e.path
				case strings.Contains(e.path, ".mig.") || e.writes():
					dirty = true
				}
			}
			if renamed != "" {
				t.Errorf("no sync of the directory after %s", renamed)
			}
			t.Logf("%d renames in %d calls", renames, len(events))
		})
	}
}
