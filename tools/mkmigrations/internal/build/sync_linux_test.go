// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"context"
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

const syncVar = "MKMIGRATIONS_SYNC_TEST"

// A large tree costs one syncfs and one fsync of the directory above, not two
// a file; a small one leaves what others have written alone. Both ways sync
// before the name is given, so that a power cut leaves the old tree or the new.
func TestSyncsOfATree(t *testing.T) {
	if dir := os.Getenv(syncVar); dir != "" {
		var n int
		fmt.Sscan(os.Getenv(syncVar+"_N"), &n)
		if err := writeTree(context.Background(), dir, exampleTree()[:n], time.Unix(0, 0)); err != nil {
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
