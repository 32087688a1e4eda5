// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"os"
	"strings"
	"testing"
)

// What base-passwd and a few recipes leave, with lines that must survive: one
// malformed, one with bytes that are no UTF-8, NIS lines, no newline at the end.
const (
	passwd0 = "root:x:0:0:root:/root:/bin/sh\n" +
		"daemon:x:1:1:daemon:/usr/sbin:/bin/sh\n" +
		"this line is broken\n" +
		"avahi:x:998:997:Zeroconf \xff:/:/bin/false\n" +
		"admin:x:1000:1000:,,,:/home/admin:/bin/sh\n" +
		"+nisuser::::::\n" +
		"+::::::"
	group0 = "root:x:0:\n" +
		"daemon:x:1:\n" +
		"audio:x:29:admin\n" +
		"avahi:x:997:\n" +
		"netdev:x:996:avahi,admin\n" +
		"admin:x:1000:\n" +
		"::::::\n"
	shadow0 = "root:$6$abc$def:19000:0:99999:7:::\n" +
		"daemon:*:19000:0:99999:7:::\n" +
		"avahi:!:19000::::::\n" +
		"admin:$5$salt$hash:19000:0:99999:7:::\n"
	gshadow0 = "root:*::\n" +
		"audio:*::admin\n" +
		"netdev:!:admin:avahi,admin\n"
)

// withAccounts gives the root the four files, shadow's as strict as on devices.
func withAccounts(b *box) {
	b.t.Helper()
	b.write("etc/passwd", passwd0)
	b.write("etc/group", group0)
	b.write("etc/shadow", shadow0)
	b.write("etc/gshadow", gshadow0)
	for _, name := range []string{"shadow", "gshadow"} {
		if err := os.Chmod(b.path("etc/"+name), 0o400); err != nil {
			b.t.Fatal(err)
		}
	}
}

// edit replaces one part of a text, which must hold it.
func edit(t *testing.T, text, old, new string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in the text", old)
	}
	return strings.Replace(text, old, new, 1)
}

func TestEnsureGroup(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withAccounts(b)
		if got := b.ok("ensure_group redfish"); got != "ensure_group: added redfish (gid 999)\n" {
			t.Errorf("reported %q", got)
		}
		b.ok("ensure_group ipmi 500")
		b.expect("etc/group", group0+"redfish:x:999:\nipmi:x:500:\n")
		b.expect("etc/gshadow", gshadow0+"redfish:!::\nipmi:!::\n")
		b.expect("etc/passwd", passwd0)
		b.expect("etc/shadow", shadow0)
		b.quiet("ensure_group redfish; ensure_group ipmi 500; ensure_group audio; ensure_group audio 29")

		// A new number follows into passwd.
		if got := b.ok("ensure_group avahi 400"); got != "ensure_group: avahi: gid 997 -> 400\n" {
			t.Errorf("reported %q", got)
		}
		b.expect("etc/passwd", edit(t, passwd0, "998:997", "998:400")+"\n")
		b.quiet("ensure_group avahi 400")

		b.refused("ensure_group avahi 29", `gid 29 for "avahi" is held by "audio"; give another number, or first move it away: ensure_group audio N`)
		b.refused("ensure_group new 0", `held by "root"`)
		for _, name := range []string{"a:b", "", "-x", "1user", "a b", "../x", "a,b", strings.Repeat("x", 33)} {
			b.refused("ensure_group '"+name+"'", "is refused")
		}
		b.refused("ensure_group 'a\nb:x:0:'", "is refused")
		b.refused("ensure_group x 1x", "is not a number")
		b.refused("ensure_group x 4294967295", "is not a number")
		b.refused("ensure_group x 010", "is not a number")
		b.refused("ensure_group", "usage: ensure_group NAME [GID]")
	})
}

func TestEnsureUser(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withAccounts(b)
		out := b.ok("ensure_user bmcweb")
		if out != "ensure_user: added bmcweb (uid 999), added group bmcweb (gid 999)\n" {
			t.Errorf("reported %q", out)
		}
		line := "bmcweb:x:999:999::/:/bin/false\n"
		if b.sh.name != "ash" {
			if _, err := os.Stat("/usr/sbin/nologin"); err == nil {
				line = "bmcweb:x:999:999::/:" + nologin() + "\n"
			}
		}
		want := edit(t, passwd0, "+nisuser", line+"+nisuser") + "\n"
		b.expect("etc/passwd", want)
		b.expect("etc/group", group0+"bmcweb:x:999:\n")
		b.expect("etc/shadow", shadow0+"bmcweb:!*:::::::\n")
		b.expect("etc/gshadow", gshadow0+"bmcweb:!::\n")
		b.quiet("ensure_user bmcweb; ensure_user bmcweb --uid 999 --group bmcweb --home / --locked --comment ''; ensure_user daemon")

		out = b.ok("ensure_user admin --uid 1200 --group audio --home /var/admin --shell /bin/bash --comment 'The admin' --locked")
		if out != "ensure_user: admin: uid 1000 -> 1200, admin: gid 1000 -> 29, admin: comment \",,,\" -> \"The admin\", "+
			"admin: home /home/admin -> /var/admin, admin: shell /bin/sh -> /bin/bash, admin: locked\n" {
			t.Errorf("reported %q", out)
		}
		want = edit(t, want, "admin:x:1000:1000:,,,:/home/admin:/bin/sh", "admin:x:1200:29:The admin:/var/admin:/bin/bash")
		b.expect("etc/passwd", want)
		b.expect("etc/shadow", edit(t, shadow0, "admin:$5", "admin:!$5")+"bmcweb:!*:::::::\n")
		b.quiet("ensure_user admin --locked --uid 1200 --group 29")
		b.ok("ensure_user admin --comment '' --home / --shell '/bin/a \\1&b*'")
		b.expect("etc/passwd", edit(t, want, ":The admin:/var/admin:/bin/bash", "::/:/bin/a \\1&b*"))

		b.refused("ensure_user x --uid 998", `uid 998 for "x" is held by "avahi"; give another number, or first move it away: ensure_user avahi --uid N`)
		b.refused("ensure_user daemon --uid 0", `held by "root"`)
		b.refused("ensure_user x --group nobody", `group "nobody" does not exist; call ensure_group first`)
		b.refused("ensure_user x --group 77", `group "77" does not exist`)
		b.refused("ensure_user x --comment a:b", `holds ":" or a newline`)
		b.refused("ensure_user x --home 'home'", "not an absolute path")
		b.refused("ensure_user x --shell 'bin/sh'", "not an absolute path")
		b.refused("ensure_user x --home '/a\nb'", "newline")
		b.refused("ensure_user x --gid 5", `unknown option "--gid"`)
		b.refused("ensure_user x --uid", "needs a value")
		b.refused("ensure_user 'x:0'", "is refused")
	})
}

// nologin is what the library finds in a root with the host's programs.
func nologin() string {
	if info, err := os.Lstat("/sbin"); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return "/sbin/nologin"
	}
	if _, err := os.Stat("/sbin/nologin"); err == nil {
		return "/sbin/nologin"
	}
	return "/usr/sbin/nologin"
}

// A user that is made finds its group, and keeps an old password out.
func TestEnsureUserKeepsNumberOfItsGroup(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withAccounts(b)
		b.write("etc/shadow", shadow0+"ipmi:$6$old$hash:1::::::\n")
		b.ok("ensure_group ipmi 600; ensure_user ipmi; ensure_user other --uid 601 --group audio --home /o --shell /bin/sh")
		for _, want := range []string{"ipmi:x:600:600::/:", "other:x:601:29::/o:/bin/sh\n"} {
			if got := b.read("etc/passwd"); !strings.Contains(got, want) {
				t.Errorf("passwd lacks %q:\n%s", want, got)
			}
		}
		if got := b.read("etc/group"); strings.Contains(got, "other") {
			t.Errorf("a group was made although one was given:\n%s", got)
		}
		b.expect("etc/shadow", shadow0+"ipmi:!*:::::::\nother:!*:::::::\n")
	})
}

// Images without shadow: the entry in passwd itself must not open the account.
func TestEnsureUserWithoutShadow(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.write("etc/passwd", "root::0:0:root:/:/bin/sh\nold:$1$a$b:5:5::/:/bin/sh\n")
		b.write("etc/group", "root:x:0:\n")
		b.write("etc/login.defs", "# SYS_UID_MAX 5\nSYS_UID_MIN\t\t  201\nSYS_UID_MAX\t\t  299\nSYS_GID_MAX 250\n")
		b.ok("ensure_user a --shell /bin/sh; ensure_group b; ensure_user old --locked")
		b.expect("etc/passwd", "root::0:0:root:/:/bin/sh\nold:!$1$a$b:5:5::/:/bin/sh\na:!*:299:299::/:/bin/sh\n")
		b.expect("etc/group", "root:x:0:\na:x:299:\nb:x:250:\n")
		if _, err := os.Stat(b.path("etc/shadow")); err == nil {
			t.Error("shadow was made")
		}
	})
}

func TestAddToGroup(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withAccounts(b)
		if got := b.ok("add_to_group avahi audio netdev daemon avahi"); got != "add_to_group: added avahi to audio, added avahi to daemon\n" {
			t.Errorf("reported %q", got)
		}
		b.expect("etc/group", edit(t, edit(t, group0, "audio:x:29:admin", "audio:x:29:admin,avahi"), "daemon:x:1:", "daemon:x:1:avahi"))
		b.expect("etc/gshadow", edit(t, gshadow0, "audio:*::admin", "audio:*::admin,avahi"))
		b.quiet("add_to_group avahi audio netdev daemon avahi")
		b.refused("add_to_group nobody audio", `user "nobody" does not exist; call ensure_user first`)
		b.refused("add_to_group avahi audio video", `group "video" does not exist; call ensure_group first`)
		b.refused("add_to_group avahi", "usage:")
	})
}

func TestRenameAndRemove(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withAccounts(b)
		b.ok("rename_user admin service; rename_group netdev network")
		passwd := edit(t, passwd0, "admin:x:1000", "service:x:1000") + "\n"
		b.expect("etc/passwd", passwd)
		b.expect("etc/shadow", edit(t, shadow0, "admin:", "service:"))
		b.expect("etc/group", "root:x:0:\ndaemon:x:1:\naudio:x:29:service\navahi:x:997:\nnetwork:x:996:avahi,service\nadmin:x:1000:\n::::::\n")
		b.expect("etc/gshadow", "root:*::\naudio:*::service\nnetwork:!:service:avahi,service\n")
		b.quiet("rename_user admin service; rename_group netdev network; rename_user unknown other")
		b.refused("rename_user service avahi", `"service" cannot become "avahi": /etc/passwd has both; remove one first`)

		b.refused("remove_group avahi", `"avahi" is the primary group of "avahi"; first: ensure_user avahi --group OTHER`)
		b.ok("remove_user avahi; remove_group avahi; remove_user service")
		b.expect("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/sh\nthis line is broken\n+nisuser::::::\n+::::::\n")
		b.expect("etc/group", "root:x:0:\ndaemon:x:1:\naudio:x:29:\nnetwork:x:996:\nadmin:x:1000:\n::::::\n")
		b.expect("etc/gshadow", "root:*::\naudio:*::\nnetwork:!::\n")
		b.expect("etc/shadow", "root:$6$abc$def:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n")
		b.quiet("remove_user avahi; remove_group avahi; remove_user service")
		b.refused("remove_user root", "root is not removed")
	})
}

// TestRenameLeftovers guards groups from a name that only they still knew: it
// must not make another user a member.
func TestRenameLeftovers(t *testing.T) {
	const service = "root:x:0:0:root:/root:/bin/sh\nservice:x:1000:1000::/home/service:/bin/sh\n"
	eachShell(t, func(t *testing.T, b *box) {
		b.write("etc/passwd", service)
		b.write("etc/group", "sudo:x:27:admin\nusers:x:100:\n")
		b.write("etc/shadow", "service:!*:::::::\n")
		b.write("etc/gshadow", "sudo:!:admin:admin\nguests:!::\n")
		b.quiet("rename_user admin service; rename_group guests users")

		// Members of both names are one, and the entry of a removed user goes.
		b.write("etc/passwd", strings.Replace(service, "service:", "admin:", 1))
		b.write("etc/group", "sudo:x:27:admin,service\nwheel:x:28:service,root,admin\nusers:x:100:\n")
		b.write("etc/shadow", "service:STALE:::::::\nadmin:!*:::::::\n")
		b.ok("rename_user admin service")
		b.expect("etc/passwd", service)
		b.expect("etc/group", "sudo:x:27:service\nwheel:x:28:service,root\nusers:x:100:\n")
		b.expect("etc/shadow", "service:!*:::::::\n")
		b.expect("etc/gshadow", "sudo:!:service:service\nguests:!::\n")
		b.quiet("rename_user admin service")
	})
}

// An awk that compares numbers takes 1e1 for 10, and nan for inf.
func TestNamesAreNotNumbers(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.write("etc/passwd", "inf:x:1:1::/:/bin/sh\n0x10:x:2:2::/:/bin/sh\n")
		b.write("etc/group", "nan:x:010:\n")
		b.ok("ensure_group NaN 10; ensure_user infinity --uid 16 --group NaN --shell /bin/sh")
		b.expect("etc/group", "nan:x:010:\nNaN:x:10:\n")
		b.expect("etc/passwd", "inf:x:1:1::/:/bin/sh\n0x10:x:2:2::/:/bin/sh\ninfinity:!*:16:10::/:/bin/sh\n")
	})
}

func TestDamagedAccounts(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withAccounts(b)
		b.write("etc/passwd", passwd0+"\nshort:x:5\n")
		b.refused("ensure_user short", `the entry of "short" in /etc/passwd has 3 fields instead of 7; mend it first`)
		b.write("etc/passwd", passwd0+"\x00\x00\x00\x00")
		b.refused("ensure_user bmcweb", `"/etc/passwd" holds NUL bytes`)
		if err := os.Remove(b.path("etc/passwd")); err != nil {
			t.Fatal(err)
		}
		b.refused("ensure_user bmcweb", "/etc/passwd does not exist")
		b.symlink("/run/passwd", "etc/passwd")
		b.refused("ensure_user bmcweb", "/etc/passwd does not exist")
	})
}

// A lock that a power cut left behind does not stop a migration, whatever
// process has its number by now; a lock of useradd does.
func TestLocks(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		withAccounts(b)
		b.mkdir("proc")
		for _, pid := range []string{"999999999", "$$", "$PPID", "", "garbage"} {
			b.mounts = append(b.mounts[:len(b.mounts):len(b.mounts)], "bind /proc proc")
			b.ok("printf %s \"" + pid + "\" >/etc/passwd.lock; ensure_group audio; [ ! -e /etc/passwd.lock ]")
			b.ok("printf %s \"" + pid + "\" >/etc/group.lock; ensure_group new; remove_group new >/dev/null; [ ! -e /etc/group.lock ]")
		}
		b.expect("etc/group", group0)

		b.mkdir("opt/tools")
		sleeper := "cp \"$(command -v sleep)\" /tmp/useradd; /tmp/useradd 30 & printf %s $! >/etc/shadow.lock\n"
		if b.sh.name == "ash" {
			// An applet goes by its name, so a copy under another is another applet.
			sleeper = "printf '#!/bin/sh\\nread x </tmp/pipe\\n' >/tmp/useradd; chmod +x /tmp/useradd; mkfifo /tmp/pipe; /tmp/useradd & printf %s $! >/etc/shadow.lock\n"
		}
		if testing.Short() {
			t.Skip("waits 15 s")
		}
		r := b.run(sleeper + "trap 'kill $!' EXIT\nensure_group new")
		if r.code != 1 || !strings.Contains(r.reason(), "/etc/shadow is locked by useradd (process ") {
			t.Errorf("exit %d, stderr %q", r.code, r.stderr)
		}
		b.expect("etc/group", group0)
		for _, name := range []string{"passwd", "group", "gshadow"} {
			if _, err := os.Stat(b.path("etc/" + name + ".lock")); err == nil {
				t.Errorf("etc/%s.lock was left", name)
			}
		}
	})
}
