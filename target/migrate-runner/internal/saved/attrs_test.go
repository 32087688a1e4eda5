// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meta-migration/target/migrate-runner/internal/sys"
)

// TestImmutable: chattr +i is not undone, but said.
func TestImmutable(t *testing.T) {
	f := newField(t)
	f.write("etc/a", "1")
	f.save(1, "/etc")
	f.write("etc/a", "2")
	if out, err := exec.Command("chattr", "+i", f.path("etc/a")).CombinedOutput(); err != nil {
		t.Skipf("chattr: %s", out)
	}
	_, err := Restore(f.rootFd, f.savesFd, 1)
	exec.Command("chattr", "-i", f.path("etc/a")).Run()
	if err == nil || !strings.Contains(err.Error(), "immutable") {
		t.Errorf("got %v", err)
	}
	f.restore(1)
}

// TestReflinks: on a file system that can share blocks, a save takes none.
func TestReflinks(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	for _, kind := range []string{"xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			ownMounts(t)
			dir := loop(t, kind, "400", "")
			f := fieldAt(t, dir+"/root", dir+"/saves")
			f.write("data/large", strings.Repeat("0123456789abcdef", 2<<20))
			need, err := Need(f.rootFd, f.savesFd, []string{"/data"})
			must(t, err)
			if need.Bytes > 8<<20 {
				t.Errorf("a save by reflinks needs %d bytes", need.Bytes)
			}
			want := f.snapshot("/data")
			f.save(1, "/data")
			f.write("data/large", "changed")
			f.restore(1)
			compare(t, "after Restore", want, f.snapshot("/data"))
		})
	}
}

// TestAccessLists has a default list, which new files inherit.
func TestAccessLists(t *testing.T) {
	f := newField(t)
	f.write("etc/a", "1")
	f.write("etc/b", "1")
	acl := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("setfacl", args...).CombinedOutput(); err != nil {
			t.Skipf("setfacl: %v: %s", err, out)
		}
	}
	acl("-m", "u:12:rwx,m::r", f.path("etc/a"))
	acl("-m", "u:13:rwx,d:u:14:rwx", f.path("etc"))
	want := f.snapshot()
	f.save(1, "/etc")
	must(t, os.Remove(f.path("etc/a")))
	must(t, os.Remove(f.path("etc/b")))
	f.write("etc/a", "1")
	f.write("etc/b", "1")
	acl("-b", f.path("etc"))
	f.restore(1)
	compare(t, "after Restore", want, f.snapshot())
}

// TestCapabilities: a change of owner clears them, so they come after it.
func TestCapabilities(t *testing.T) {
	f := newField(t)
	f.write("bin/ping", "elf")
	must(t, os.Chmod(f.path("bin/ping"), 0o755))
	if out, err := exec.Command("setcap", "cap_net_raw+ep", f.path("bin/ping")).CombinedOutput(); err != nil {
		t.Skipf("setcap: %v: %s", err, out)
	}
	want := f.snapshot()
	f.save(1, "/bin")
	must(t, os.Chown(f.path("bin/ping"), 5, 5))
	f.restore(1)
	compare(t, "after a change of owner", want, f.snapshot())
	must(t, os.Chown(f.path("bin/ping"), 5, 5))
	must(t, exec.Command("setcap", "cap_net_raw+ep", f.path("bin/ping")).Run())
	f.restore(1) // giving it back to its owner clears them once more
	compare(t, "after a change of owner with the same capabilities", want, f.snapshot())
	must(t, os.Remove(f.path("bin/ping")))
	f.restore(1)
	compare(t, "after removal", want, f.snapshot())
}

// TestLabels: what a security module or anybody else keeps in extended
// attributes comes back, on links and directories, too.
func TestLabels(t *testing.T) {
	f := newField(t)
	f.write("etc/a", "1")
	f.write("etc/d/b", "1")
	must(t, os.Symlink("a", f.path("etc/link")))
	set := func(path, name, value string) {
		t.Helper()
		dir, err := os.Open(filepath.Dir(f.path(path)))
		must(t, err)
		defer dir.Close()
		if err := sys.Setxattr(int(dir.Fd()), filepath.Base(path), name, []byte(value)); err != nil {
			t.Skipf("setting %s: %v", name, err)
		}
	}
	labels := []string{"security.selinux", "security.SMACK64", "trusted.overlay.origin.test"}
	for _, path := range []string{"etc/a", "etc/d", "etc/d/b", "etc/link"} {
		for _, name := range labels {
			set(path, name, "system_u:object_r:etc_t:s0\x00"+path)
		}
	}
	set("etc/a", "user.note", strings.Repeat("long", 200))
	want := f.snapshot("/etc")
	f.save(1, "/etc")
	set("etc/a", "security.selinux", "system_u:object_r:unlabeled_t:s0\x00")
	set("etc/d", "user.added", "1")
	must(t, os.RemoveAll(f.path("etc/d/b")))
	f.write("etc/d/b", "1")
	must(t, os.Remove(f.path("etc/link")))
	must(t, os.Symlink("a", f.path("etc/link")))
	f.restore(1)
	compare(t, "after Restore", want, f.snapshot("/etc"))
}
