// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
)

// examples reads the migrations from the page, by their Description.
func examples(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)```sh\n(#!/bin/sh\n.*?)```\n").FindAllStringSubmatch(readFile(t, docPath), -1) {
		script, err := bundle.ParseScript(docPath, []byte(m[1]))
		if err != nil {
			t.Errorf("%v\n%s", err, m[1])
			continue
		}
		found[script.Header.Description] = m[1]
	}
	return found
}

// situations are the devices that the migrations on the page are for: what the
// device had, and what must be there afterwards.
var situations = map[string]struct {
	root  bool
	setup func(b *box)
	check func(t *testing.T, b *box)
}{
	"Add the groups that user management needs": {false, withAccounts, func(t *testing.T, b *box) {
		b.contains(t, "etc/group", "priv-admin:x:993:root\n", "priv-user:x:991:\n")
	}},
	"Run bmcweb as its own user": {true, func(b *box) {
		withAccounts(b)
		b.write("etc/group", group0+"shadow:x:42:\n")
		b.write("var/lib/bmcweb/session", "x")
	}, func(t *testing.T, b *box) {
		b.contains(t, "etc/passwd", "bmcweb:x:999:999:BMC web server:/var/lib/bmcweb:")
		if got := b.owner("var/lib/bmcweb/session"); got != "999:999 644" {
			t.Errorf("session is %s", got)
		}
	}},
	"Give avahi its fixed number": {true, func(b *box) {
		withAccounts(b)
		b.write("var/lib/avahi/f", "x")
		b.own("var/lib/avahi/f", 998, 997, 0o600)
	}, func(t *testing.T, b *box) {
		b.contains(t, "etc/passwd", "avahi:x:801:801:")
		if got := b.owner("var/lib/avahi/f"); got != "801:801 600" {
			t.Errorf("f is %s", got)
		}
	}},
	`The account "admin" is called "service" now`: {false, func(b *box) {
		withAccounts(b)
		b.write("home/admin/f", "x")
	}, func(t *testing.T, b *box) {
		b.contains(t, "etc/passwd", "service:x:1000:1000:,,,:/home/service:/bin/sh\n")
		b.expect("home/service/f", "x")
	}},
	"The telnet server is gone, and so is its account": {false, func(b *box) {
		withAccounts(b)
		b.write("etc/group", group0+"telnetd:x:105:\n")
		b.write("etc/passwd", "telnetd:x:105:105::/:/bin/false\n"+passwd0)
	}, func(t *testing.T, b *box) {
		b.expect("etc/group", group0)
	}},
	"The home of kairos follows its new number": {true, func(b *box) {
		b.write("etc/passwd", "kairos:x:1001:1001::/home/kairos:/bin/sh\n")
		b.write("etc/group", "kairos:x:1001:\n")
		b.write("home/kairos/.ssh/authorized_keys", "x")
		b.own("home/kairos/.ssh/authorized_keys", 65535, 65535, 0o600)
	}, func(t *testing.T, b *box) {
		if got := b.owner("home/kairos/.ssh/authorized_keys"); got != "1001:1001 600" {
			t.Errorf("the keys are %s", got)
		}
	}},
	"Data follows the system users that were numbered anew": {true, func(b *box) {
		// A device on which no bundle was complete before.
		b.env = append(b.env, "MIGRATION_FROM=")
		b.write("etc/passwd", "root:x:0:0::/:/bin/sh\ngdm:x:125:127::/:/bin/false\nntp:x:114:116::/:/bin/false\n")
		b.write("etc/group", "root:x:0:\ngdm:x:127:\nntp:x:116:\n")
		b.write("usr/share/product/ids/1.0/passwd", "root:x:0:0::/:/bin/sh\ngdm:x:114:116::/:/bin/false\nntp:x:125:127::/:/bin/false\n")
		b.write("usr/share/product/ids/1.0/group", "root:x:0:\ngdm:x:116:\nntp:x:127:\n")
		b.write("var/lib/gdm3/f", "x")
		b.own("var/lib/gdm3/f", 114, 116, 0o600)
		b.write("var/log/ntp", "x")
		b.own("var/log/ntp", 125, 127, 0o600)
	}, func(t *testing.T, b *box) {
		if got := b.owner("var/lib/gdm3/f") + " " + b.owner("var/log/ntp"); got != "125:127 600 114:116 600" {
			t.Errorf("owners are %s", got)
		}
	}},
	"Let dnsmasq read the resolv.conf at its new place": {false, func(b *box) {
		b.write("etc/dnsmasq.conf", "# old\nresolv-file=/tmp/resolv.conf.auto\nbogus-priv\n")
	}, func(t *testing.T, b *box) {
		b.expect("etc/dnsmasq.conf", "# old\nresolv-file=/tmp/resolv.conf.d/resolv.conf.auto\nbogus-priv\n")
	}},
	"olsrd's configuration is olsrd4 now and knows no IpVersion": {false, func(b *box) {
		b.write("etc/config/olsrd", "config olsrd\n\toption IpVersion '4'\n\toption x y\n")
	}, func(t *testing.T, b *box) {
		b.expect("etc/config/olsrd4", "config olsrd\n\toption x y\n")
	}},
	"Move the BMC's data to the persistent partition": {false, func(b *box) {
		b.write("var/lib/obmc/led", "x")
		b.mkdir("var/persist")
		b.mkdir("partition")
		b.mounts = append(b.mounts, "bind partition var/persist")
	}, func(t *testing.T, b *box) {
		b.expect("partition/obmc/led", "x")
	}},
	"Remove links to units that this image does not have": {false, func(b *box) {
		b.mkdir("etc/systemd/system")
		b.symlink("/usr/lib/systemd/system/ssh.service", "etc/systemd/system/sshd.service")
		b.symlink("/data/later.service", "etc/systemd/system/later.service")
	}, func(t *testing.T, b *box) {
		if entries, _ := os.ReadDir(b.path("etc/systemd/system")); len(entries) != 1 {
			t.Errorf("left: %v", entries)
		}
	}},
	"Use the image's fstab where the device never changed it": {false, func(b *box) {
		b.write("etc/fstab", "foo\n")
		b.write("usr/share/factory/etc/fstab", "new\n")
	}, func(t *testing.T, b *box) {
		b.expect("etc/fstab", "new\n")
	}},
	"Bring back the drop-in directory that old scripts removed": {true, func(b *box) {
		withImages(b, oeUpper, oeWork)
		b.write("one/etc/network.d/f", "1\n")
		b.write("two/etc/network.d/f", "2\n")
		b.ok("rm -r /etc/network.d")
		b.boot("two", oeUpper, oeWork, true)
	}, func(t *testing.T, b *box) {
		if got := b.see("/etc/network.d/f"); got != "2\n0:0 644\n" {
			t.Errorf("shown: %q", got)
		}
	}},
}

// contains looks for parts of a file.
func (b *box) contains(t *testing.T, name string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if got := b.read(name); !strings.Contains(got, part) {
			t.Errorf("%s lacks %q:\n%s", name, part, got)
		}
	}
}

// Each migration on the page does on its device what the page says, and nothing
// when it is run again.
func TestExamples(t *testing.T) {
	all := examples(t)
	if len(all) != len(situations) {
		t.Errorf("%d examples, %d situations", len(all), len(situations))
	}
	for name, script := range all {
		t.Run(name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				s, ok := situations[name]
				if !ok {
					t.Fatal("the page has an example without a situation")
				}
				if s.root {
					needRoot(t)
				}
				s.setup(b)
				if out := b.ok(script); out == "" {
					t.Error("nothing was reported")
				}
				s.check(t, b)
				b.quiet(script)
			})
		})
	}
}
