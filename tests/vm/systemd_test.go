// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"strings"
	"testing"
)

const stopUnit = unitDir + "/vm-stop.service"

// stopper is a unit that switches the device off as soon as the ledger holds
// the start of a migration.
func stopper(id string) string {
	return "[Unit]\nDefaultDependencies=no\nConditionKernelCommandLine=vm.stop\n[Service]\nType=oneshot\n" +
		"ExecStart=sh -c 'until grep -q \"started.*" + id + "\" /var/lib/migration/ledger; do sleep 0.2; done; systemctl --no-block poweroff'\n" +
		"[Install]\nWantedBy=sysinit.target\n"
}

// TestEarly is the variant for a /var that the initramfs mounts: the power is
// cut in the middle of a migration, the device is shut down in the middle of
// another one, then all come to their end, before nearly everything.
func TestEarly(t *testing.T) {
	t.Parallel()
	d := newDevice(t, bookworm, nil)
	im := &image{suite: bookworm, layout: "early", early: true, release: slow(3, 9), files: map[string]string{
		stopUnit: stopper("slow:m2"),
		// The runner asks for the time that a script may need: a product's limit,
		// which two of them exceed, does not stop it.
		unitDir + "/migrate-runner.service.d/30-limit.conf": "[Service]\nTimeoutStartSec=15\n",
	}}
	path := im.build(t)

	s := d.start(boot{image: path, layout: "early", script: "off"})
	d.wait(s, "m1 is in its midst")
	s.kill()

	r := d.boot(boot{image: path, layout: "early", append: "vm.stop", script: "off"})
	r.says("slow:m1 was interrupted at its attempt 1", "migrate-runner: 1/3 slow:m1: applied", "2/3 slow:m2: stopped: the runner was told to end",
		"not complete: 2 migrations left; tried again at the next start")
	if strings.Contains(r.console, "m3 is in its midst") {
		t.Error("m3 was started in the shutdown")
	}

	r = d.boot(boot{image: path, layout: "early", script: "units\nledger\nsection whole\ncat /etc/m?.conf\noff"})
	checkWhole(t, r, 3)
	r.order(true)
	r.section("ledger", "interrupted", "stopped")
	// The power cut counts, the shutdown does not.
	r.section("status", `"id":"slow:m1"`, `"id":"slow:m2"`)
	r.attempts("slow:m1", 2)
	r.attempts("slow:m2", 1)
	r.unit("migrate-runner.service", "Result", "success", "StatusText", "Complete")
	r.unit("boot-complete.target", "ActiveState", "active")
}

// TestCycleIsFound guards the look for cycles in every boot: the runner behind
// local-fs.target and before systemd-sysusers is one, and must be seen.
func TestCycleIsFound(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, bookworm, nil)
	im := &image{suite: bookworm, layout: "unit", release: slow(1, 0), files: map[string]string{
		unitDir + "/migrate-runner.service.d/30-cycle.conf": "[Unit]\nBefore=systemd-sysusers.service\n"}}
	// Which job systemd drops is its choice: the boot may end in anything.
	s := d.start(boot{image: im.build(t), layout: "unit", script: "off"})
	d.wait(s, cycleFound)
	s.kill()
}

// TestEmergency: nothing that could use the data starts.
func TestEmergency(t *testing.T) {
	t.Parallel()
	d := newDevice(t, bookworm, nil)
	im := &image{suite: bookworm, layout: "unit", release: &release{version: "1.0", options: []string{"--failure-state", "emergency"},
		snippets: []snippet{fails("demo:two", "")}}}
	r := d.boot(boot{image: im.build(t), layout: "unit", script: "units sysinit.target dbus.service\nledger\noff"})
	r.states("failed", "demo:two", "failed")
	r.unit("emergency.target", "ActiveState", "active")
	r.unit("sysinit.target", "ActiveState", "inactive")
	r.unit("multi-user.target", "ActiveState", "inactive")
	r.unit("dbus.service", "ActiveState", "inactive")
	r.says("migrate-runner: 1/1 demo:two: failed: exit status 3: the disk is upside down (attempt 1 of 3)",
		"migrate-runner: not complete: 1 migration left; failed ones are tried again at the next start")
}

const servicesUnit = unitDir + "/vm-services.service"

// services says on the console that services have started.
const services = "[Unit]\nAfter=basic.target\n[Service]\nType=oneshot\nExecStart=sh -c 'echo vm: the services start >/dev/console'\n[Install]\nWantedBy=multi-user.target\n"

// TestReboot: the device boots again while attempts are left, before a service
// has started, and is then left degraded.
func TestReboot(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, bookworm, nil)
	im := &image{suite: bookworm, layout: "unit", files: map[string]string{servicesUnit: services},
		release: &release{version: "1.0", options: []string{"--failure-state", "reboot"}, snippets: []snippet{fails("demo:two", "Attempts: 2")}}}
	r := d.boot(boot{image: im.build(t), layout: "unit", reboot: true, script: "units\nledger\noff"})
	r.says("(attempt 1 of 2)", "(attempt 2 of 2)", "no attempts are left: install an image that repairs it")
	r.states("failed", "demo:two", "failed")
	r.section("state", "degraded")
	r.unit("multi-user.target", "ActiveState", "active")
	r.unit("boot-complete.target", "ActiveState", "inactive")
	if n := strings.Count(r.console, "vm: the services start"); n != 1 {
		t.Errorf("services were started %d times, want 1: not before a reboot", n)
	}
}

// volatileLib is what oe-core's volatile-binds does for /var/lib.
const volatileLib = `[Unit]
Description=Bind mount volatile /var/lib
DefaultDependencies=no
Before=local-fs.target
RequiresMountsFor=/var/volatile /var
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/vm/mount-copybind /var/volatile/lib /var/lib
ExecStop=umount /var/lib
[Install]
WantedBy=local-fs.target
`

const copybind = `#!/bin/sh -e
mkdir -p "$1" "${1%/*}/.${1##*/}-work"
mount -t overlay overlay -olowerdir="$2",upperdir="$1",workdir="${1%/*}/.${1##*/}-work" "$2"
`

// persistent is the mount unit of the layer's guide.
const persistent = `[Unit]
DefaultDependencies=no
After=var-volatile-lib.service
RequiresMountsFor=/data
Before=local-fs.target
[Mount]
What=/data/migration
Where=/var/lib/migration
Type=none
Options=bind
[Install]
WantedBy=local-fs.target
`

// TestVolatileBinds: a read-only root whose /var/lib is volatile. Without
// persistent storage on the state the runner refuses; with it, it remembers.
func TestVolatileBinds(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, bookworm, nil)
	r1 := &release{version: "1.0", snippets: []snippet{works("demo:one", "")}}
	image := func(r *release, mount string) string {
		files := map[string]string{unitDir + "/var-volatile-lib.service": volatileLib, "/usr/lib/vm/mount-copybind": copybind,
			"/var/volatile/.keep": "", "/etc/fstab": "tmpfs /tmp tmpfs nosuid,nodev 0 0\ntmpfs /var/volatile tmpfs defaults 0 0\n"}
		if mount != "" {
			files[unitDir+"/var-lib-migration.mount"] = mount
		}
		return (&image{suite: bookworm, layout: "binds", release: r, files: files}).build(t)
	}
	script := "units\nledger\nfile /data/log\noff"
	r := d.boot(boot{image: image(r1, ""), layout: "binds", script: script})
	r.unit("migrate-runner.service", "ActiveState", "failed", "ExecMainStatus", "7")
	r.section("file /data/log", "No such file")
	r.section("state", "degraded")

	r = d.boot(boot{image: image(r1, persistent), layout: "binds", script: script})
	r.order(false)
	r.states("complete", "demo:one", "applied")

	r = d.boot(boot{image: image(r1.again("2.0", works("demo:two", "")), persistent), layout: "binds", script: script})
	r.order(false)
	r.states("complete", "demo:one", "applied", "demo:two", "applied")
	r.section("file /data/log", "demo-one\ndemo-two\n")
}

// TestStopped is a power cut in the middle of a migration, and a shutdown in
// the middle of another one, where /var is a mount unit: the second is stopped
// before /var goes, put back, and not counted.
func TestStopped(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, bookworm, nil)
	path := (&image{suite: bookworm, layout: "unit", release: slow(2, 9), files: map[string]string{
		stopUnit: strings.Replace(stopper("slow:m2"), "DefaultDependencies=no", "DefaultDependencies=no\nAfter=var.mount", 1)}}).build(t)
	s := d.start(boot{image: path, layout: "unit", script: "off"})
	d.wait(s, "m1 is in its midst")
	s.kill()

	r := d.boot(boot{image: path, layout: "unit", append: "vm.stop", script: "off"})
	r.says("slow:m1 was interrupted at its attempt 1", "migrate-runner: 1/2 slow:m1: applied", "2/2 slow:m2: stopped: the runner was told to end",
		"not complete: 1 migration left; tried again at the next start")
	r = d.boot(boot{image: path, layout: "unit", script: "units\nledger\nsection whole\ncat /etc/m?.conf\noff"})
	checkWhole(t, r, 2)
	r.attempts("slow:m1", 2)
	r.attempts("slow:m2", 1)
}
