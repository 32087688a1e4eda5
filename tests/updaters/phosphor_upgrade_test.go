// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"os"
	"strings"
	"testing"
)

func TestPhosphorGoodUpgrade(t *testing.T) {
	d := newBmc(t, first)
	r := d.flash(second)
	d.contains(r.text, "run thermo:celsius", "migrations: this device may have the image", "obmc-update: --clean-saved-files")
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the new image is not complete: exit %d", r.code)
	}
	d.wantSettings("unit = c\n")
	d.contains(d.expect(0, "cat", "/etc/os-release"), "VERSION_ID=2.0")
	d.contains(d.expect(0, "migrate-runner", "status"), "is on a writable overlay")
}

// A refused image is not flashed, and does not stay to be tried again.
func TestPhosphorRefuses(t *testing.T) {
	for _, c := range refusals {
		if c.damaged {
			continue // as with the other updaters, which share the lines that judge
		}
		t.Run(c.name, func(t *testing.T) {
			d := newBmc(t, c.have)
			before := d.disks["rofs"].first(t, slotSize)
			r := d.flash(c.image)
			d.contains(r.text, c.reason, "obmc-update: --clean-saved-files")
			if d.disks["rofs"].first(t, slotSize) != before {
				t.Error("the refused image was flashed")
			}
			if r := d.boot(); r.code != 0 {
				t.Fatalf("the old image exits with %d", r.code)
			}
			d.wantSettings(used)
			d.contains(d.expect(0, "cat", "/var/log/update-refused"), c.reason)
		})
	}
}

// There is one slot: after a failure the device is degraded until an image is
// flashed that repairs it, or the old one, whose runner puts back what the
// failing image has changed.
func TestPhosphorFallback(t *testing.T) {
	d := newBmc(t, first)
	d.flash(failing)
	if r := d.boot(); r.code != 3 {
		t.Fatalf("the failing image exits with %d", r.code)
	}
	d.wantSettings("unit = c\n")
	r := d.flash(first)
	d.contains(r.text, "put-back of a fallback: thermo:celsius")
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the old image exits with %d", r.code)
	}
	d.wantSettings(used)
}

// What is kept when rwfs is cleaned has the record with the data.
func TestPhosphorWhitelist(t *testing.T) {
	top := t.TempDir()
	installInitramfs(t, top)
	data, err := os.ReadFile(top + "/whitelist")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(data), "/etc/machine-id\n/var/lib/thermo\n/var/lib/migration\n"; got != want {
		t.Errorf("kept is\n%swant\n%s", got, want)
	}
}

// With two sides in an eMMC the side is asked before it becomes the one that
// boots: by the drop-in, when obmc-flash-bmc has unpacked the image into it and
// has noted which side that is.
func TestPhosphorTwoSides(t *testing.T) {
	need(t)
	const sides = example("phosphor/")
	for _, c := range []struct {
		image  release
		code   int
		reason string
	}{
		{second, 0, "migrations: this device may have the image"},
		{late, 5, refusals[0].reason},
	} {
		d := newDevice(t, first.image(t, sides))
		d.start("a")
		d.write(d.data+settings, used)
		d.firstBoot()
		d.disks["b"].write(t, c.image.image(t, sides))
		mustWrite(t, d.data+"/var/lib/phosphor-bmc-code-mgmt/0f5ee7ac/partlabel", "b\n", 0o644)
		if err := os.MkdirAll(d.root+"/dev/disk/by-partlabel", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../../mmcblk0p3", d.root+"/dev/disk/by-partlabel/rofs-b"); err != nil {
			t.Fatal(err)
		}
		text := phosphor.read(t, "obmc-flash-mmc-setprimary@.service.d/migrations.conf")
		_, line, _ := strings.Cut(text, "\nExecStartPre=")
		words := strings.Fields(strings.ReplaceAll(line, "%i", "0f5ee7ac"))
		d.contains(d.expect(c.code, words[0], words[1:]...), c.reason)
	}
}
