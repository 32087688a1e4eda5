// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"bytes"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRoundTrip gives each kind of object and each kind of change a name, and
// expects everything to come back, then a second Restore to find nothing to do.
func TestRoundTrip(t *testing.T) {
	root := os.Getuid() == 0
	f := newField(t)
	sh := func(script string) {
		t.Helper()
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir = f.root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	sh(`mkdir -p etc/d/sub etc/gone/deep etc/tofile etc/sticky
	echo root:x:0 >etc/passwd; echo same >etc/same; : >etc/empty
	chmod 4755 etc/passwd; chmod 1777 etc/sticky
	printf 'x\377\n' >"etc/$(printf 'odd\n\377 name')"
	echo a >etc/a; ln etc/a etc/d/a2; ln etc/a etc/z-a3
	echo b >etc/b; ln etc/b etc/b2
	ln -s passwd etc/link; ln -s /nowhere etc/dangling; ln -s d etc/dirlink
	mkfifo -m 0620 etc/fifo
	head -c 300000 /dev/urandom >etc/big
	truncate -s 5M etc/sparse; printf end | dd of=etc/sparse bs=1 seek=3000000 conv=notrunc 2>/dev/null
	truncate -s 1M etc/hole
	touch -d '1969-12-31 23:59:58.123456789 UTC' etc/same; touch -d '2040-01-02 03:04:05.000000001 UTC' etc/d
	echo x >etc/gone/deep/file; echo y >etc/tofile/y; echo z >etc/todir
	touch -h -d '2001-02-03 UTC' etc/link`)
	if root {
		sh(`chown 1234:5678 etc/big; chown -h 3:4 etc/link; mknod etc/null c 1 3; mknod etc/blk b 7 77
		mknod etc/whiteout c 0 0; chmod 600 etc/null`)
	}
	paths := []string{"/etc", "/new/below/file", "/absent"}
	want := f.snapshot()
	f.save(7, paths...)
	compare(t, "Save changed the tree", want, f.snapshot())
	sh(`echo evil >>etc/passwd; chmod 600 etc/passwd; echo more >etc/extra; mkdir -p etc/d/new/tree; : >etc/d/new/tree/f
	rm -r etc/gone; rm -r etc/tofile; echo f >etc/tofile; rm etc/todir; mkdir -p etc/todir/in; : >etc/todir/in/f
	rm etc/d/a2; echo other >etc/d/a2; ln etc/a etc/extra-link; rm etc/b; echo b >etc/b
	rm etc/link; ln -s elsewhere etc/link; rm etc/fifo; : >etc/fifo
	echo patch | dd of=etc/big bs=1 seek=1000 conv=notrunc 2>/dev/null
	echo patch | dd of=etc/sparse bs=1 seek=1000 conv=notrunc 2>/dev/null
	truncate -s 2M etc/hole; chmod 0 etc/empty; touch etc/same; rm etc/dirlink; mkdir etc/dirlink; touch etc/d
	mkdir -p new/below/file/x; : >absent; : >'etc/.#migration-put-back'; : >'new/.#migration-put-back'`)
	must(t, os.Remove(f.path("new/.#migration-put-back")))
	if root {
		sh(`chown 0:0 etc/big; rm etc/null; mknod etc/null c 1 5; rm etc/blk; rm etc/whiteout; : >etc/whiteout`)
	}
	r := f.restore(7)
	compare(t, "after Restore", want, f.snapshot())
	if r.Restored == 0 || r.Removed == 0 || r.Adjusted == 0 || len(r.Left) > 0 {
		t.Errorf("report %+v", r)
	}
	if r := f.restore(7); !reflect.DeepEqual(r, Report{}) {
		t.Errorf("a second Restore found work: %+v", r)
	}
	must(t, Drop(f.savesFd, 7))
	if has, err := Has(f.savesFd, 7); has || err != nil {
		t.Errorf("after Drop: %v, %v", has, err)
	}
}

// TestUntouchedIsNotWritten guards overlays: a write, even of the same data,
// would copy the file up and hide the next image's.
func TestUntouchedIsNotWritten(t *testing.T) {
	f := newField(t)
	f.write("etc/a", "a")
	f.write("etc/big", strings.Repeat("0123456789", 10000))
	must(t, os.Symlink("a", f.path("etc/l")))
	f.write("etc/changed", "1")
	f.save(1, "/etc")
	ctime := func(p string) syscall.Timespec {
		var st syscall.Stat_t
		must(t, syscall.Lstat(f.path(p), &st))
		return st.Ctim
	}
	names := []string{"etc/a", "etc/big", "etc/l"}
	var before []syscall.Timespec
	for _, n := range names {
		before = append(before, ctime(n))
	}
	time.Sleep(20 * time.Millisecond)
	f.write("etc/changed", "2")
	f.restore(1)
	for i, n := range names {
		if ctime(n) != before[i] {
			t.Errorf("%s was changed", n)
		}
	}
}

func TestOverlappingPathsAreSavedOnce(t *testing.T) {
	f := newField(t)
	f.write("etc/sub/file", "1")
	f.write("etcetera", "2")
	must(t, os.Symlink("etc/sub", f.path("short")))
	targets, err := plan(f.rootFd, []string{"/etc/sub/file", "/etcetera", "/etc/", "/short/file", "/short", "/etc//sub/none/x", "/etc"})
	must(t, err)
	var got []string
	for i := range targets {
		got = append(got, targets[i].path())
	}
	if want := "/etc /etcetera /short"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResolve(t *testing.T) {
	f := newField(t)
	f.write("usr/etc/passwd", "")
	f.write("file", "")
	for link, target := range map[string]string{
		"etc": "/usr/etc", "rel": "usr/../usr/etc", "out": "../../../usr", "loop": "loop", "dangling": "/no/where",
		"usr/up": "..", "usr/top": "/",
	} {
		must(t, os.Symlink(target, f.path(link)))
	}
	for _, test := range []struct{ path, want, err string }{
		{"/etc/passwd", "/usr/etc + passwd", ""},
		{"/rel/passwd", "/usr/etc + passwd", ""},
		{"/out/etc/passwd", "/usr/etc + passwd", ""},
		{"/usr/up/usr/up/etc/none", "/usr/etc + none", ""},
		{"/usr/top/file", "/ + file", ""},
		{"/etc", "/ + etc", ""},
		{"//./file/", "/ + file", ""},
		{"/dangling/x", "/ + no where x", ""},
		{"/file/x/y", "/ + file x y", ""},
		{"/loop/x", "", "too many levels"},
		{"etc", "", "absolute"},
		{"", "", "absolute"},
		{"/", "", "root directory"},
		{"/etc/../etc", "", `".."`},
	} {
		got, err := resolve(f.rootFd, test.path)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: got %v, want an error with %q", test.path, err, test.err)
			}
			continue
		}
		if s := "/" + strings.Join(got.parents, "/") + " + " + strings.Join(got.rest, " "); err != nil || s != test.want {
			t.Errorf("%q: got %q, %v; want %q", test.path, s, err, test.want)
		}
	}
}

// TestDeepTree needs more levels than descriptors and a longer path than the
// kernel takes.
func TestDeepTree(t *testing.T) {
	f := newField(t)
	const levels = 1200
	name := "d23456789"
	must(t, os.Mkdir(f.path("deep"), 0o755))
	must(t, syscall.Chdir(f.path("deep")))
	for i := 0; i < levels; i++ {
		must(t, syscall.Mkdir(name, 0o755))
		must(t, syscall.Chdir(name))
	}
	must(t, os.WriteFile("file", []byte("bottom"), 0o640))
	must(t, os.Link("file", "file2"))
	must(t, syscall.Chdir(f.root))
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	small := limit
	small.Cur = 64
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &small))
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	f.save(1, "/deep")
	must(t, removeIn(f.rootFd, "deep"))
	r := f.restore(1)
	if r.Restored != levels+3 {
		t.Errorf("put back %d objects, want %d", r.Restored, levels+3)
	}
	must(t, syscall.Chdir(f.path("deep")))
	for i := 0; i < levels; i++ {
		must(t, syscall.Chdir(name))
	}
	a, err := os.Stat("file")
	must(t, err)
	b, err := os.Stat("file2")
	must(t, err)
	if !os.SameFile(a, b) || a.Mode() != 0o640 {
		t.Errorf("links at the bottom: %v %v", a, b)
	}
	must(t, syscall.Chdir(f.root))
	must(t, os.Rename(f.path("deep"), f.path("other")))
	must(t, removeIn(f.rootFd, "other"))
}

// TestDamage changes each byte of a save in turn, and cuts and removes files.
// Restore must refuse each time and touch nothing.
func TestDamage(t *testing.T) {
	f := newField(t)
	f.write("etc/a", "content")
	f.write("etc/big", strings.Repeat("big", 3000))
	must(t, os.Symlink("a", f.path("etc/l")))
	must(t, os.Link(f.path("etc/a"), f.path("etc/z")))
	f.save(3, "/etc", "/none")
	must(t, os.RemoveAll(f.path("etc/big")))
	f.write("etc/a", "changed")
	broken := f.snapshot()
	refused := func(what string) {
		t.Helper()
		_, err := Restore(f.rootFd, f.savesFd, 3)
		if _, ok := err.(*DamageError); !ok {
			t.Errorf("%s: got %v, want a DamageError", what, err)
		}
		compare(t, what+" changed the tree", broken, f.snapshot())
	}
	for _, file := range []string{"index", "1"} {
		path := f.saves + "/3/" + file
		good, err := os.ReadFile(path)
		must(t, err)
		step := 1
		if file == "1" {
			step = 997
		}
		for i := 0; i < len(good); i += step {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << (i % 8)
			must(t, os.WriteFile(path, bad, 0o600))
			refused(file + " byte " + strconv.Itoa(i))
			must(t, os.WriteFile(path, good[:i], 0o600))
			refused(file + " cut to " + strconv.Itoa(i))
		}
		must(t, os.WriteFile(path, append(bytes.Clone(good), 0), 0o600))
		refused(file + " with a byte more")
		must(t, os.Remove(path))
		refused(file + " removed")
		must(t, os.WriteFile(path, good, 0o600))
	}
	must(t, os.Rename(f.saves+"/3", f.saves+"/4"))
	if _, err := Restore(f.rootFd, f.savesFd, 4); err == nil {
		t.Error("a save under another number was taken")
	}
	must(t, os.Rename(f.saves+"/4", f.saves+"/3"))
	f.restore(3)
}

func TestStore(t *testing.T) {
	f := newField(t)
	f.write("etc/a", "")
	for _, n := range []uint64{10, 9, 1<<63 - 1} {
		f.save(n, "/etc")
	}
	for _, d := range []string{"11.part", "12.drop", "x.part", "007", "+5", "13.part.drop"} {
		must(t, os.MkdirAll(f.saves+"/"+d+"/sub", 0o755))
	}
	got, err := Numbers(f.savesFd)
	must(t, err)
	if want := []uint64{9, 10, 1<<63 - 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("numbers %v, want %v", got, want)
	}
	must(t, Sweep(f.savesFd))
	entries, err := os.ReadDir(f.saves)
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := "+5 007 10 13.part.drop 9 9223372036854775807 x.part"; strings.Join(names, " ") != want {
		t.Errorf("left %q, want %q", names, want)
	}
	if err := Save(f.rootFd, f.savesFd, 9, []string{"/etc"}); err == nil {
		t.Error("a save was overwritten")
	}
	must(t, Drop(f.savesFd, 9))
	must(t, Drop(f.savesFd, 9))
	if has, _ := Has(f.savesFd, 9); has {
		t.Error("dropped and there")
	}
	if has, err := Has(f.savesFd, 10); !has || err != nil {
		t.Error("there and not seen", err)
	}
}

func TestSavesInsidePaths(t *testing.T) {
	dir := t.TempDir()
	f := fieldAt(t, dir, dir+"/var/lib/migration/saved")
	err := Save(f.rootFd, f.savesFd, 1, []string{"/var"})
	if err == nil || !strings.Contains(err.Error(), "holds the saves themselves") {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir(f.saves); len(entries) > 0 {
		t.Errorf("left %v", entries)
	}
}

// TestSockets: the name comes back, nothing listens on it.
func TestSockets(t *testing.T) {
	f := newField(t)
	must(t, os.Mkdir(f.path("run"), 0o755))
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	must(t, err)
	defer syscall.Close(fd)
	must(t, os.Chdir(f.path("run")))
	must(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: "s"}))
	want := f.snapshot()
	f.save(1, "/run")
	must(t, os.Remove(f.path("run/s")))
	f.restore(1)
	compare(t, "after Restore", want, f.snapshot())
}

func TestErrorNamesThePath(t *testing.T) {
	f := newField(t)
	err := Save(f.rootFd, f.savesFd, 1, []string{"/loop/x"})
	if err != nil {
		t.Fatal("a missing parent is no error:", err)
	}
	must(t, os.Symlink("loop", f.path("loop")))
	err = Save(f.rootFd, f.savesFd, 2, []string{"/loop/x"})
	if err == nil || err.Error() != `saving "/loop/x": too many levels of symbolic links` {
		t.Errorf("got %v", err)
	}
	if _, err := Restore(f.rootFd, f.savesFd, 99); err == nil || err.Error() != `opening "save 99": no such file or directory` {
		t.Errorf("got %v", err)
	}
}
