// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"meta-migration/target/migrate-runner/internal/sys"
)

// gardener grows random trees and changes them. The same seed gives the same
// steps on the same tree.
type gardener struct {
	*rand.Rand
	root string
	priv bool // may make devices and change owners
}

var gardenNames = []string{"a", "b", "c", "d.conf", "passwd", "ü", "x\n\x01\xfe", strings.Repeat("long", 50), "-rf", ".hidden"}

func (g *gardener) name() string { return g.pick(gardenNames) }

// list returns all paths below root, directories of them apart.
func (g *gardener) list() (all, dirs, files []string) {
	dirs = []string{g.root}
	filepath.Walk(g.root, func(p string, info os.FileInfo, err error) error {
		if err != nil || p == g.root {
			return nil
		}
		all = append(all, p)
		if info.IsDir() {
			dirs = append(dirs, p)
		} else if info.Mode().IsRegular() {
			files = append(files, p)
		}
		return nil
	})
	return all, dirs, files
}

func (g *gardener) pick(from []string) string { return from[g.Intn(len(from))] }

// step makes one random change. It may fail, which is no matter.
func (g *gardener) step() {
	all, dirs, files := g.list()
	p := filepath.Join(g.pick(dirs), g.name())
	kinds := 16
	if len(all) == 0 || len(files) == 0 {
		kinds = 6
	}
	switch g.Intn(kinds) {
	case 0, 1:
		if f := create(p); f != nil {
			f.Write(g.data())
			f.Close()
		}
	case 2:
		os.Mkdir(p, 0o755)
	case 3:
		os.Symlink(g.pick([]string{"a", "../b", "/nonexistent/c", "nowhere"}), p)
	case 4:
		g.sparse(p)
	case 5:
		g.node(p)
	case 6:
		os.Link(g.pick(files), p)
	case 7:
		os.RemoveAll(g.pick(all))
	case 8:
		os.Rename(g.pick(all), p)
	case 9:
		os.Chmod(g.pick(all), os.FileMode(g.Intn(0o1000))|0o700|os.FileMode(g.Intn(2))*os.ModeSetuid|os.FileMode(g.Intn(2))*os.ModeSticky)
	case 10:
		if g.priv {
			os.Lchown(g.pick(all), g.Intn(3)*1000, g.Intn(3)*1000)
		}
	case 11:
		g.times(g.pick(all))
	case 12:
		g.xattr(g.pick(all))
	case 13:
		f, err := os.OpenFile(g.pick(files), os.O_WRONLY, 0)
		if err == nil {
			f.WriteAt(g.data(), int64(g.Intn(100000)))
			f.Close()
		}
	case 14:
		os.Truncate(g.pick(files), int64(g.Intn(50000)))
	case 15:
		if f := create(filepath.Join(g.pick(dirs), temporary)); f != nil {
			f.Close()
		}
	}
}

// create opens a regular file for writing, in the place of whatever is no
// directory: a fifo would block, and a device is none of a test's business.
func create(p string) *os.File {
	if st, err := os.Lstat(p); err == nil && !st.Mode().IsRegular() {
		os.Remove(p)
	}
	f, err := os.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return nil
	}
	return f
}

func (g *gardener) data() []byte {
	sizes := []int{0, 1, 100, 4095, 4096, 4097, 70000}
	data := make([]byte, sizes[g.Intn(len(sizes))])
	if g.Intn(3) > 0 {
		g.Read(data)
	}
	return data
}

func (g *gardener) sparse(p string) {
	f := create(p)
	if f == nil {
		return
	}
	defer f.Close()
	for i := g.Intn(3); i > 0; i-- {
		f.WriteAt([]byte(fmt.Sprint(g.Int())), int64(g.Intn(1<<21)))
	}
	f.Truncate(1<<21 + int64(g.Intn(1<<20)))
}

func (g *gardener) node(p string) {
	switch g.Intn(4) {
	case 0:
		syscall.Mkfifo(p, 0o640)
	case 1:
		syscall.Mknod(p, syscall.S_IFSOCK|0o600, 0)
	case 2:
		if g.priv {
			syscall.Mknod(p, syscall.S_IFCHR|0o600, int(sys.Mkdev(4000+uint32(g.Intn(9)), uint32(g.Intn(70000)))))
		}
	case 3:
		if g.priv {
			syscall.Mknod(p, syscall.S_IFBLK|0o600, int(sys.Mkdev(4000, uint32(g.Intn(300)))))
		}
	}
}

func (g *gardener) times(p string) {
	dir := fdOf(filepath.Dir(p))
	if dir < 0 {
		return
	}
	defer syscall.Close(dir)
	at := sys.Timespec{Sec: g.Int63n(1 << 31), Nsec: g.Int63n(1e9)}
	sys.Utimensat(dir, filepath.Base(p), at, at, sys.AT_SYMLINK_NOFOLLOW)
}

func (g *gardener) xattr(p string) {
	dir := fdOf(filepath.Dir(p))
	if dir < 0 {
		return
	}
	defer syscall.Close(dir)
	name := []string{"user.one", "user.two", "trusted.three", "security.test"}[g.Intn(4)]
	if g.Intn(3) == 0 {
		sys.Removexattr(dir, filepath.Base(p), name)
		return
	}
	sys.Setxattr(dir, filepath.Base(p), name, []byte(fmt.Sprint(g.Intn(5), "\x00")))
}

func fdOf(dir string) int {
	fd, err := sys.Openat(sys.AT_FDCWD, dir, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return -1
	}
	return fd
}

// randomPaths names some of what is there, some of what is not.
func (g *gardener) randomPaths() []string {
	all, _, _ := g.list()
	paths := []string{"/made/up/path"}
	for i := g.Intn(4) + 1; i > 0; i-- {
		p := "/" + g.name()
		if len(all) > 0 && g.Intn(3) > 0 {
			p = strings.TrimPrefix(g.pick(all), g.root)
		}
		paths = append(paths, p)
	}
	return paths
}

// testRandom grows a tree, saves, changes and restores it, many times.
func testRandom(t *testing.T, f *field, seed int64, rounds int) {
	t.Helper()
	g := &gardener{rand.New(rand.NewSource(seed)), f.root, os.Getuid() == 0}
	for i := 0; i < 40; i++ {
		g.step()
	}
	for round := 0; round < rounds; round++ {
		for i := 0; i < 20; i++ {
			g.step()
		}
		g.forget()
		var paths []string
		all, err := os.ReadDir(f.root)
		must(t, err)
		whole := g.Intn(2) == 0
		if whole {
			// Every name that can be at the top, there or not.
			for _, e := range all {
				paths = append(paths, "/"+e.Name())
			}
			paths = append(paths, "/nowhere")
			for _, n := range gardenNames {
				paths = append(paths, "/"+n)
			}
		} else {
			paths = g.randomPaths()
		}
		must(t, os.Chtimes(f.root, time.Time{}, time.Unix(5, 0)))
		want := f.snapshot()
		what := fmt.Sprintf("seed %d round %d paths %q", seed, round, paths)
		if err := Save(f.rootFd, f.savesFd, 1, paths); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		compare(t, what+": Save changed the tree", want, f.snapshot())
		for i := g.Intn(30); i > 0; i-- {
			g.step()
		}
		r, err := Restore(f.rootFd, f.savesFd, 1)
		if err != nil && !whole && strings.Contains(err.Error(), "not a directory") {
			// A directory above a path became a file, which the Paths do
			// not cover.
			must(t, Drop(f.savesFd, 1))
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if whole {
			must(t, os.Chtimes(f.root, time.Time{}, time.Unix(5, 0)))
			compare(t, what+": after Restore", want, f.snapshot())
		}
		if r2, err := Restore(f.rootFd, f.savesFd, 1); err != nil || whole && (r2.Restored+r2.Removed+r2.Adjusted != 0) {
			t.Fatalf("%s: a second Restore: %+v after %+v, %v", what, r2, r, err)
		}
		must(t, Drop(f.savesFd, 1))
	}
}

// forget removes the package's own temporary name wherever it is: it is never
// saved.
func (g *gardener) forget() {
	_, dirs, _ := g.list()
	for _, d := range dirs {
		os.Remove(filepath.Join(d, temporary))
	}
}

func TestRandomTrees(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for seed := int64(1); seed <= 6; seed++ {
		dir := quickDir(t)
		testRandom(t, fieldAt(t, dir+"/root", dir+"/saves"), seed, rounds)
	}
}

// FuzzDecode: what decodes, encodes to the same bytes; nothing panics.
func FuzzDecode(f *testing.F) {
	a := attrs{mode: syscall.S_IFREG | 0o4755, uid: 1, gid: 1 << 31, mtime: sys.Timespec{Sec: -1, Nsec: 999999999}, ino: 1 << 63, nlink: 2,
		mount: mountYes, xattrs: []xattr{{"user.x", []byte("\x00\xff")}, {"user.y", nil}}}
	for _, r := range []record{
		{kind: kindHeader, number: 1 << 63}, {kind: kindPath, name: "/a/b", ancestors: []attrs{a}}, {kind: kindAbsent, name: "x"},
		{kind: kindMount, name: "m"}, {kind: kindUp}, {kind: kindEnd, records: 7}, {kind: kindDir, name: "d", attrs: a},
		{kind: kindFile, name: "f", attrs: a, size: 3, data: []byte("abc"), dense: true},
		{kind: kindFile, name: "f", attrs: a, size: 1 << 50, content: contentFile, file: 9, sum: 1 << 63},
		{kind: kindLink, name: "l", attrs: a, target: "../x"}, {kind: kindSame, name: "s", attrs: a, target: "/a"},
		{kind: kindNode, name: "n", attrs: a, rdev: sys.Device{Major: 4095, Minor: 1 << 19}},
	} {
		b := r.encode(nil)
		got, ok := decode(b)
		if !ok || string(got.encode(nil)) != string(b) {
			f.Fatalf("%q does not decode to itself", b)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := decode(b)
		if ok && string(r.encode(nil)) != string(b) {
			t.Errorf("%q decodes to what encodes to %q", b, r.encode(nil))
		}
	})
}

// FuzzIndex: no index makes the reader panic, and none but an honest one is
// taken.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("\x05\x00\x00\x00hello12345678"))
	f.Add([]byte("\xff\xff\xff\xff"))
	dir := f.TempDir()
	fd := fdOf(dir)
	f.Fuzz(func(t *testing.T, b []byte) {
		must(t, os.WriteFile(filepath.Join(dir, indexName), b, 0o600))
		r, err := openIndex(fd, 1)
		if err == nil {
			_, err = verify(r, fd)
			r.close()
		}
		if _, ok := err.(*DamageError); !ok {
			t.Errorf("got %v", err)
		}
	})
}
