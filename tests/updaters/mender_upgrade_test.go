// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func (d *menderDevice) upgrade(r release) {
	d.t.Helper()
	if got := d.mender("install", d.artifact(r)); got.code != 0 {
		d.t.Fatalf("mender install exits with %d", got.code)
	}
}

// What the image will do is said before, done at its first boot, and kept when
// Mender commits, not when boot-complete.target is reached.
func TestMenderGoodUpgrade(t *testing.T) {
	d := newMender(t, first, false)
	r := d.mender("install", d.artifact(second))
	if r.code != 0 {
		t.Fatalf("mender install exits with %d", r.code)
	}
	d.contains(r.text, "migrations: this device may have the image")
	d.wantSettings(used)
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the new image is not complete: exit %d", r.code)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
	d.expect(1, "/usr/libexec/mender-committed")
	if r := d.mender("commit"); r.code != 0 {
		t.Fatalf("mender commit exits with %d", r.code)
	}
	d.expect(0, "/usr/libexec/mender-committed")
	// Kept: the older image finds data that it does not put back.
	d.env.set("mender_boot_part", "2")
	d.boot()
	d.wantSlot("a")
	d.wantSettings("unit = c\n")
}

// A refused image is not booted.
func TestMenderRefuses(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			d := newMender(t, c.have, false)
			if c.damaged {
				d.damageLedger()
			}
			r := d.mender("install", d.artifact(c.image))
			if r.code == 0 {
				t.Error("mender install exits with 0")
			}
			d.contains(r.text, c.reason)
			if env := d.env.read(); env["mender_boot_part"] != "2" || env["upgrade_available"] != "0" {
				t.Errorf("the refused slot would be booted: %v", env)
			}
			d.boot()
			d.wantSlot("a")
			d.wantSettings(used)
		})
	}
}

// What Min-From will refuse can be told to Mender, which refuses it before the
// download.
func TestMenderDepends(t *testing.T) {
	d := newMender(t, first, false)
	d.upgrade(second)
	d.boot()
	if r := d.mender("commit"); r.code != 0 {
		t.Fatalf("mender commit exits with %d", r.code)
	}
	before := d.disks["a"].first(t, slotSize)
	r := d.mender("install", d.artifact(late, "--depends", "rootfs-image.version:3.0"))
	if r.code == 0 {
		t.Error("mender install exits with 0")
	}
	d.contains(r.text, "rootfs-image.version")
	if d.disks["a"].first(t, slotSize) != before {
		t.Error("the inactive slot was written")
	}
	if r := d.mender("install", d.artifact(failing, "--depends", "rootfs-image.version:2.0")); r.code != 0 {
		t.Errorf("mender install refuses a release that the Artifact names: exit %d", r.code)
	}
}

// An image whose migration fails is not committed; Mender rolls back, and the
// old slot's runner puts back what the new image has changed.
func TestMenderFallback(t *testing.T) {
	d := newMender(t, first, false)
	d.upgrade(failing)
	if r := d.boot(); r.code != 3 {
		t.Fatalf("the failing image exits with %d", r.code)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
	r := d.mender("commit")
	if r.code == 0 {
		t.Error("mender commit exits with 0")
	}
	d.contains(r.text, "release 3.0: complete but for the calibration")
	d.boot()
	d.wantSlot("a")
	d.wantSettings(used)
	d.upgrade(second)
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the repaired image is not complete: exit %d", r.code)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
}

// A migration that says "not now" (75) makes the commit wait: Mender calls the
// script again after exit 21, until it has what it waits for.
func TestMenderNotNow(t *testing.T) {
	d := newMender(t, first, false)
	d.upgrade(waiting)
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the waiting image exits with %d", r.code)
	}
	d.run("sh", "-c", "(sleep 2; touch /run/network) >/dev/null 2>&1 &")
	r := d.mender("commit")
	if r.code != 0 {
		t.Fatalf("mender commit exits with %d", r.code)
	}
	d.contains(r.text, "migrations: not now: a migration still waits")
	if state := d.expectStatus(); state != "complete" {
		t.Errorf("the device is %s after the commit", state)
	}
	d.expect(0, "test", "-e", "/var/lib/thermo/registered")
}

// Another runner at work (exit 8) makes the commit wait, too.
func TestMenderLocked(t *testing.T) {
	d := newMender(t, first, false)
	d.upgrade(waiting)
	d.boot()
	d.expect(0, "touch", "/run/network")
	lock, err := os.Open(d.data + "/var/lib/migration/lock")
	if err == nil {
		defer lock.Close()
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(2*time.Second, func() { syscall.Flock(int(lock.Fd()), syscall.LOCK_UN) })
	r := d.mender("commit")
	if r.code != 0 {
		t.Fatalf("mender commit exits with %d", r.code)
	}
	d.contains(r.text, "another runner is at work", "migrations: not now: a migration still waits")
	if state := d.expectStatus(); state != "complete" {
		t.Errorf("the device is %s after the commit", state)
	}
}

// What it waits for never comes: Mender rolls back.
func TestMenderNotNowForEver(t *testing.T) {
	d := newMender(t, first, false)
	d.upgrade(waiting)
	d.boot()
	conf := d.dir + "/mender.conf"
	d.write(conf, strings.NewReplacer(": 60", ": 1", ": 1800", ": 3").Replace(mender.read(t, "mender.conf")))
	d.bind(conf, "/etc/mender/mender.conf")
	if r := d.mender("commit"); r.code == 0 {
		t.Error("mender commit exits with 0")
	}
	d.boot()
	d.wantSlot("a")
	d.wantSettings(used)
}

// A slot that owns its data gets a migrated copy of it before Mender boots it.
func TestMenderSlotOwnsData(t *testing.T) {
	d := newMender(t, first, true)
	r := d.mender("install", d.artifact(second))
	if r.code != 0 {
		t.Fatalf("mender install exits with %d", r.code)
	}
	d.contains(r.text, "1/1 thermo:celsius: applied")
	d.wantSettings(used)
	if r := d.boot(); r.code != 0 || strings.Contains(r.text, "celsius") {
		t.Fatalf("the first boot still had something to do: exit %d\n%s", r.code, r.text)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
	if r := d.mender("commit"); r.code != 0 {
		t.Fatalf("mender commit exits with %d", r.code)
	}
	if r = d.mender("install", d.artifact(failing)); r.code == 0 {
		t.Error("a slot with data that could not be migrated was installed")
	}
	d.contains(r.text, "1/1 thermo:calibrate: failed", "migrations: refused: the slot's data could not be migrated (exit 3)")
	d.boot()
	d.wantSlot("b")
}
