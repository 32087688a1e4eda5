// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"

	"meta-migration/target/migrate-runner/internal/sys"
)

// snapshot describes everything about a tree that a save promises to keep, one
// line an object, read by other means than the package's own: package os and
// whole paths. Links are grouped by the sorted list of their names.
func snapshot(t testing.TB, root string, paths ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	groups := map[[2]uint64][]string{}
	visit := func(path string, info os.FileInfo, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(path, root)
		st := info.Sys().(*syscall.Stat_t)
		line := fmt.Sprintf("mode %o owner %d:%d", st.Mode, st.Uid, st.Gid)
		if rel != "" {
			line += fmt.Sprintf(" mtime %d.%09d", st.Mtim.Sec, st.Mtim.Nsec)
		}
		switch info.Mode().Type() {
		case 0:
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" size %d sum %x sparse %v", st.Size, sha256.Sum256(data), st.Blocks*512+65536 < st.Size)
		case os.ModeSymlink:
			target, _ := os.Readlink(path)
			line += " -> " + target
		case os.ModeDevice, os.ModeDevice | os.ModeCharDevice:
			line += fmt.Sprintf(" dev %#x", st.Rdev)
		}
		if !info.IsDir() && st.Nlink > 1 {
			id := [2]uint64{uint64(st.Dev), st.Ino}
			groups[id] = append(groups[id], rel)
			line += fmt.Sprintf(" nlink %d", st.Nlink)
		}
		all[rel] = line + xattrsOf(t, path)
		return nil
	}
	if len(paths) == 0 {
		paths = []string{""}
	}
	for _, p := range paths {
		if err := filepath.Walk(filepath.Join(root, p), visit); err != nil {
			t.Fatal(err)
		}
	}
	for _, names := range groups {
		sort.Strings(names)
		for _, n := range names {
			all[n] += " same as " + strings.Join(names, ",")
		}
	}
	return all
}

func xattrsOf(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	names, err := sys.Listxattr(int(dir.Fd()), filepath.Base(path))
	if err != nil && err != syscall.EOPNOTSUPP {
		t.Fatal(err)
	}
	out := ""
	for _, n := range names {
		v, err := sys.Getxattr(int(dir.Fd()), filepath.Base(path), n)
		out += fmt.Sprintf(" %s=%x %v", n, v, err)
	}
	return out
}

// differences lists what two snapshots do not have in common.
func differences(want, got map[string]string) (out []string) {
	for path, line := range want {
		if g, ok := got[path]; !ok {
			out = append(out, fmt.Sprintf("%q is missing", path))
		} else if g != line {
			out = append(out, fmt.Sprintf("%q:\n  want %s\n  got  %s", path, line, g))
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			out = append(out, fmt.Sprintf("%q is left over", path))
		}
	}
	sort.Strings(out)
	return out
}

func compare(t testing.TB, what string, want, got map[string]string) {
	t.Helper()
	d := differences(want, got)
	if len(d) > 8 {
		d = append(d[:8], fmt.Sprintf("and %d more", len(d)-8))
	}
	if len(d) > 0 {
		t.Fatalf("%s: %s", what, strings.Join(d, "\n"))
	}
}

// field is a root directory and a directory of saves to test with.
type field struct {
	t           testing.TB
	root, saves string
	rootFd      int
	savesFd     int
}

func newField(t testing.TB) *field {
	dir := t.TempDir()
	return fieldAt(t, filepath.Join(dir, "root"), filepath.Join(dir, "saves"))
}

func fieldAt(t testing.TB, root, saves string) *field {
	t.Helper()
	wd, err := os.Getwd()
	must(t, err)
	must(t, os.MkdirAll(root, 0o755))
	must(t, os.MkdirAll(saves, 0o700))
	f := &field{t: t, root: root, saves: saves, rootFd: openDirFd(t, root), savesFd: openDirFd(t, saves)}
	t.Cleanup(func() {
		os.Chdir(wd)
		syscall.Close(f.rootFd)
		syscall.Close(f.savesFd)
	})
	return f
}

// quickDir makes a directory in memory, where there is one, else on disk.
func quickDir(t *testing.T) string {
	t.Helper()
	shm, err := os.MkdirTemp("/dev/shm", "saved")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(shm) })
	return shm
}

func openDirFd(t testing.TB, path string) int {
	t.Helper()
	fd, err := sys.Openat(sys.AT_FDCWD, path, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	must(t, err)
	return fd
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *field) path(p string) string { return filepath.Join(f.root, p) }

func (f *field) write(p, data string) {
	f.t.Helper()
	must(f.t, os.MkdirAll(filepath.Dir(f.path(p)), 0o755))
	must(f.t, os.WriteFile(f.path(p), []byte(data), 0o644))
}

func (f *field) save(n uint64, paths ...string) {
	f.t.Helper()
	must(f.t, Save(f.rootFd, f.savesFd, n, paths))
}

func (f *field) restore(n uint64) Report {
	f.t.Helper()
	r, err := Restore(f.rootFd, f.savesFd, n)
	must(f.t, err)
	return r
}

func (f *field) snapshot(paths ...string) map[string]string {
	f.t.Helper()
	return snapshot(f.t, f.root, paths...)
}
