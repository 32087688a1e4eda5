// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"os"
	"strings"
	"testing"
)

func (d *raucDevice) upgrade(r release) {
	d.t.Helper()
	got, _ := d.install(d.bundle(r, nil))
	if got.code != 0 {
		d.t.Fatalf("rauc install exits with %d", got.code)
	}
}

// What the image will do is said before, done at its first boot, and kept when
// RAUC marks the slot good: going back is then a downgrade, not a fallback.
func TestRaucGoodUpgrade(t *testing.T) {
	d := newRauc(t, first)
	r, log := d.install(d.bundle(second, nil))
	if r.code != 0 {
		t.Fatalf("rauc install exits with %d", r.code)
	}
	d.contains(log, "# run thermo:celsius", "# migrations: this device may have the image")
	d.wantSettings(used)
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the new image is not complete: exit %d", r.code)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
	d.markGood()
	if left := d.env.get("BOOT_b_LEFT"); left != "3" {
		t.Errorf("slot b has %s attempts left after mark-good", left)
	}
	d.expect(0, "rauc", "status", "mark-active", "other")
	d.boot()
	d.wantSlot("a")
	d.wantSettings("unit = c\n")
}

// A device in the field knows nothing of migrations: its image has no runner and
// no handler, and there is no record. The bundle brings the hook, which asks.
func TestRaucFirstRunner(t *testing.T) {
	need(t, "rauc", "dbus-daemon", "mksquashfs", "openssl", "fw_setenv")
	needFilesystem(t, "ext4", "squashfs")
	d := &raucDevice{device: newDevice(t, without.image(t, rauc))}
	if err := os.Remove(d.data + "/var/lib/migration"); err != nil {
		t.Fatal(err)
	}
	d.env.set("BOOT_ORDER", "a b", "BOOT_a_LEFT", "3", "BOOT_b_LEFT", "3")
	d.write(d.data+settings, used)
	d.boot()
	d.withoutHandler()
	r, log := d.install(d.bundle(late, nil))
	if r.code == 0 {
		t.Error("rauc install exits with 0")
	}
	d.contains(log, "the device has no record of any release; this image, 4.0, needs at least 3.0")
	d.wantUnwritten("b")
	d.upgrade(second)
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the new image is not complete: exit %d", r.code)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
}

// refusals are what a check ends with, on a device of release 1.0 or as said.
var refusals = []struct {
	name    string
	have    release // installed before, beside 1.0
	image   release
	damaged bool // the device's ledger
	reason  string
}{
	{"MinFrom", first, late, false, "migrations: refused: this device is too old for the image: the device was last complete with release 1.0; this image, 4.0, needs at least 3.0; install release 3.0 first, then this one"},
	{"Downgrade", second, strict, false, "migrations: refused: the data is newer than the image allows: the data was migrated by a newer image (thermo:celsius) and On-Downgrade is refuse; install the newer image again"},
	{"Untrusted", first, broken, false, "migrations: refused: the image's migrations are not as they were built: "},
	{"State", second, failing, true, "migrations: refused: the record of this device cannot be used: "},
	{"NoRunner", first, without, false, "migrations: refused: the image has no migrate-runner"},
}

// damageLedger makes the device's record unreadable.
func (d *device) damageLedger() {
	d.t.Helper()
	path := d.data + "/var/lib/migration/ledger"
	data, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	data[10] ^= 1
	d.write(path, string(data))
}

// Both the handler of the installed image and the hook of the bundle refuse
// before anything is written, and `rauc install` shows the hook's reason.
func TestRaucRefuses(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			d := newRauc(t, c.have)
			if c.damaged {
				d.damageLedger()
			}
			bundle := d.bundle(c.image, nil)
			r, log := d.install(bundle)
			if r.code == 0 {
				t.Error("rauc install exits with 0")
			}
			d.contains(log, c.reason, "Pre-install handler error")
			if strings.Contains(log, "Running bundle hook") {
				t.Error("the handler let the bundle pass")
			}
			d.wantUnwritten("b")
			d.wantSettings(used)
			d.withoutHandler()
			r, _ = d.install(bundle)
			if r.code == 0 {
				t.Error("rauc install exits with 0")
			}
			d.contains(r.text, "Bundle rejected: Hook returned: "+c.reason)
			d.wantUnwritten("b")
		})
	}
}

// withoutHandler makes the installed image one that knows nothing of migrations.
func (d *raucDevice) withoutHandler() {
	d.t.Helper()
	conf := d.dir + "/system.conf"
	d.write(conf, strings.Replace(rauc.read(d.t, "system.conf"), "pre-install=", "# ", 1))
	d.bind(conf, "/etc/rauc/system.conf")
	d.stopServices()
	d.service()
}

// postInstall lets RAUC call the hook when the slot is written.
func postInstall(name, text string) string {
	if name == "manifest.raucm" {
		return text + "hooks=post-install\n"
	}
	return text
}

// An image that cannot be asked in the bundle is asked in its slot, and the slot
// is not activated.
func TestRaucRefusesWritten(t *testing.T) {
	d := newRauc(t, first)
	d.withoutHandler()
	r, log := d.install(d.bundle(late, func(name, text string) string {
		return postInstall(name, strings.Replace(text, "hooks=install-check\n", "", 1))
	}))
	if r.code == 0 {
		t.Error("rauc install exits with 0")
	}
	d.contains(log, refusals[0].reason)
	d.boot()
	d.wantSlot("a")
	d.wantSettings(used)
}

// A bundle in which the handler finds nothing to ask is not waved through.
func TestRaucRefusesUnasked(t *testing.T) {
	d := newRauc(t, first)
	conf := d.dir + "/system.conf"
	d.write(conf, strings.ReplaceAll(rauc.read(t, "system.conf"), "slot.rootfs.", "slot.other."))
	d.bind(conf, "/etc/rauc/system.conf")
	d.stopServices()
	d.service()
	r, log := d.install(d.bundle(second, func(name, text string) string {
		return strings.Replace(text, "[image.rootfs]", "[image.other]", 1)
	}))
	if r.code == 0 {
		t.Error("rauc install exits with 0")
	}
	d.contains(log, "migrations: refused: the bundle has no image for a slot of the class rootfs")
	d.wantUnwritten("b")
}

// A slot whose migration fails is not marked good. With the failure state reboot
// the device boots again by itself, until U-Boot comes back to the old slot, whose
// runner puts back what the new image has changed.
func TestRaucFallback(t *testing.T) {
	d := newRauc(t, first)
	d.upgrade(failing)
	for d.boot(); d.slot == "b"; d.boot() {
		d.wantFailed()
	}
	d.wantSlot("a")
	d.wantSettings(used)
	d.markGood()
	d.upgrade(second)
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the repaired image is not complete: exit %d", r.code)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
}

// A slot that owns its data gets a migrated copy of it before it is activated;
// the running slot keeps its own.
func TestRaucSlotOwnsData(t *testing.T) {
	with := func(name, text string) string {
		return postInstall(name, strings.Replace(text, "slot_owns_data=no", "slot_owns_data=yes", 1))
	}
	d := newRaucOwning(t)
	r, log := d.install(d.bundle(second, with))
	if r.code != 0 {
		t.Fatalf("rauc install exits with %d", r.code)
	}
	d.contains(log, "1/1 thermo:celsius: applied")
	d.wantSettings(used)
	if r := d.boot(); r.code != 0 || strings.Contains(r.text, "celsius") {
		t.Fatalf("the first boot still had something to do: exit %d\n%s", r.code, r.text)
	}
	d.wantSlot("b")
	d.wantSettings("unit = c\n")
	d.markGood()
	// A failure ends the installation; the slot is not activated.
	if r, log = d.install(d.bundle(failing, with)); r.code == 0 {
		t.Error("a slot with data that could not be migrated was installed")
	}
	d.contains(log, "1/1 thermo:calibrate: failed", "migrations: refused: the slot's data could not be migrated (exit 3)")
	d.boot()
	d.wantSlot("b")
}
