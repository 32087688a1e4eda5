// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package ptrace

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func shell(t *testing.T, dir, script string) *Command {
	t.Helper()
	c := &Command{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Dir: dir, Env: []string{"PATH=/usr/bin:/bin"}}
	if _, err := Run(c, Plan{}); err != nil {
		t.Skipf("this machine does not let a process be traced: %v", err)
	}
	return c
}

// TestKillAtEachCall sweeps a script that makes files in order: after a kill
// at n there must be a prefix of them, and each number of files must occur.
func TestKillAtEachCall(t *testing.T) {
	dir := t.TempDir()
	script := "mkdir a; mkdir b; (mkdir c; mkdir d) & wait; mkdir e"
	c := shell(t, dir, script)
	clean := func() {
		for _, n := range strings.Fields("a b c d e") {
			os.Remove(filepath.Join(dir, n))
		}
	}
	clean()
	all, err := Run(c, Plan{})
	if err != nil || all.Status.ExitStatus() != 0 || all.Calls < 10 {
		t.Fatalf("counting: %+v, %v", all, err)
	}
	seen := map[int]bool{}
	for n := 1; n <= all.Calls; n++ {
		clean()
		r, err := Run(c, Plan{At: n, Kill: true})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Reached || r.Status.Signal() != syscall.SIGKILL || r.Calls != n {
			t.Errorf("at %d: %+v", n, r)
		}
		made := ""
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			made += e.Name()
		}
		if !strings.HasPrefix("abcde", made) {
			t.Errorf("at %d %v: made %q", n, r.At, made)
		}
		seen[len(made)] = true
	}
	if len(seen) != 6 {
		t.Errorf("numbers of files seen: %v", seen)
	}
}

func TestFailOneCall(t *testing.T) {
	dir := t.TempDir()
	c := shell(t, dir, "mkdir x && rmdir x; echo data >f && exit 0; exit 9")
	c.Select = func(c Call) bool { return c.Name == "write" }
	os.Remove(filepath.Join(dir, "f"))
	r, err := Run(c, Plan{At: 1, Errno: syscall.ENOSPC})
	if err != nil || !r.Reached || r.Status.ExitStatus() != 9 {
		t.Errorf("got %+v, %v", r, err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || len(data) != 0 {
		t.Errorf("the call happened all the same: %q, %v", data, err)
	}
	if r, err := Run(c, Plan{At: 1}); err != nil || r.Status.ExitStatus() != 0 || !r.Reached {
		t.Errorf("without a fault: %+v, %v", r, err)
	}
}

// TestOrphansAreKilled: what a program leaves running must not write on.
func TestOrphansAreKilled(t *testing.T) {
	dir := t.TempDir()
	c := shell(t, dir, "true")
	c.Args[2] = "(sleep 0.3; mkdir late) & exit 0"
	if _, err := Run(c, Plan{}); err != nil {
		t.Fatal(err)
	}
	c.Args[2] = "sleep 0.6"
	if _, err := Run(c, Plan{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "late")); err == nil {
		t.Error("a child lived on")
	}
}

func TestTimeout(t *testing.T) {
	c := shell(t, t.TempDir(), "true")
	c.Args[2], c.Timeout = "sleep 60", 200*1000*1000
	if _, err := Run(c, Plan{}); err == nil || !strings.Contains(err.Error(), "not ended") {
		t.Errorf("got %v", err)
	}
}
