// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestReplaceFile(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.write("etc/app.conf", "old\n")
		b.write("usr/share/app/app.conf", "from a file\x00\xff, no newline at the end")
		if got := b.ok("replace_file /etc/app.conf <<'EOT'\nnew $x `y`\n\nEOT"); got != "replace_file: replaced /etc/app.conf\n" {
			t.Errorf("reported %q", got)
		}
		b.expect("etc/app.conf", "new $x `y`\n\n")
		b.quiet("replace_file /etc/app.conf <<'EOT'\nnew $x `y`\n\nEOT")
		b.ok("replace_file /etc/app.conf /usr/share/app/app.conf")
		b.expect("etc/app.conf", b.read("usr/share/app/app.conf"))
		b.quiet("replace_file /etc/app.conf /usr/share/app/app.conf")
		if got := b.ok("printf 1 | replace_file /etc/created"); got != "replace_file: created /etc/created\n" {
			t.Errorf("reported %q", got)
		}
		if info, _ := os.Stat(b.path("etc/created")); info.Mode() != 0o644 {
			t.Errorf("created with mode %v", info.Mode())
		}
		b.ok("replace_file /etc/created /dev/null; cd /etc; printf 'x y' | replace_file '/etc/a b'")
		b.expect("etc/created", "")
		b.expect("etc/a b", "x y")

		b.symlink("app.conf", "etc/link")
		b.refused("replace_file /etc/app.conf", "nothing on stdin")
		b.refused("echo x | replace_file etc/app.conf", "not an absolute path")
		b.refused("echo x | replace_file /etc/../etc/app.conf", "write the path without")
		b.refused("echo x | replace_file /etc/link", "is a symbolic link; name the file it leads to (app.conf)")
		b.refused("echo x | replace_file /etc", "is not a regular file")
		b.refused("echo x | replace_file /none/file", `directory "/none" does not exist`)
		b.refused("replace_file /etc/app.conf /none", `source "/none" is not a file`)
		b.refused("replace_file", "usage:")
	})
}

// Every verb that rewrites a file keeps what belongs to the file, not to its
// content. Owners and security.* need root; xattrs need a tool, which busybox
// is not.
func TestAttributesAreKept(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withAccounts(b)
		b.write("etc/app.conf", "[a]\nk=1\n")
		names := []string{"etc/app.conf", "etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"}
		for i, name := range names {
			attributes(t, b, name, i)
		}
		before := map[string]string{}
		for _, name := range names {
			before[name] = b.ownerAndXattrs(name)
		}
		b.ok("set_key --section a /etc/app.conf k 2; ensure_user new; add_to_group new audio; printf 'k=3' | replace_file /etc/app.conf")
		for _, name := range names {
			if got := b.ownerAndXattrs(name); got != before[name] {
				t.Errorf("%s: %s became %s", name, before[name], got)
			}
		}
	})
}

// attributes gives a file an owner, a mode and xattrs of its own.
func attributes(t *testing.T, b *box, name string, i int) {
	t.Helper()
	if os.Getuid() == 0 {
		if err := os.Chown(b.path(name), 10+i, 20+i); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(b.path(name), os.FileMode(0o600+i)); err != nil {
		t.Fatal(err)
	}
	if b.sh.name == "ash" {
		return
	}
	if err := syscall.Setxattr(b.path(name), "user.note", []byte("kept\x00 \xff"), 0); err != nil {
		t.Logf("no user.* xattrs on this file system: %v", err)
	}
	if os.Getuid() == 0 {
		// cap_net_raw+ep, in the kernel's format of revision 2.
		capability := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		if err := syscall.Setxattr(b.path(name), "security.capability", capability, 0); err != nil {
			t.Logf("no security.* xattrs on this file system: %v", err)
		}
	}
}

func (b *box) ownerAndXattrs(name string) string {
	return b.owner(name) + " " + strings.Join(xattrs(b.path(name)), " ")
}

// Where cp cannot copy xattrs, getfattr and setfattr are used if they are there.
func TestXattrsBySetfattr(t *testing.T) {
	if _, err := exec.LookPath("setfattr"); err != nil {
		t.Skip("setfattr is not installed")
	}
	b := newBox(t, bash)
	b.write("etc/app.conf", "old")
	if err := syscall.Setxattr(b.path("etc/app.conf"), "user.note", []byte("kept\x00 \xff"), 0); err != nil {
		t.Skipf("no user.* xattrs on this file system: %v", err)
	}
	before := b.ownerAndXattrs("etc/app.conf")
	b.ok("cp() { case $1 in --attributes-only) return 1 ;; esac; command cp \"$@\"; }\nprintf new | replace_file /etc/app.conf")
	b.expect("etc/app.conf", "new")
	if got := b.ownerAndXattrs("etc/app.conf"); got != before {
		t.Errorf("%s became %s", before, got)
	}
}

func TestSetKey(t *testing.T) {
	const ini = "# name = comment\n; name=comment\ntop = 1\n\n[net]\n# about name\nname =   old value # tail\nother=2\n\n[empty]\n[last]\nname=x\n\n# end\n"
	for _, c := range []struct{ name, file, call, want string }{
		{"in place", ini, "set_key --section net F name 'new \\1&'", edit(t, ini, "old value # tail", "new \\1&")},
		{"other section", ini, "set_key --section last F name ''", edit(t, ini, "name=x", "name=")},
		{"before sections", ini, "set_key F top 2", edit(t, ini, "top = 1", "top = 2")},
		{"added after the last one", ini, "set_key --section net F more 3", edit(t, ini, "other=2\n", "other=2\nmore=3\n")},
		{"added to an empty section", ini, "set_key --section empty F k v", edit(t, ini, "[empty]\n", "[empty]\nk=v\n")},
		{"added before sections", ini, "set_key F name v", edit(t, ini, "top = 1\n", "top = 1\nname=v\n")},
		{"new section", ini, "set_key --section 'new one' F k v", ini + "[new one]\nk=v\n"},
		{"only sections", "[a]\nk=1\n", "set_key F k 2", "k=2\n[a]\nk=1\n"},
		{"no newline at the end", "a=1", "set_key F b 2", "a=1\nb=2\n"},
		{"empty file", "", "set_key F b 2", "b=2\n"},
		{"empty file, section", "", "set_key --section s F b 2", "[s]\nb=2\n"},
		{"all assignments", "a=1\n a =2\n\ta\t= 3\nab=1\nba=1\n#a=1\n", "set_key F a x", "a=x\n a =x\n\ta\t= x\nab=1\nba=1\n#a=1\n"},
		{"section twice", "[s]\na=1\n[t]\na=1\n[s]\nb=1\n", "set_key --section s F c x", "[s]\na=1\n[t]\na=1\n[s]\nb=1\nc=x\n"},
		{"carriage returns", "a=1\r\n[s]\r\nb=1\r\n", "set_key F a 2; set_key --section s F c 3", "a=2\r\n[s]\r\nb=1\r\nc=3\r\n"},
		{"a key is no pattern", "axb=1\n", "set_key F a.b 2", "axb=1\na.b=2\n"},
		{"numbers are strings", "1.0=a\n01=b\n", "set_key F 1 c", "1.0=a\n01=b\n1=c\n"},
		{"value with everything", "a=1\n", `set_key F a '"$(x)" \n \\ = [y] #z %s'`, "a=\"$(x)\" \\n \\\\ = [y] #z %s\n"},
		{"blanks in a key", "first name=a\n", "set_key F 'first name' b", "first name=b\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				b.write("etc/f", c.file)
				call := strings.ReplaceAll(c.call, " F ", " /etc/f ")
				if out := b.ok(call); !strings.HasPrefix(out, "set_key: /etc/f: ") {
					t.Errorf("reported %q", out)
				}
				b.expect("etc/f", c.want)
				b.quiet(call)
			})
		})
	}
}

func TestSetKeyRefuses(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.write("etc/f", "a=1\n")
		b.write("etc/nul", "a=1\n\x00\x00")
		for _, key := range []string{"", "a=b", " a", "a ", "#a", ";a", "[a", "a\nb"} {
			b.refused("set_key /etc/f '"+key+"' v", "is refused")
		}
		b.refused("set_key /etc/f k 'a\nb'", "it holds a newline")
		b.refused("set_key --section 'a]' /etc/f k v", `section "a]" is refused`)
		b.refused("set_key /etc/nul a 2", "holds NUL bytes")
		b.refused("set_key /etc/none a 2", `"/etc/none" does not exist; test for it, or create it with replace_file`)
		b.refused("set_key /etc/f a", "usage:")
	})
}

func TestMovePath(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.write("var/old/file", "1")
		b.write("var/conf", "2")
		b.symlink("/nowhere", "var/link")
		before := b.inode("var/old/file")
		out := b.ok("move_path /var/old /srv/a/new; move_path /var/conf /etc/conf; move_path /var/link /var/link2; move_path /var/none /var/none2")
		if want := "move_path: renamed /var/old to /srv/a/new\nmove_path: renamed /var/conf to /etc/conf\nmove_path: renamed /var/link to /var/link2\n"; out != want {
			t.Errorf("reported %q", out)
		}
		if after := b.inode("srv/a/new/file"); after != before {
			t.Error("the file was copied, not renamed")
		}
		b.expect("etc/conf", "2")
		b.quiet("move_path /var/old /srv/a/new; move_path /var/conf /etc/conf; move_path /var/link /var/link2")

		// An image that has the new directory already, and one that keeps a link.
		b.write("var/x/f", "3")
		b.mkdir("var/y")
		b.ok("move_path /var/x /var/y; ln -s y /var/x")
		b.expect("var/y/f", "3")
		b.quiet("move_path /var/x /var/y")

		b.write("var/p", "1")
		b.write("var/q", "2")
		b.mkdir("var/d")
		b.refused("move_path /var/p /var/q", `"/var/p" and "/var/q" both exist; decide which one counts`)
		b.refused("move_path /var/y /srv/a", "both exist")
		b.refused("move_path /var/p /var/d", "both exist")
		b.refused("move_path /var /var/y/z", `"/var/y/z" is or lies in "/var"`)
		b.refused("move_path /var/p /var/p", "is or lies in")
		b.refused("move_path var/p /var/z", "not an absolute path")
		b.refused("move_path /var/p", "usage:")
	})
}

func (b *box) inode(name string) uint64 {
	b.t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(b.path(name), &st); err != nil {
		b.t.Fatal(err)
	}
	return st.Ino
}

// Across file systems, and across two bind mounts of one, where a device number
// says "same" and rename says EXDEV.
func TestMovePathAcrossMounts(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.write("data/app/sub/file", "1")
		b.write("data/conf", "2")
		b.symlink("sub/file", "data/app/link")
		b.mkdir("data/target")
		b.mkdir("mnt")
		b.mounts = append(b.mounts, "bind data/target mnt")
		if os.Getuid() == 0 {
			b.own("data/app/sub", 5, 6, 0o2750)
			b.own("data/app/sub/file", 7, 8, 0o4755)
		}
		want := snapshot(t, b.path("data/app"), content)
		if out := b.ok("move_path /data/app /mnt/app; move_path /data/conf /mnt/conf"); out !=
			"move_path: copied /data/app to /mnt/app and removed it\nmove_path: copied /data/conf to /mnt/conf and removed it\n" {
			t.Errorf("reported %q", out)
		}
		want.compare(t, snapshot(t, b.path("data/target/app"), content), "the moved tree")
		if left, _ := os.ReadDir(b.path("data")); len(left) != 1 {
			t.Errorf("left in data: %v", left)
		}
		b.quiet("move_path /data/app /mnt/app; move_path /data/conf /mnt/conf")
	})
}

// With something mounted inside, a copy would empty the other file system.
func TestMovePathRefusesMounts(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		for _, dir := range []string{"proc", "data/app/inner", "mnt"} {
			b.mkdir(dir)
		}
		b.mounts = append(b.mounts, "bind /proc proc", "tmpfs data/app/inner", "tmpfs mnt")
		b.refused("move_path /data/app /mnt/app", `a file system is mounted at "/data/app/inner"`)
	})
}

func TestRemoveStaleLinks(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.write("usr/share/unit", "")
		b.mkdir("etc/systemd/system/multi-user.target.wants")
		const wants = "etc/systemd/system/multi-user.target.wants/"
		for name, target := range map[string]string{
			wants + "gone.service":          "/usr/share/gone",
			wants + "there.service":         "/usr/share/unit",
			wants + "elsewhere.service":     "/opt2/x",
			wants + "relative gone.service": "../../../../usr/share/./x/../gone2",
			"etc/systemd/system/masked":     "/dev/later",
			"etc/systemd/system/run":        "/run/later",
			"etc/systemd/system/run2":       "../../../var/run/later",
			"etc/systemd/system/mtab":       "../../../proc/self/mounts",
			"etc/outside":                   "/usr/share/gone",
		} {
			b.symlink(target, name)
		}
		call := "remove_stale_links /etc/systemd/system/ /usr/share/ /lib"
		out := b.ok(call)
		if !strings.Contains(out, "/"+wants+"gone.service") || !strings.Contains(out, "/"+wants+"relative gone.service") ||
			strings.Count(out, "\n") != 1 || strings.Count(out, "service") != 2 {
			t.Errorf("reported %q", out)
		}
		b.quiet(call)
		left, _ := os.ReadDir(b.path(wants))
		if len(left) != 2 || left[0].Name() != "elsewhere.service" || left[1].Name() != "there.service" {
			t.Errorf("left: %v", left)
		}
		b.ok("remove_stale_links /etc/systemd/system; remove_stale_links /none")
		if left, _ = os.ReadDir(b.path(wants)); len(left) != 1 {
			t.Errorf("left: %v", left)
		}
		if left, _ = os.ReadDir(b.path("etc/systemd/system")); len(left) != 5 {
			t.Errorf("left: %v", left)
		}
		b.symlink("systemd", "etc/dirlink")
		b.refused("remove_stale_links /etc/dirlink", "is a symbolic link")
		b.refused("remove_stale_links etc", "not an absolute path")
		b.refused("remove_stale_links", "usage:")
	})
}
