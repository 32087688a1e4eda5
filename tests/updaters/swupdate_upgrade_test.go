// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"strings"
	"testing"
)

// What the image will do is said before, done at its first boot, and kept when
// the slot is marked good.
func TestSwupdateGoodUpgrade(t *testing.T) {
	d := newSwupdate(t, first)
	r := d.update(second, nil)
	if r.code != 0 {
		t.Fatalf("swupdate exits with %d", r.code)
	}
	d.contains(r.text, "run thermo:celsius", "migrations: this device may have the image")
	d.wantSettings(used)
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the new image is not complete: exit %d", r.code)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
	d.markGood()
	env := d.env.read()
	if env["upgrade_available"] != "0" || env["ustate"] != "0" {
		t.Errorf("the slot is not marked good: %v", env)
	}
	// Kept: the older image finds data that it does not put back.
	d.env.set("boot_slot", "a")
	d.boot()
	d.wantSlot("a")
	d.wantSettings("unit = c\n")
}

// A refused image is not written.
func TestSwupdateRefuses(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			d := newSwupdate(t, c.have)
			if c.damaged {
				d.damageLedger()
			}
			r := d.update(c.image, nil)
			if r.code == 0 {
				t.Error("swupdate exits with 0")
			}
			d.contains(r.text, c.reason)
			d.wantUnwritten("b")
			d.wantSettings(used)
			if env := d.env.read(); env["boot_slot"] != "a" || env["upgrade_available"] != "0" {
				t.Errorf("the refused slot would be booted: %v", env)
			}
		})
	}
}

// A streamed image is in its slot before anybody can ask it; then it is refused
// before U-Boot is told.
func TestSwupdateRefusesStreamed(t *testing.T) {
	d := newSwupdate(t, first)
	r := d.update(late, func(name, text string) string {
		return strings.ReplaceAll(text, `type = "raw";`, `type = "raw"; installed-directly = true;`)
	})
	if r.code == 0 {
		t.Error("swupdate exits with 0")
	}
	d.contains(r.text, refusals[0].reason)
	d.boot()
	d.wantSlot("a")
	d.wantSettings(used)
}

// A slot whose migration fails is not marked good; U-Boot comes back to the old
// slot, and its runner puts back what the new image has changed.
func TestSwupdateFallback(t *testing.T) {
	d := newSwupdate(t, first)
	if r := d.update(failing, nil); r.code != 0 {
		t.Fatalf("swupdate exits with %d", r.code)
	}
	for d.boot(); d.slot == "b"; d.boot() {
		d.wantFailed()
	}
	d.wantSettings(used)
	d.markGood()
	if r := d.update(second, nil); r.code != 0 {
		t.Fatalf("swupdate exits with %d", r.code)
	}
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the repaired image is not complete: exit %d", r.code)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
}

// A slot that owns its data gets a migrated copy of it before U-Boot is told.
func TestSwupdateSlotOwnsData(t *testing.T) {
	owns := func(name, text string) string {
		return strings.Replace(text, "slot_owns_data=no", "slot_owns_data=yes", 1)
	}
	owning := first
	owning.rootfs = map[string]string{settings: used}
	need(t, "swupdate", "cpio", "openssl", "fw_setenv")
	d := &countDevice{newDevice(t, owning.image(t, swupdate))}
	d.owns = true
	d.env.set("boot_slot", "a", "upgrade_available", "0")
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the factory's image is not complete: exit %d", r.code)
	}
	r := d.update(second, owns)
	if r.code != 0 {
		t.Fatalf("swupdate exits with %d", r.code)
	}
	d.contains(r.text, "1/1 thermo:celsius: applied")
	d.wantSettings(used)
	if r := d.boot(); r.code != 0 || strings.Contains(r.text, "celsius") {
		t.Fatalf("the first boot still had something to do: exit %d\n%s", r.code, r.text)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
	d.markGood()
	if r = d.update(failing, owns); r.code == 0 {
		t.Error("a slot with data that could not be migrated was installed")
	}
	d.contains(r.text, "1/1 thermo:calibrate: failed", "migrations: refused: the slot's data could not be migrated (exit 3)")
	d.boot()
	d.wantSlot("b")
}
