// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	_ "unsafe" // for go:linkname

	"meta-migration/target/migrate-runner/internal/sys"
)

// ownMounts gives the test's thread a mount namespace of its own. Children
// started by the test are in it too; other tests are not.
func ownMounts(t *testing.T) {
	t.Helper()
	// The thread is not unlocked: it ends with the test, and with it the
	// namespace and its mounts.
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS | syscall.CLONE_FS); err != nil {
		t.Skipf("mounting needs a namespace of its own: %v", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Skipf("mounting needs a private namespace: %v", err)
	}
}

func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	must(t, os.MkdirAll(target, 0o755))
	if err := syscall.Mount(source, target, kind, flags, data); err != nil {
		t.Skipf("mounting %s: %v", kind, err)
	}
	t.Cleanup(func() { syscall.Unmount(target, syscall.MNT_DETACH) })
}

// loop makes a file system in a file and mounts it.
func loop(t *testing.T, kind, megabytes, options string) string {
	t.Helper()
	dir := t.TempDir()
	img, target := filepath.Join(dir, "img"), filepath.Join(dir, "mnt")
	mkfs, err := exec.LookPath("mkfs." + kind)
	if err != nil {
		if mkfs, err = exec.LookPath("/sbin/mkfs." + kind); err != nil {
			t.Skipf("mkfs.%s is not installed", kind)
		}
	}
	must(t, os.Mkdir(target, 0o755))
	if out, err := exec.Command("truncate", "-s", megabytes+"M", img).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	if out, err := exec.Command(mkfs, img).CombinedOutput(); err != nil {
		t.Skipf("%s: %v: %s", mkfs, err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop"+options, img, target).CombinedOutput(); err != nil {
		t.Skipf("mounting a loop device: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", target).Run() })
	return target
}

// TestFileSystems runs the random test on real file systems.
func TestFileSystems(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	place := map[string]func(t *testing.T) (root, saves string){
		"tmpfs": func(t *testing.T) (string, string) {
			dir := t.TempDir()
			mount(t, "tmpfs", dir, "tmpfs", 0, "size=200m")
			return dir + "/root", dir + "/saves"
		},
		"ext4": func(t *testing.T) (string, string) {
			dir := loop(t, "ext4", "200", "")
			return dir + "/root", dir + "/saves"
		},
		"xfs": func(t *testing.T) (string, string) {
			dir := loop(t, "xfs", "400", "")
			return dir + "/root", dir + "/saves"
		},
		"btrfs": func(t *testing.T) (string, string) {
			dir := loop(t, "btrfs", "400", "")
			return dir + "/root", dir + "/saves"
		},
		"overlay": func(t *testing.T) (string, string) {
			dir := t.TempDir()
			mount(t, "tmpfs", dir, "tmpfs", 0, "size=200m")
			overlay(t, dir)
			return dir + "/merged", dir + "/saves"
		},
		"vfat saves": func(t *testing.T) (string, string) {
			return t.TempDir(), loop(t, "vfat", "200", "") + "/saves"
		},
	}
	for name, make := range place {
		t.Run(name, func(t *testing.T) {
			ownMounts(t)
			root, saves := make(t)
			testRandom(t, fieldAt(t, root, saves), 99, rounds)
		})
	}
}

// overlay mounts dir/lower and dir/upper at dir/merged.
func overlay(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{"lower", "upper", "work", "merged"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	mount(t, "overlay", dir+"/merged", "overlay", 0, "lowerdir="+dir+"/lower,upperdir="+dir+"/upper,workdir="+dir+"/work")
}

// TestOverlayCopiesUpOnlyChanges: what did not change must stay the image's.
func TestOverlayCopiesUpOnlyChanges(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	ownMounts(t)
	dir := t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "")
	for _, p := range []string{"etc/a", "etc/sub/b", "etc/sub/c", "etc/big"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, "lower", p)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "lower", p), []byte(strings.Repeat(p, 2000)), 0o644))
	}
	must(t, os.Link(dir+"/lower/etc/a", dir+"/lower/etc/a2"))
	must(t, os.Symlink("a", dir+"/lower/etc/l"))
	overlay(t, dir)
	f := fieldAt(t, dir+"/merged", dir+"/saves")
	want := f.snapshot("/etc")
	f.save(1, "/etc")
	f.restore(1)
	if up := snapshot(t, dir+"/upper"); len(up) > 1 {
		t.Errorf("nothing was changed, yet copied up: %v", up)
	}
	must(t, os.WriteFile(f.path("etc/sub/b"), []byte("changed"), 0o644))
	must(t, os.Remove(f.path("etc/big")))
	// A copy-up cannot be undone, so it is told.
	if r := f.restore(1); len(r.Copied) != 1 || r.Copied[0] != "/etc" {
		t.Errorf("copied %q", r.Copied)
	}
	compare(t, "after Restore", want, f.snapshot("/etc"))
	if r := f.restore(1); len(r.Copied) != 0 {
		t.Errorf("nothing was put back, yet copied: %q", r.Copied)
	}
	for _, p := range []string{"etc/a", "etc/sub/c", "etc/l"} {
		if _, err := os.Lstat(filepath.Join(dir, "upper", p)); err == nil {
			t.Errorf("%s was copied up", p)
		}
	}
}

// noStatx is package sys's note that this kernel has no statx(2).
//
//go:linkname noStatx meta-migration/target/migrate-runner/internal/sys.noStatx
var noStatx struct{ seen uint32 }

// TestBindOfTheSameFileSystem guards what a script has bound into a directory of
// its own, from the same file system: where the kernel does not tell that it is
// a mount, it was emptied.
func TestBindOfTheSameFileSystem(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	ownMounts(t)
	old := noStatx
	noStatx.seen = 1
	t.Cleanup(func() { noStatx = old })
	f := newField(t)
	f.write("etc/plain", "1")
	f.write("data/precious", "1")
	f.save(1, "/etc")
	must(t, os.MkdirAll(f.path("etc/new/mnt"), 0o755))
	must(t, syscall.Mount(f.path("data"), f.path("etc/new/mnt"), "", syscall.MS_BIND, ""))
	t.Cleanup(func() { syscall.Unmount(f.path("etc/new/mnt"), syscall.MNT_DETACH) })
	r := f.restore(1)
	if data, err := os.ReadFile(f.path("data/precious")); err != nil || string(data) != "1" {
		t.Errorf("%q %v", data, err)
	}
	if len(r.Left) != 1 || r.Left[0] != "/etc/new/mnt" {
		t.Errorf("left %q", r.Left)
	}
}

// TestMounts has a file that is a mount, a mount below a path, and a path
// below a mount.
func TestMounts(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	ownMounts(t)
	f := newField(t)
	f.write("etc/hostname", "hidden")
	f.write("etc/plain", "1")
	f.write("data/hostname", "device")
	f.write("etc/net/conf", "under the mount")
	must(t, syscall.Mount(f.path("data/hostname"), f.path("etc/hostname"), "", syscall.MS_BIND, ""))
	t.Cleanup(func() { syscall.Unmount(f.path("etc/hostname"), syscall.MNT_DETACH) })
	mount(t, "tmpfs", f.path("etc/net"), "tmpfs", 0, "")
	f.write("etc/net/named", "named")
	f.write("etc/net/other", "other")

	paths := []string{"/etc", "/etc/hostname", "/etc/net/named"}
	st, err := sys.Statat(f.rootFd, "etc/hostname", 0)
	must(t, err)
	if !st.MountKnown {
		// Without that a file's mount is found by EBUSY only.
		paths = []string{"/etc", "/etc/net/named"}
	}
	want := f.snapshot("/etc")
	f.save(1, paths...)
	f.write("etc/hostname", "changed and longer")
	f.write("etc/plain", "2")
	f.write("etc/net/named", "changed")
	f.write("etc/net/added", "stays: it is on a mount that is not named")
	f.write("etc/new/deep/file", "")
	mount(t, "tmpfs", f.path("etc/new/deep/mnt"), "tmpfs", 0, "")
	f.write("etc/new/deep/mnt/x", "")
	r := f.restore(1)
	if len(r.Left) != 1 || r.Left[0] != "/etc/new/deep/mnt" {
		t.Errorf("left %q", r.Left)
	}
	got := f.snapshot("/etc")
	if got["/etc/net/added"] == "" || got["/etc/new/deep/mnt/x"] == "" || got["/etc/new/deep/file"] != "" {
		t.Errorf("content of mounts: %v", got)
	}
	for _, p := range []string{"/etc/net/added", "/etc/new", "/etc/new/deep", "/etc/new/deep/mnt", "/etc/new/deep/mnt/x"} {
		delete(got, p)
	}
	got["/etc"], got["/etc/net"] = want["/etc"], want["/etc/net"]
	compare(t, "after Restore", want, got)

	// The mount has gone: another file system must not get its files.
	must(t, syscall.Unmount(f.path("etc/net"), 0))
	_, err = Restore(f.rootFd, f.savesFd, 1)
	if !st.MountKnown {
		return
	}
	if err == nil || !strings.Contains(err.Error(), `"/etc/net": it was a mount when it was saved and is none now`) {
		t.Errorf("got %v", err)
	}
	if data, _ := os.ReadFile(f.path("etc/net/conf")); string(data) != "under the mount" {
		t.Errorf("got %q", data)
	}
}

// TestWithoutMountFlags does the same as far as an old kernel can tell.
func TestWithoutMountFlags(t *testing.T) {
	above, st := sys.Stat{Dev: sys.Device{Major: 1}}, sys.Stat{Dev: sys.Device{Major: 2}, Mode: syscall.S_IFDIR}
	if mountOf(&above, &st) != mountYes {
		t.Error("a directory of another device is a mount")
	}
	st.Mode = syscall.S_IFREG
	if mountOf(&above, &st) != mountUnknown {
		t.Error("a file on an overlay has another device number too")
	}
}
