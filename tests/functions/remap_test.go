// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// own gives a file below the root an owner, group and mode, in that order.
func (b *box) own(name string, uid, gid int, mode uint32) {
	b.t.Helper()
	if err := os.Lchown(b.path(name), uid, gid); err != nil {
		b.t.Fatal(err)
	}
	if info, _ := os.Lstat(b.path(name)); info.Mode()&os.ModeSymlink == 0 {
		if err := syscall.Chmod(b.path(name), mode); err != nil {
			b.t.Fatal(err)
		}
	}
}

// owner is "UID:GID MODE" of a file.
func (b *box) owner(name string) string {
	b.t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(b.path(name), &st); err != nil {
		b.t.Fatal(err)
	}
	return fmt.Sprintf("%d:%d %o", st.Uid, st.Gid, st.Mode&0o7777)
}

// withTree makes data of two users, 100 and 200, whose numbers the image has
// exchanged: setuid programs, hard links, links that lead out, odd names.
func withTree(b *box) {
	b.t.Helper()
	b.write("etc/passwd", "root:x:0:0::/:/bin/sh\nalpha:x:200:200::/:/bin/sh\nbeta:x:100:100::/:/bin/sh\ngamma:x:333:333::/:/bin/sh\n")
	b.write("etc/group", "root:x:0:\nalpha:x:200:\nbeta:x:100:\ngamma:x:333:\n")
	for _, dir := range []string{"data", "data/a", "data/b", "data/a/nested", "outside"} {
		b.mkdir(dir)
	}
	b.own("data", 0, 0, 0o755)
	b.own("data/a", 100, 100, 0o2775)
	b.own("data/a/nested", 100, 200, 0o700)
	b.own("data/b", 200, 200, 0o755)
	for i, f := range []struct {
		name     string
		uid, gid int
		mode     uint32
	}{
		{"a/file", 100, 100, 0o644}, {"a/of b", 200, 100, 0o600}, {"a/new\nline", 100, 200, 0o644},
		{"a/--option", 100, 0, 0o640}, {"b/.hidden", 200, 0, 0o600}, {"b/roots", 0, 0, 0o644}, {"b/gamma", 300, 300, 0o644},
		{"a/setuid", 100, 0, 0o4755}, {"a/setgid", 0, 200, 0o2755}, {"b/set 'both'\n$(x)", 200, 100, 0o6711}, {"b/hidden *", 200, 200, 0o4000},
		{"a/nested/deep", 200, 200, 0o644},
	} {
		b.write("data/"+f.name, fmt.Sprint("content ", i))
		b.own("data/"+f.name, f.uid, f.gid, f.mode)
	}
	for old, new := range map[string]string{"data/a/file": "data/b/hard", "data/a/setuid": "data/b/hard setuid"} {
		if err := os.Link(b.path(old), b.path(new)); err != nil {
			b.t.Fatal(err)
		}
	}
	b.write("outside/file", "not in the tree")
	b.own("outside/file", 100, 100, 0o4755)
	b.own("outside", 100, 100, 0o755)
	b.symlink("/outside", "data/a/link out")
	b.symlink("../../outside/file", "data/b/link out")
	b.own("data/a/link out", 100, 100, 0)
	b.own("data/b/link out", 200, 100, 0)
}

// swapped is what withTree's tree must become.
func swapped(id uint32) uint32 {
	switch id {
	case 100:
		return 200
	case 200:
		return 100
	}
	return id
}

// checkSwapped compares a tree with what it was, but for the two numbers.
func checkSwapped(t *testing.T, b *box, before tree) {
	t.Helper()
	for name, was := range before {
		if !strings.HasPrefix(name, "data") {
			continue
		}
		var mode, uid, gid uint32
		var rest string
		if _, err := fmt.Sscanf(was, "%o %d:%d", &mode, &uid, &gid); err != nil {
			t.Fatal(err)
		}
		if i := strings.Index(was, " "); i >= 0 {
			if j := strings.Index(was[i+1:], " "); j >= 0 {
				rest = was[i+1+j:]
			}
		}
		before[name] = fmt.Sprintf("%o %d:%d%s", mode, swapped(uid), swapped(gid), rest)
	}
	after := snapshot(t, b.root, content)
	for name := range after {
		if strings.HasPrefix(name, "data/.remap_ids.") {
			delete(after, name)
		}
	}
	before.compare(t, after, "remap_ids")
}

const swap = "remap_ids user:100=alpha user:200=beta group:100=alpha group:200=beta -- /data"

func TestRemapSwap(t *testing.T) {
	needRoot(t)
	eachShell(t, func(t *testing.T, b *box) {
		withTree(b)
		before := snapshot(t, b.root, content)
		out := b.ok(swap)
		if !strings.HasPrefix(out, "remap_ids: changed 17 files in /data (group 100 -> 200, group 200 -> 100, user 100 -> 200, user 200 -> 100)") {
			t.Errorf("reported %q", out)
		}
		checkSwapped(t, b, before)
		// Two phases leave a mark, or the next call would swap back.
		b.quiet(swap)
	})
}

func TestRemapSimple(t *testing.T) {
	needRoot(t)
	eachShell(t, func(t *testing.T, b *box) {
		withTree(b)
		b.write("var/old/passwd", "root:x:0:0::/:/bin/sh\ngamma:x:300:300::/:/bin/sh\ngone:x:5:5::/:/bin/sh\nalpha:x:200:200::/:/bin/sh\n")
		b.write("var/old/group", "gamma:x:300:\n")
		// The names are read before the data changes, so a name can be left, too.
		if out := b.ok("remap_ids user:alpha=4000 group:0=0 --from /var/old -- /data /missing"); out !=
			"remap_ids: changed 8 files in /data (group 300 -> 333, user 200 -> 4000, user 300 -> 333)\n" {
			t.Errorf("reported %q", out)
		}
		for name, want := range map[string]string{
			"data/b/gamma": "333:333 644", "data/b/.hidden": "4000:0 600", "data/b/hidden *": "4000:200 4000",
			"data/b/set 'both'\n$(x)": "4000:100 6711", "data/a/file": "100:100 644", "outside/file": "100:100 4755",
		} {
			if got := b.owner(name); got != want {
				t.Errorf("%q is %s, want %s", name, got, want)
			}
		}
		b.quiet("remap_ids user:200=4000 --from /var/old -- /data /missing")
		entries, err := filepath.Glob(b.path("data/.remap_ids.*"))
		if err != nil || len(entries) != 0 {
			t.Errorf("left %q (%v)", entries, err)
		}
	})
}

func TestRemapRefuses(t *testing.T) {
	needRoot(t)
	eachShell(t, func(t *testing.T, b *box) {
		withTree(b)
		b.symlink("data", "link")
		b.refused("remap_ids user:1=2 /data", `"/data" is neither an option nor user:OLD=NEW`)
		b.refused("remap_ids user:1=2 --", "usage: remap_ids")
		b.refused("remap_ids user:1=nobody -- /data", `user "nobody" does not exist; call ensure_user first or give the number`)
		b.refused("remap_ids group:nobody=1 -- /data", `group "nobody" does not exist`)
		b.refused("remap_ids user:1=-2 -- /data", "is refused")
		b.refused("remap_ids user:1= -- /data", "is refused")
		b.refused("remap_ids user:1=2 user:1=3 -- /data", "two new numbers are given for user 1 as 2 and as 3")
		b.refused("remap_ids user:1=2 -- data", "not an absolute path")
		b.refused("remap_ids user:1=2 -- /link", "symbolic link; name the directory it leads to (data)")
		b.refused("remap_ids user:1=2 -- /data/a/file", "is not a directory; for one file use chown")
		b.refused("remap_ids user:1=2 -- /data /data/a", `"/data/a" is given twice or lies in another tree`)
		b.refused("remap_ids user:1=2 -- /data /data/", "is given twice")
		b.refused("remap_ids --from /var/none -- /data", `"/var/none/passwd" does not exist`)
	})
}

// Neither the files nor the root of a file system mounted inside are touched,
// unless asked for. Some finds report the root of a mount under -xdev.
func TestRemapStaysOnFileSystem(t *testing.T) {
	needRoot(t)
	eachShell(t, func(t *testing.T, b *box) {
		withTree(b)
		b.mkdir("data/mount")
		b.mounts = append(b.mounts, "tmpfs data/mount")
		prepare := "echo x >/data/mount/f; chown 100:100 /data/mount /data/mount/f\n"
		out := b.ok(prepare + "remap_ids user:100=7 -- /data >/dev/null; stat -c %u /data/mount /data/mount/f")
		if out != "100\n100\n" {
			t.Errorf("owners on the other file system: %q", out)
		}
		out = b.ok(prepare + "remap_ids --cross-mounts user:100=7 -- /data; stat -c %u /data/mount /data/mount/f")
		if out != "remap_ids: changed 2 files in /data (user 100 -> 7)\n7\n7\n" {
			t.Errorf("with --cross-mounts: %q", out)
		}
	})
}

// An interim number that files in the tree have already would mix owners.
func TestRemapInterimNumbersAreUnused(t *testing.T) {
	needRoot(t)
	eachShell(t, func(t *testing.T, b *box) {
		withTree(b)
		b.write("etc/passwd", b.read("etc/passwd")+"high:x:65532:5::/:/bin/sh\n")
		b.own("data/b/roots", 65533, 65530, 0o644)
		before := snapshot(t, b.root, content)
		b.ok(swap)
		checkSwapped(t, b, before)
	})
}

// Guards the figure that docs/functions.md gives: a big tree takes seconds, not
// minutes. The time is printed, not judged.
func TestRemapBigTree(t *testing.T) {
	needRoot(t)
	files := 5000
	if os.Getenv("MIGRATION_TEST_LONG") != "" {
		files = 100000
	}
	eachShell(t, func(t *testing.T, b *box) {
		withTree(b)
		for i := 0; i < files; i++ {
			name := fmt.Sprintf("data/big/%03d/%d", i%200, i)
			if i < 200 {
				b.mkdir(filepath.Dir(name))
			}
			if err := os.WriteFile(b.path(name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			id := 100 + i%3*100
			if err := os.Chown(b.path(name), id, id); err != nil {
				t.Fatal(err)
			}
		}
		before := snapshot(t, b.root, content)
		start := time.Now()
		b.ok(swap)
		t.Logf("two users swapped in %d files: %v", files, time.Since(start).Round(time.Millisecond))
		checkSwapped(t, b, before)
		start = time.Now()
		b.ok("remap_ids user:300=301 group:300=301 -- /data")
		t.Logf("one user renumbered in %d files: %v", files, time.Since(start).Round(time.Millisecond))
	})
}
