// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"strings"
	"testing"
)

// These boots are of a newer systemd, 257.

// whereabouts is a migration that tells what is up while it runs.
func whereabouts(id string) snippet {
	s := works(id, "")
	s.body += "\nfor unit in sysinit.target systemd-udevd.service dbus.socket multi-user.target; do\n" +
		"echo $unit $(systemctl is-active $unit) >>/data/where\ndone"
	return s
}

// TestOfflineUpdate: the updater asks for it by a link, the next boot goes to
// system-update.target, where the runner has devices and users but no
// services beside it; then it boots again, into the ordinary system.
func TestOfflineUpdate(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, trixie, nil)
	r1 := &release{version: "1.0", snippets: []snippet{works("demo:one", "")}}
	files := map[string]string{servicesUnit: services}
	a := (&image{suite: trixie, layout: "unit", release: r1, files: files}).build(t)
	r2 := r1.again("2.0", whereabouts("demo:two"))
	b := (&image{suite: trixie, layout: "unit", release: r2, files: files}).build(t)
	c := (&image{suite: trixie, layout: "unit", release: r2.again("3.0", fails("demo:zoo", "")), files: files}).build(t)
	const ask = "ln -s /usr/lib/migration /etc/system-update\noff"
	const script = "units migration-offline.service\nledger\nfile /data/where /data/log\n"

	r := d.boot(boot{image: a, layout: "unit", script: script + ask})
	r.states("complete", "demo:one", "applied")
	r.order(false)

	r = d.boot(boot{image: b, layout: "unit", reboot: true, script: script + "section link\nls -l /etc/system-update\n" + ask})
	r.states("complete", "demo:one", "applied", "demo:two", "applied")
	r.section("file /data/where", "sysinit.target active", "systemd-udevd.service active", "multi-user.target inactive")
	r.section("link", "No such file")
	r.says("migrate-runner: 1/1 demo:two: applied")
	r.unit("migrate-runner.service", "ConditionResult", "no", "ExecMainPID", "0")
	r.unit("migration-offline.service", "ExecMainPID", "0")
	if n := strings.Count(r.console, "vm: the services start"); n != 1 {
		t.Errorf("services were started %d times, want 1: none in the offline update", n)
	}

	// A failure there: the boot behind it is an ordinary one, and tries again.
	r = d.boot(boot{image: c, layout: "unit", reboot: true, script: script + "off"})
	r.states("failed", "demo:zoo", "failed")
	r.says("(attempt 1 of 3)", "(attempt 2 of 3)")
	r.unit("migrate-runner.service", "ActiveState", "failed")
	r.unit("boot-complete.target", "ActiveState", "inactive")
	if n := strings.Count(r.console, "vm: the services start"); n != 1 {
		t.Errorf("services were started %d times, want 1: none in the offline update", n)
	}
}

// soft prepares the next root, as an updater does, and reboots into it
// without the kernel.
const soft = `
if [ ! -e /run/vm/again ]; then
	touch /run/vm/again
	mkdir -p /run/nextroot
	mount -t squashfs -o ro /dev/vde /run/nextroot
	mount --bind /data /run/nextroot/data
	mount -t overlay -o lowerdir=/run/nextroot/etc,upperdir=/data/etc/upper,workdir=/data/etc/work,index=off,xino=off,redirect_dir=off,metacopy=off overlay /run/nextroot/etc
	systemctl soft-reboot
	exit
fi
units
section soft
systemctl show -P SoftRebootsCount
`

// TestSoftReboot: the runner runs again in the next root, with what is new
// there, although /run and the kernel are those of before.
func TestSoftReboot(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, trixie, nil)
	r1 := &release{version: "1.0", snippets: []snippet{works("demo:one", "")}}
	a := (&image{suite: trixie, layout: "unit", release: r1}).build(t)
	b := (&image{suite: trixie, layout: "unit", release: r1.again("2.0", works("demo:two", ""))}).build(t)
	r := d.boot(boot{image: a, layout: "unit", extra: []string{b}, script: soft + "ledger\nfile /data/log\noff"})
	r.section("soft", "1")
	r.states("complete", "demo:one", "applied", "demo:two", "applied")
	r.says("migrate-runner: 1/1 demo:one: applied", "migrate-runner: 1/1 demo:two: applied")
	r.section("file /data/log", "demo-one\ndemo-two\n")
	r.order(false)
}

// TestEarlyTrixie is the early variant's order under that systemd.
func TestEarlyTrixie(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, trixie, nil)
	im := &image{suite: trixie, layout: "early", early: true, release: slow(1, 0), files: chainFiles(false)}
	r := d.boot(boot{image: im.build(t), layout: "early", script: "units\nledger\nsystemctl poweroff"})
	r.states("complete")
	r.order(true)
	r.unit("boot-complete.target", "ActiveState", "active")
}
