// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package statedir

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// TestOpenAtOnce guards against the error of a runner that met a state
// directory which another one, started at the same moment, had made between
// its look and its mkdir.
func TestOpenAtOnce(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a state directory belongs to root")
	}
	for round := 0; round < 300 && !t.Failed(); round++ {
		openAtOnce(t, t.TempDir())
	}
}

func openAtOnce(t *testing.T, top string) {
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := syscall.Open(top, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(root)
	const many = 8
	start, ended := make(chan struct{}), make(chan error)
	for i := 0; i < many; i++ {
		go func() {
			<-start
			dir, err := Open(root, true)
			if err == nil {
				syscall.Close(dir.FD)
			}
			ended <- err
		}()
	}
	close(start)
	for i := 0; i < many; i++ {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// opened makes a state directory and opens it.
func opened(t *testing.T) (dir *Dir, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a state directory belongs to root")
	}
	top := t.TempDir()
	must(t, os.Chmod(top, 0o755))
	root, err := syscall.Open(top, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	must(t, err)
	t.Cleanup(func() { syscall.Close(root) })
	dir, err = Open(root, true)
	must(t, err)
	t.Cleanup(func() { syscall.Close(dir.FD) })
	return dir, filepath.Join(top, "var/lib/migration")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRemovePrivateLeavesMounts guards the data of a file system that a script
// has mounted in its private directory and left there: they were deleted.
func TestRemovePrivateLeavesMounts(t *testing.T) {
	dir, path := opened(t)
	data := t.TempDir()
	must(t, os.WriteFile(filepath.Join(data, "precious"), nil, 0o644))
	must(t, dir.MakePrivate("alpha:one"))
	private := filepath.Join(path, "state/alpha:one")
	must(t, os.MkdirAll(filepath.Join(private, "deep/old"), 0o755))
	must(t, os.WriteFile(filepath.Join(private, "deep/file"), nil, 0o644))
	for _, point := range []string{"deep/old", "deep/old", "deep/file", "."} {
		from := data
		if point == "deep/file" {
			from = filepath.Join(data, "precious")
		}
		if err := syscall.Mount(from, filepath.Join(private, point), "", syscall.MS_BIND, ""); err != nil {
			t.Skipf("mounting: %v", err)
		}
		t.Cleanup(func() { syscall.Unmount(filepath.Join(private, point), syscall.MNT_DETACH) })
	}
	before, err := os.Getwd()
	must(t, err)
	removed, err := dir.RemovePrivate("alpha:one")
	if err != nil || !removed {
		t.Errorf("removed %v: %v", removed, err)
	}
	if _, err := os.Lstat(private); !os.IsNotExist(err) {
		t.Errorf("the private directory is still there: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(data, "precious")); err != nil {
		t.Error(err)
	}
	if after, err := os.Getwd(); err != nil || after != before {
		t.Errorf("the working directory is %q now: %v", after, err)
	}
	if removed, err := dir.RemovePrivate("alpha:one"); removed || err != nil {
		t.Errorf("removed %v once more: %v", removed, err)
	}
}

// TestLastLineIsWrittenAgain: a runner that was killed between writing a line
// and its sync left one that is read and not on the medium. The next one relied
// on it, and a power cut took it away.
func TestLastLineIsWrittenAgain(t *testing.T) {
	dir, path := opened(t)
	empty, err := ledger.Parse(nil)
	must(t, err)
	w, err := dir.OpenWriter(empty)
	must(t, err)
	must(t, w.Append(&ledger.Event{Kind: ledger.Retried, ID: "alpha:one"}))
	must(t, w.Append(&ledger.Event{Kind: ledger.Retried, ID: "alpha:two"}))
	before, err := os.ReadFile(filepath.Join(path, "ledger"))
	must(t, err)
	watch, err := syscall.InotifyInit1(syscall.IN_NONBLOCK)
	must(t, err)
	defer syscall.Close(watch)
	_, err = syscall.InotifyAddWatch(watch, filepath.Join(path, "ledger"), syscall.IN_MODIFY)
	must(t, err)
	log, err := dir.ReadLedger()
	must(t, err)
	if len(log.Events) != 2 || log.Last == 0 {
		t.Fatalf("%d events, the last one at %d", len(log.Events), log.Last)
	}
	_, err = dir.OpenWriter(log)
	must(t, err)
	if n, err := syscall.Read(watch, make([]byte, 256)); n <= 0 {
		t.Errorf("nothing was written: %v", err)
	}
	if after, err := os.ReadFile(filepath.Join(path, "ledger")); err != nil || string(after) != string(before) {
		t.Errorf("the ledger has changed: %v", err)
	}
}

// TestMarkers: a new marker is the only one, and what somebody else has put
// among them goes as well.
func TestMarkers(t *testing.T) {
	dir, path := opened(t)
	root := syscallRoot(t, path)
	a, b := bundle.Sum([]byte("a")), bundle.Sum([]byte("b"))
	must(t, dir.RemoveMarkers())
	must(t, dir.SetMarker(a))
	must(t, os.Mkdir(filepath.Join(path, "complete/directory"), 0o700))
	must(t, os.Symlink("/etc/passwd", filepath.Join(path, "complete/link")))
	must(t, dir.SetMarker(b))
	names, err := filepath.Glob(filepath.Join(path, "complete/*"))
	if err != nil || len(names) != 1 || filepath.Base(names[0]) != b.Hex() {
		t.Errorf("markers: %q, %v", names, err)
	}
	if HasMarker(root, a) || !HasMarker(root, b) {
		t.Error("another marker is found than was set")
	}
	must(t, dir.RemoveMarkers())
	if HasMarker(root, b) {
		t.Error("the marker is still there")
	}
	must(t, os.Mkdir(filepath.Join(path, "complete", b.Hex()), 0o700))
	must(t, dir.RemoveMarkers())
	must(t, dir.SetMarker(b))
}

func syscallRoot(t *testing.T, state string) int {
	t.Helper()
	fd, err := syscall.Open(strings.TrimSuffix(state, bundle.StateDir), syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	must(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}
