// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package crash

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/ledger"
)

// clone copies a tree. What the runner never writes is linked, so that it
// costs nothing; data and state are copied with owner, mode and times.
func clone(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	must(t, os.Chmod(to, 0o755))
	var times []func()
	linked := map[uint64]string{} // copies of files with several names, by inode
	must(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		if rel == "." {
			return nil
		}
		target := filepath.Join(to, rel)
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		switch {
		case d.IsDir():
			err = os.Mkdir(target, 0o700)
		case d.Type()&fs.ModeSymlink != 0:
			var link string
			if link, err = os.Readlink(path); err == nil {
				err = os.Symlink(link, target)
			}
		case !strings.HasPrefix(rel, "data") && !strings.HasPrefix(rel, "var"):
			return os.Link(path, target)
		case d.Type()&fs.ModeNamedPipe != 0:
			err = syscall.Mkfifo(target, st.Mode)
		case st.Nlink > 1 && !d.IsDir() && linked[st.Ino] != "":
			return os.Link(linked[st.Ino], target)
		default:
			var data []byte
			if data, err = os.ReadFile(path); err == nil {
				err = os.WriteFile(target, data, 0o600)
			}
			linked[st.Ino] = target
		}
		if err != nil {
			return err
		}
		if err := os.Lchown(target, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink == 0 {
			if err := syscall.Chmod(target, st.Mode&0o7777); err != nil {
				return err
			}
			times = append(times, func() { syscall.UtimesNano(target, []syscall.Timespec{st.Atim, st.Mtim}) })
		}
		return nil
	}))
	// Directories last, or what is made in them changes their times again.
	for i := len(times) - 1; i >= 0; i-- {
		times[i]()
	}
	return to
}

// picture is the data of a tree in text: one line for each object. Times
// stand for what must be as it was before ("kept" in the path).
func picture(t testing.TB, root string) string {
	t.Helper()
	var lines []string
	must(t, filepath.WalkDir(filepath.Join(root, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		line := fmt.Sprintf("%s %o %d:%d %d", rel, st.Mode, st.Uid, st.Gid, st.Nlink)
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			link, _ := os.Readlink(path)
			line += " -> " + link
		case d.Type().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %q", data)
		}
		if strings.Contains(rel, "kept") {
			line += fmt.Sprintf(" %d.%09d", st.Mtim.Sec, st.Mtim.Nsec)
		}
		lines = append(lines, line)
		return nil
	}))
	return strings.Join(lines, "\n")
}

// standings is what the ledger says of each migration, and whether the
// marker is there.
func standings(t testing.TB, root string) string {
	t.Helper()
	data, err := os.ReadFile(root + bundle.StateDir + "/ledger")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	log, err := ledger.Parse(data)
	if err != nil {
		return "damaged: " + err.Error()
	}
	s := engine.Fold(log.Events)
	lines := []string{"release " + s.Release}
	for id, r := range s.Records {
		lines = append(lines, fmt.Sprintf("%s %d through %q reverted %v", id, r.Standing, r.Through, r.Reverted))
	}
	sort.Strings(lines)
	if s.Open != nil || s.Fallback != nil {
		lines = append(lines, "something is open")
	}
	lines = append(lines, fmt.Sprintf("%d unconfirmed", len(s.Unconfirmed)))
	markers, _ := os.ReadDir(root + bundle.StateDir + "/complete")
	for _, m := range markers {
		lines = append(lines, "marker "+m.Name())
	}
	// A copy of a script may be left where its removal met an error: the next
	// attempt removes it, nothing runs it.
	left, _ := os.ReadDir(root + bundle.StateDir + "/saved")
	lines = append(lines, fmt.Sprintf("%d saves", len(left)))
	return strings.Join(lines, "\n")
}

// difference shows the lines that only one of two texts has.
func difference(got, want string) string {
	var b strings.Builder
	has := map[string]bool{}
	for _, line := range strings.Split(want, "\n") {
		has[line] = true
	}
	for _, line := range strings.Split(got, "\n") {
		if !has[line] {
			b.WriteString("got  " + line + "\n")
		}
		delete(has, line)
	}
	for line := range has {
		b.WriteString("want " + line + "\n")
	}
	return b.String()
}
