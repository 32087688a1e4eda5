// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestAbsentPaths has paths that do not exist at Save, at several depths.
func TestAbsentPaths(t *testing.T) {
	f := newField(t)
	f.write("etc/keep", "")
	want := f.snapshot("/etc")
	f.save(1, "/etc/a", "/etc/n1/n2/b", "/etc/m1/m2/c", "/etc/l1/x", "/etc/keep/below")
	f.write("etc/a/tree/f", "")
	f.write("etc/n1/n2/b", "")
	f.write("etc/m1/m2/c", "")
	f.write("etc/m1/foreign", "not named, so it stays")
	must(t, os.MkdirAll(f.path("srv/x"), 0o755))
	must(t, os.Symlink("/srv", f.path("etc/l1")))
	for range [2]int{} {
		f.restore(1)
		got := f.snapshot("/etc")
		if got["/etc/m1/foreign"] == "" || got["/etc/m1/m2"] != "" {
			t.Error("of a directory with a foreign file, only what was named goes")
		}
		delete(got, "/etc/m1")
		delete(got, "/etc/m1/foreign")
		got["/etc"] = want["/etc"] // its time is not covered
		compare(t, "after Restore", want, got)
		if _, err := os.Stat(f.path("srv/x")); err != nil {
			t.Error(err)
		}
	}
}

// TestVanishedParents restores a file whose directories were removed.
func TestVanishedParents(t *testing.T) {
	f := newField(t)
	f.write("a/b/c/file", "1")
	must(t, os.Chmod(f.path("a/b"), 0o710))
	must(t, os.Chmod(f.path("a/b/c"), 0o2700))
	want := f.snapshot("/a/b/c/file")
	modes := func() (m []os.FileMode) {
		for _, p := range []string{"a", "a/b", "a/b/c"} {
			st, err := os.Stat(f.path(p))
			must(t, err)
			m = append(m, st.Mode())
		}
		return m
	}
	before := modes()
	f.save(1, "/a/b/c/file")
	must(t, os.RemoveAll(f.path("a/b")))
	f.restore(1)
	compare(t, "after Restore", want, f.snapshot("/a/b/c/file"))
	if got := modes(); !reflect.DeepEqual(got, before) {
		t.Errorf("modes %v, want %v", got, before)
	}
	// Moved away with a link left: what the path means is put back.
	must(t, os.Rename(f.path("a/b"), f.path("moved")))
	must(t, os.Symlink("/moved", f.path("a/b")))
	must(t, os.Remove(f.path("moved/c/file")))
	f.restore(1)
	compare(t, "through a link", map[string]string{"/moved/c/file": want["/a/b/c/file"]}, f.snapshot("/moved/c/file"))
	// A file in the way is nothing that can be decided here.
	must(t, os.Remove(f.path("a/b")))
	f.write("a/b", "file")
	if _, err := Restore(f.rootFd, f.savesFd, 1); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v", err)
	}
}

// TestHardLinkOutside: a file with a name outside the Paths is written in
// place, so that the other name follows.
func TestHardLinkOutside(t *testing.T) {
	f := newField(t)
	f.write("etc/a", "old")
	must(t, os.Mkdir(f.path("srv"), 0o755))
	must(t, os.Link(f.path("etc/a"), f.path("srv/b")))
	f.save(1, "/etc")
	want := f.snapshot()
	f.write("etc/a", "something longer")
	must(t, os.Chmod(f.path("etc/a"), 0o600))
	f.restore(1)
	compare(t, "written in place", want, f.snapshot())
	must(t, os.Remove(f.path("etc/a")))
	f.write("etc/a", "another file")
	f.restore(1)
	if data, err := os.ReadFile(f.path("etc/a")); string(data) != "old" {
		t.Errorf("got %q, %v", data, err)
	}
}

// TestHardLinksCrossed links together what was apart, and the other way round,
// with equal and with different attributes.
func TestHardLinksCrossed(t *testing.T) {
	f := newField(t)
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		f.write("etc/"+n, "same")
		must(t, os.Chtimes(f.path("etc/"+n), time.Unix(1, 0), time.Unix(1, 0)))
	}
	link := func(from, to string) {
		os.Remove(f.path("etc/" + to))
		must(t, os.Link(f.path("etc/"+from), f.path("etc/"+to)))
	}
	link("a", "b")
	link("c", "d")
	must(t, os.Chtimes(f.path("etc"), time.Unix(9, 0), time.Unix(9, 0)))
	want := f.snapshot()
	f.save(1, "/etc")
	link("a", "c")
	link("b", "e")
	f.restore(1)
	compare(t, "all linked together", want, f.snapshot())
	link("a", "c")
	link("d", "b")
	must(t, os.Chmod(f.path("etc/a"), 0o600))
	f.restore(1)
	compare(t, "crossed", want, f.snapshot())
}
