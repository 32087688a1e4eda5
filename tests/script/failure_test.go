// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// snippets writes n scripts of size bytes each.
func snippets(t *testing.T, dir string, n, size int) {
	t.Helper()
	pad := "# " + strings.Repeat("x", size) + "\n"
	for i := 0; i < n; i++ {
		writeFile(t, filepath.Join(dir, "zulu", fmt.Sprintf("m%04d", i)), "#!/bin/sh\n"+pad+"true\n")
	}
}

// TestFullDisk: the old bundle stays, nothing else is left.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipping: needs root, to mount a small tmpfs")
	}
	top := t.TempDir()
	disk := filepath.Join(top, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("skipping: mounting a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	snippets(t, filepath.Join(top, "small"), 1, 10)
	snippets(t, filepath.Join(top, "large"), 40, 8000)
	succeed(t, disk, "build", "--snippets", "../small", "--release", "1.0", "--output", "out")
	before := mustSnapshot(t, filepath.Join(disk, "out"))

	r := mkmigrations(t, disk, nil, "build", "--snippets", "../large", "--release", "1.0", "--output", "out")
	if r.code != 1 || !strings.Contains(r.stderr, `mkmigrations: error: writing "out": "`) || !strings.Contains(r.stderr, ": no space left on device\n") {
		t.Errorf("exits with %d: %s", r.code, r.stderr)
	}
	if diff := differences(before, mustSnapshot(t, filepath.Join(disk, "out"))); diff != "" {
		t.Errorf("the old bundle changed: %s", diff)
	}
	if extra := leftOvers(t, disk, "out"); extra != nil {
		t.Errorf("left behind: %q", extra)
	}
	full(t)
}

// full checks that data which cannot be written is an error: /dev/full takes
// nothing.
func full(t *testing.T) {
	t.Helper()
	dev, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Logf("no /dev/full: %v", err)
		return
	}
	defer dev.Close()
	r := mkmigrations(t, "", func(cmd *exec.Cmd) { cmd.Stdout = dev }, "version")
	if r.code != 1 || !strings.HasPrefix(r.stderr, "mkmigrations: error: writing the output: ") {
		t.Errorf("version into a full disk exits with %d: %s", r.code, r.stderr)
	}
}

// TestUnreadable: what cannot be read is an error that names it, never a
// bundle without it.
func TestUnreadable(t *testing.T) {
	top := openTempDir(t)
	writeFile(t, filepath.Join(top, "s/zulu/closed"), "#!/bin/sh\ntrue\n")
	writeFile(t, filepath.Join(top, "s/alpha/open"), "#!/bin/sh\ntrue\n")
	writeFile(t, filepath.Join(top, "feed/zulu.ipk"), "x")
	writeFile(t, filepath.Join(top, "list"), "zulu\n")
	for _, name := range []string{"s/zulu/closed", "feed/zulu.ipk", "list"} {
		if err := os.Chmod(filepath.Join(top, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	r := mkmigrations(t, top, asNobody, "build", "--snippets", "s", "--packages", "feed", "--installed", "list", "--release", "1.0", "--output", "out")
	want := "mkmigrations: error: opening \"feed/zulu.ipk\": permission denied\n" +
		"mkmigrations: error: reading \"list\": permission denied\n" +
		"mkmigrations: error: reading \"s/zulu/closed\": permission denied\n"
	if r.code != 1 || r.stderr != want {
		t.Errorf("exits with %d:\n%s\nwant\n%s", r.code, r.stderr, want)
	}
	if extra := leftOvers(t, top, "s", "feed", "list"); extra != nil {
		t.Errorf("left behind: %q", extra)
	}
	if os.Geteuid() == 0 {
		r = mkmigrations(t, top, asNobody, "build", "--snippets", "s/..", "--release", "1.0", "--output", "out")
		if r.code != 1 {
			t.Errorf("exits with %d: %s", r.code, r.stderr)
		}
		writeFile(t, filepath.Join(top, "t/alpha/open"), "#!/bin/sh\ntrue\n")
		r = mkmigrations(t, top, asNobody, "build", "--snippets", "t", "--release", "1.0", "--output", "out")
		if r.code != 1 || r.stderr != "mkmigrations: error: writing \"out\": permission denied\n" {
			t.Errorf("writing where it may not exits with %d: %s", r.code, r.stderr)
		}
	}
}

// TestManifestThatNobodyReads: a manifest larger than verify, inspect and the
// next build read is refused when it is made.
func TestManifestThatNobodyReads(t *testing.T) {
	top := openTempDir(t)
	for i := 0; i < 130; i++ {
		var paths strings.Builder
		for n := 0; paths.Len() < 50<<10; n++ {
			fmt.Fprintf(&paths, " /etc/zulu/%d/%d", i, n)
		}
		writeFile(t, filepath.Join(top, fmt.Sprintf("s/zulu/m%03d", i)), header("# Paths:"+paths.String()+"\n"))
	}
	r := mkmigrations(t, top, nil, "build", "--snippets", "s", "--release", "1.0", "--output", "out")
	if r.code != 1 || !strings.Contains(r.stderr, "mkmigrations: error: the manifest has ") || !strings.Contains(r.stderr, "hint: retire old migrations by --min-from") {
		t.Errorf("exits with %d: %.500s", r.code, r.stderr)
	}
	if extra := leftOvers(t, top, "s"); extra != nil {
		t.Errorf("left behind: %q", extra)
	}
}

// asNobody takes root's rights away; another user has none to lose.
func asNobody(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}

// TestInterrupted sends signals at many moments. Each time the output is the
// old bundle or the new one, whole, and nothing is left beside it; a run that
// says it was interrupted has changed nothing.
func TestInterrupted(t *testing.T) {
	top := t.TempDir()
	out := filepath.Join(top, "out")
	snippets(t, filepath.Join(top, "old"), 1, 10)
	snippets(t, filepath.Join(top, "new"), 150, 100)
	build := func(from string) []string {
		return []string{"build", "--snippets", from, "--release", "1.0", "--output", "out"}
	}
	succeed(t, top, build("new")...)
	after := mustSnapshot(t, out)
	succeed(t, top, build("old")...)
	before := mustSnapshot(t, out)

	seen := map[string]int{}
	for i := 0; i < 12; i++ {
		sig := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}[i%2]
		// The first ones wait for the stage to appear, so that writing itself
		// is hit; the others come at any time.
		r := interrupt(t, top, sig, i < 6, time.Duration(i*i)*3*time.Millisecond, build("new"))
		got := mustSnapshot(t, out)
		switch {
		case r.code == 0 && differences(after, got) == "":
			seen["done"]++
			succeed(t, top, build("old")...)
		case r.code == 1 && r.stderr == "mkmigrations: error: interrupted\n" && differences(before, got) == "":
			seen["interrupted"]++
		case r.code == -1 && differences(before, got) == "":
			// The signal came before the program's first line.
			seen["too early"]++
		default:
			t.Fatalf("round %d: exits with %d: %s\n%s", i, r.code, r.stderr, differences(before, got))
		}
		if extra := leftOvers(t, top, "old", "new", "out"); extra != nil {
			t.Fatalf("round %d: left behind: %q", i, extra)
		}
	}
	t.Log(seen)
	if seen["interrupted"] == 0 {
		t.Error("no run was interrupted")
	}
}

func interrupt(t *testing.T, dir string, sig syscall.Signal, writing bool, wait time.Duration, args []string) result {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(filepath.Join(binDir, "mkmigrations"), args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); writing && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(dir, ".out.mkmigrations-*")); found != nil {
			break
		}
	}
	time.Sleep(wait)
	// It may have ended already.
	_ = cmd.Process.Signal(sig)
	return result{code: exitCode(cmd.Wait()), stderr: stderr.String()}
}

// TestKilled: a run that is killed leaves the old bundle, and what it wrote
// goes with the next run.
func TestKilled(t *testing.T) {
	top := t.TempDir()
	snippets(t, filepath.Join(top, "old"), 1, 10)
	snippets(t, filepath.Join(top, "new"), 150, 100)
	succeed(t, top, "build", "--snippets", "old", "--release", "1.0", "--output", "out")
	before := mustSnapshot(t, filepath.Join(top, "out"))
	r := interrupt(t, top, syscall.SIGKILL, true, 0, []string{"build", "--snippets", "new", "--release", "1.0", "--output", "out"})
	if r.code != -1 {
		t.Skipf("skipping: it was done before it could be killed, exit %d", r.code)
	}
	if diff := differences(before, mustSnapshot(t, filepath.Join(top, "out"))); diff != "" {
		t.Errorf("the old bundle changed: %s", diff)
	}
	succeed(t, top, "build", "--snippets", "old", "--release", "1.0", "--output", "out")
	if extra := leftOvers(t, top, "old", "new", "out"); extra != nil {
		t.Errorf("left behind: %q", extra)
	}
}
