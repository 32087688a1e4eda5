// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package saved

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"meta-migration/tests/crash/ptrace"
)

// TestSyncOrderOfMany: with more contents than are synced one by one, all of them
// are on the medium before the save has its name.
func TestSyncOrderOfMany(t *testing.T) {
	c := newTester(t)
	for i := 0; i < syncEach+4; i++ {
		c.write(fmt.Sprint("etc/large", i), strings.Repeat("0123456789", 1000))
	}
	s := ""
	_, err := c.trace("save", ptrace.Plan{}, func(_ int, call ptrace.Call) {
		s += map[string]string{"write": "w", "pwrite64": "w", "fsync": "s", "syncfs": "S", "renameat": "R", "renameat2": "R"}[call.Name]
	})
	must(t, err)
	if !regexp.MustCompile(`^((w+s){8}w+sSsRs|(w+s){12}w+ssRs)$`).MatchString(s) {
		t.Errorf("Save does %s", s)
	}
}

// TestRestoreSyncsEachFileSystem: the Paths are on two, and both are synced.
func TestRestoreSyncsEachFileSystem(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	ownMounts(t)
	c := newTester(t)
	mount(t, "tmpfs", c.path("opt"), "tmpfs", 0, "")
	c.write("etc/a", "old")
	c.write("opt/one", "old")
	c.save(1, crashPaths...)
	c.write("etc/a", "newer")
	c.write("opt/one", "newer")
	synced := map[string]bool{}
	_, err := c.trace("restore", ptrace.Plan{}, func(_ int, call ptrace.Call) {
		if call.Name == "syncfs" {
			var st syscall.Stat_t
			must(t, syscall.Stat(fmt.Sprintf("/proc/%d/fd/%d", call.Task, call.Args[0]), &st))
			synced[fmt.Sprint(st.Dev)] = true
		}
	})
	must(t, err)
	if len(synced) != 2 {
		t.Errorf("%d file systems are synced, want 2", len(synced))
	}
}

// TestNamedMountGone: what a path names is itself a mount, and is none when it is
// put back.
func TestNamedMountGone(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	ownMounts(t)
	f := newField(t)
	mount(t, "tmpfs", f.path("data"), "tmpfs", 0, "")
	f.write("data/file", "on the mount")
	f.save(1, "/data")
	must(t, syscall.Unmount(f.path("data"), 0))
	before := f.snapshot()
	if _, err := Restore(f.rootFd, f.savesFd, 1); err == nil || !strings.Contains(err.Error(), "it was a mount when it was saved and is none now") {
		t.Errorf("got %v", err)
	}
	compare(t, "another file system got its files", before, f.snapshot())
}

// TestReplacedByRename: a name means the old or the new file at any moment, and who
// has it open keeps what he opened.
func TestReplacedByRename(t *testing.T) {
	f := newField(t)
	f.write("etc/a", "old")
	must(t, os.Link(f.path("etc/a"), f.path("etc/a2")))
	f.write("etc/b", "old")
	f.save(1, "/etc")
	f.write("etc/a", "newer")
	f.write("etc/b", "newer")
	for _, n := range []string{"etc/a", "etc/b"} {
		fd, err := os.Open(f.path(n))
		must(t, err)
		defer fd.Close()
		defer func(n string) {
			if data, err := io.ReadAll(fd); string(data) != "newer" {
				t.Errorf("%s was written in place: %q, %v", n, data, err)
			}
		}(n)
	}
	f.restore(1)
}
