// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestNoSpace fills a small file system: an error, no save, nothing left over.
func TestNoSpace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	for _, kind := range []string{"tmpfs", "ext4"} {
		t.Run(kind, func(t *testing.T) {
			ownMounts(t)
			small := ""
			if kind == "tmpfs" {
				small = t.TempDir()
				mount(t, "tmpfs", small, "tmpfs", 0, "size=1m,nr_inodes=40")
			} else {
				small = loop(t, "ext4", "2", "")
			}
			f := fieldAt(t, t.TempDir(), small+"/saves")
			f.write("etc/fits", strings.Repeat("x", 100000))
			must(t, CheckSpace(f.rootFd, f.savesFd, [][]string{{"/etc"}}, true, Space{}))
			f.save(1, "/etc")
			must(t, Drop(f.savesFd, 1))
			f.write("etc/large", strings.Repeat("x", 3000000))
			tooMuch(t, f)
			must(t, os.Remove(f.path("etc/large")))
			if kind == "tmpfs" {
				for i := 0; i < 60; i++ {
					f.write("etc/"+strings.Repeat("n", i+1), strings.Repeat("x", 5000))
				}
				tooMuch(t, f)
			}
		})
	}
}

// TestSpaceOfMany: one save at a time needs the largest; saves that are kept
// need room for all of them. What a decision drops is free for it. A file that
// is put back stands beside the old one for a while, so the largest counts twice.
func TestSpaceOfMany(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	ownMounts(t)
	small := t.TempDir()
	mount(t, "tmpfs", small, "tmpfs", 0, "size=2m")
	f := fieldAt(t, t.TempDir(), small+"/saves")
	f.write("etc/a", strings.Repeat("x", 600000))
	f.write("srv/b", strings.Repeat("x", 600000))
	f.write("opt/c", strings.Repeat("x", 1200000))
	before, err := Need(f.rootFd, f.savesFd, []string{"/opt"})
	must(t, err)
	f.write("opt/d", strings.Repeat("x", 5000))
	if after, err := Need(f.rootFd, f.savesFd, []string{"/opt"}); err != nil || after.Bytes <= before.Bytes {
		t.Errorf("with one more file %d bytes are needed, without it %d, %v", after.Bytes, before.Bytes, err)
	}
	for _, c := range []struct {
		sets  [][]string
		all   bool
		freed Space
		fits  bool
	}{
		{[][]string{{"/etc"}, {"/srv"}}, false, Space{}, true},
		{[][]string{{"/etc"}, {"/srv"}}, true, Space{}, false},
		{[][]string{{"/srv"}, {"/etc"}}, true, Space{Bytes: 1 << 20}, true},
		{[][]string{{"/etc", "/srv"}}, false, Space{}, true},
		{[][]string{{"/etc"}}, true, Space{}, true},
		{[][]string{{"/opt"}}, false, Space{}, false},
		{[][]string{{"/opt"}}, false, Space{Bytes: 1 << 20}, true},
	} {
		err := CheckSpace(f.rootFd, f.savesFd, c.sets, c.all, c.freed)
		if c.fits != (err == nil) || err != nil && !errors.As(err, new(*SpaceError)) {
			t.Errorf("%v, all %v, %d freed: %v", c.sets, c.all, c.freed.Bytes, err)
		}
	}
}

// TestFullExt4: ext4 calls blocks free that even root does not get. A check
// that counted them let a run begin whose save then found no room. Without
// extents, as on ext3, root gets all of them.
func TestFullExt4(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	for kind, fits := range map[string]bool{"ext4": false, "ext3": true, "ext2": true} {
		t.Run(kind, func(t *testing.T) {
			ownMounts(t)
			disk := loop(t, kind, "64", "")
			f := fieldAt(t, t.TempDir(), disk+"/saves")
			f.write("etc/file", strings.Repeat("x", 200000))
			sets := [][]string{{"/etc"}}
			must(t, CheckSpace(f.rootFd, f.savesFd, sets, true, Space{}))
			fill(t, disk+"/filler", 768<<10)
			if err := CheckSpace(f.rootFd, f.savesFd, sets, true, Space{}); fits != (err == nil) || err != nil && !errors.As(err, new(*SpaceError)) {
				t.Errorf("CheckSpace: %v", err)
			}
			if err := Save(f.rootFd, f.savesFd, 1, []string{"/etc"}); fits != (err == nil) || err != nil && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("Save: %v", err)
			}
		})
	}
}

// fill leaves so many bytes of a file system that statfs calls free, or what
// it calls so when no more can be written, if that is more.
func fill(t *testing.T, path string, left int64) {
	t.Helper()
	file, err := os.Create(path)
	must(t, err)
	defer file.Close()
	size := int64(0)
	for piece := make([]byte, 1<<20); len(piece) > 0; {
		n, err := file.Write(piece)
		size += int64(n)
		if err != nil {
			piece = piece[:len(piece)/2]
		}
	}
	must(t, file.Sync())
	var fs syscall.Statfs_t
	must(t, syscall.Fstatfs(int(file.Fd()), &fs))
	if more := left - int64(fs.Bfree)*int64(fs.Bsize); more > 0 {
		must(t, file.Truncate(size-more))
		must(t, file.Sync())
	}
}

func tooMuch(t *testing.T, f *field) {
	t.Helper()
	var space *SpaceError
	err := CheckSpace(f.rootFd, f.savesFd, [][]string{{"/none"}, {"/etc"}}, false, Space{})
	if !errors.As(err, &space) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("CheckSpace: %v", err)
	}
	err = Save(f.rootFd, f.savesFd, 2, []string{"/etc"})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), `saving "/etc`) {
		t.Errorf("Save: %v", err)
	}
	if entries, _ := os.ReadDir(f.saves); len(entries) > 0 {
		t.Errorf("left over: %v", entries)
	}
	must(t, CheckSpace(f.rootFd, f.savesFd, nil, true, Space{}))
}

// TestRestoreWithoutSpace: the migration filled the disk. What it added goes
// first, and a file for which there is no room twice is written in place.
func TestRestoreWithoutSpace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	ownMounts(t)
	dir := t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=2m")
	f := fieldAt(t, dir+"/root", dir+"/saves")
	f.write("etc/data", strings.Repeat("0123456789", 80000))
	want := f.snapshot("/etc")
	f.save(1, "/etc")
	f.write("etc/data", strings.Repeat("changed---", 80000))
	fill := func(p string) {
		w, err := os.Create(f.path(p))
		must(t, err)
		for buf := make([]byte, 4096); err == nil; {
			_, err = w.Write(buf)
		}
		w.Close()
	}
	fill("etc/junk")
	f.restore(1)
	compare(t, "junk in the Paths", want, f.snapshot("/etc"))
	f.write("etc/data", strings.Repeat("changed---", 80000))
	fill("elsewhere")
	f.restore(1)
	compare(t, "junk elsewhere", want, f.snapshot("/etc"))
}

func TestReadOnly(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	ownMounts(t)
	dir := t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "")
	f := fieldAt(t, dir+"/root", t.TempDir())
	f.write("etc/a", "1")
	f.write("etc/b", "1")
	want := f.snapshot()
	f.save(1, "/etc", "/none")
	must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	f.save(2, "/etc") // reading is enough
	if r := f.restore(1); r.Restored+r.Adjusted+r.Removed != 0 {
		t.Errorf("nothing had changed: %+v", r)
	}
	must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""))
	f.write("etc/b", "2")
	broken := f.snapshot()
	must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	_, err := Restore(f.rootFd, f.savesFd, 1)
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), `putting back "/etc/b": read-only file system`) {
		t.Errorf("got %v", err)
	}
	compare(t, "read-only", broken, f.snapshot())
	must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""))
	f.restore(1)
	compare(t, "after Restore", want, f.snapshot())
}
