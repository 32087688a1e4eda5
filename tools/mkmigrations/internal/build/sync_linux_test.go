// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReportsErrors(t *testing.T) {
	for release, want := range map[string]bool{
		"5.8.0": true, "5.8": true, "5.10.0-8-amd64": true, "6.1.0": true, "10.0": true,
		"5.7.19": false, "4.18.0-553.el8.x86_64": false, "3.10": false, "": false, "x.y": false, "5": false, "5.": false,
	} {
		if got := reportsErrors(release); got != want {
			t.Errorf("%q: %v, want %v", release, got, want)
		}
	}
}

// A stage in use by another process is not taken for a left-over.
func TestStageOfAnotherBuild(t *testing.T) {
	dir := t.TempDir()
	other, err := newStage(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	write := func() {
		t.Helper()
		if _, err := writeTree(context.Background(), filepath.Join(dir, "out"), exampleTree()[:3], time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if _, err := os.Stat(other.path); err != nil {
		t.Errorf("removed while it is in use: %v", err)
	}
	other.lock.Close()
	write()
	if _, err := os.Stat(other.path); err == nil {
		t.Error("left over")
	}
}

// What cannot be removed when the new tree is in place is a warning: the exit
// status says whether there is a new bundle. A mount point cannot be replaced.
func TestWriteTreeOverMounts(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	write := func(n int) (Faults, error) {
		return writeTree(context.Background(), out, exampleTree()[:n], time.Unix(0, 0))
	}
	if _, err := write(3); err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(out, filepath.Dir(exampleTree()[0].path))
	if err := unix.Mount("none", below, "tmpfs", 0, ""); err != nil {
		t.Skipf("skipping: mounting: %v", err)
	}
	warnings, err := write(5)
	left, _ := filepath.Glob(filepath.Join(dir, ".out"+staged+"*"))
	for _, stage := range left {
		if err := unix.Unmount(filepath.Join(stage, filepath.Dir(exampleTree()[0].path)), 0); err != nil {
			t.Error(err)
		}
	}
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Rule, "is in place; removing") || warnings[0].Cure == "" {
		t.Errorf("%v, %v", warnings, err)
	}
	if _, err := os.Stat(filepath.Join(out, exampleTree()[4].path)); err != nil {
		t.Error(err)
	}
	if err := unix.Mount("none", out, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	_, err = write(3)
	if e := unix.Unmount(out, 0); e != nil {
		t.Error(e)
	}
	var fault *Fault
	if !errors.As(err, &fault) || !strings.Contains(fault.Cure, "mount point") {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".out"+staged+"*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

const syncVar = "MKMIGRATIONS_SYNC_TEST"

// A large tree costs one syncfs and one fsync of the directory above, not two
// a file; a small one leaves what others have written alone. Both ways sync
// before the name is given, so that a power cut leaves the old tree or the new.
func TestSyncsOfATree(t *testing.T) {
	if dir := os.Getenv(syncVar); dir != "" {
		var n int
		fmt.Sscan(os.Getenv(syncVar+"_N"), &n)
		if _, err := writeTree(context.Background(), dir, exampleTree()[:n], time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil || !reportsErrors(unix.ByteSliceToString(name.Release[:])) {
		t.Skip("syncfs of this kernel does not report errors")
	}
	for _, c := range []struct {
		files          int
		syncfs, fsyncs string
	}{{manyFiles, "^1$", "^1$"}, {100, "^0$", "^10[1-9]$"}} {
		calls := tracedSyncs(t, c.files)
		one, each := strings.Count(calls, "syncfs("), strings.Count(calls, "fsync(")
		if !regexp.MustCompile(c.syncfs).MatchString(fmt.Sprint(one)) || !regexp.MustCompile(c.fsyncs).MatchString(fmt.Sprint(each)) {
			t.Errorf("%d files: %d syncfs, %d fsync, want %s and %s", c.files, one, each, c.syncfs, c.fsyncs)
		}
		renamed := strings.LastIndex(calls, "rename")
		before := strings.Count(calls[:max(renamed, 0)], "sync")
		if renamed < 0 || before != one+each-1 {
			t.Errorf("%d files: %d of %d syncs stand before the rename, want all but one:\n%s", c.files, before, one+each, calls)
		}
	}
}

func tracedSyncs(t *testing.T, files int) string {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	cmd := exec.Command("strace", "-f", "-qq", "-o", log, "-e", "trace=fsync,fdatasync,syncfs,rename,renameat,renameat2",
		os.Args[0], "-test.run=^TestSyncsOfATree$")
	cmd.Env = append(os.Environ(), syncVar+"="+filepath.Join(dir, "out"), fmt.Sprintf("%s_N=%d", syncVar, files))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("strace cannot trace here: %v: %s", err, out)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	for _, line := range strings.Split(string(data), "\n") {
		// The second half of a call that another thread interrupted.
		if !strings.Contains(line, "resumed>") {
			calls = append(calls, line)
		}
	}
	return strings.Join(calls, "\n")
}
