// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const swupdate = example("swupdate")

// A countDevice is one whose U-Boot counts the boots of a new slot
// (CONFIG_BOOTCOUNT_LIMIT) and has an altbootcmd that goes back to the other.
type countDevice struct{ *device }

// bootlimit is how often U-Boot tries a new slot.
const bootlimit = 2

var otherSlot = map[string]string{"a": "b", "b": "a"}

// ubootCounts is what U-Boot does before it boots: it returns the slot. slot is
// the variable that names it, and what it is for the slots a and b.
func (d *device) ubootCounts(slot string, values map[string]string) string {
	d.t.Helper()
	env := d.env.read()
	boot := "a"
	if env[slot] == values["b"] {
		boot = "b"
	}
	if env["upgrade_available"] != "1" {
		return boot
	}
	count, _ := strconv.Atoi(env["bootcount"])
	if count++; count <= bootlimit {
		d.env.set("bootcount", strconv.Itoa(count))
		return boot
	}
	boot = otherSlot[boot]
	d.env.set(slot, values[boot], "upgrade_available", "0", "bootcount", "0")
	return boot
}

// newSwupdate makes a device with a used and complete release in slot a.
func newSwupdate(t *testing.T, factory release) *countDevice {
	t.Helper()
	need(t, "swupdate", "cpio", "openssl", "fw_setenv")
	d := &countDevice{newDevice(t, factory.image(t, swupdate))}
	d.env.set("boot_slot", "a", "upgrade_available", "0")
	d.write(d.data+settings, used)
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the factory's image is not complete: exit %d", r.code)
	}
	d.write(d.data+settings, used)
	d.markGood()
	return d
}

func (d *countDevice) boot() result {
	d.t.Helper()
	d.start(d.ubootCounts("boot_slot", map[string]string{"a": "a", "b": "b"}))
	return d.firstBoot()
}

// markGood is swupdate-mark-good.service.
func (d *countDevice) markGood() {
	d.t.Helper()
	d.unitLines("/usr/lib/systemd/system/swupdate-mark-good.service", "ExecStart")
}

// update packs a signed .swu of the release with the example's description, as
// SWUpdate's documentation does, and installs it. change edits a file of it.
func (d *countDevice) update(r release, change func(name, text string) string) result {
	t := d.t
	t.Helper()
	dir := t.TempDir()
	copyAll(t, r.image(t, swupdate), dir+"/rootfs.ext4")
	edit := func(name, text string) string {
		if change != nil {
			return change(name, text)
		}
		return text
	}
	mustWrite(t, dir+"/migrations.sh", edit("migrations.sh", swupdate.read(t, "migrations.sh")), 0o755)
	fill := strings.NewReplacer("@RELEASE@", r.name, "@IMAGE-SHA256@", sum(t, dir+"/rootfs.ext4"), "@SCRIPT-SHA256@", sum(t, dir+"/migrations.sh"))
	mustWrite(t, dir+"/sw-description", fill.Replace(edit("sw-description", swupdate.read(t, "sw-description"))), 0o644)
	cert, key := signer(t)
	host(t, dir, "openssl", "cms", "-sign", "-in", "sw-description", "-out", "sw-description.sig", "-signer", cert, "-inkey", key, "-outform", "DER", "-nosmimecap", "-binary")
	cmd := exec.Command(toolPath("cpio"), "--quiet", "-o", "-H", "crc", "-F", filepath.Join(d.data, "update.swu"))
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader("sw-description\nsw-description.sig\nrootfs.ext4\nmigrations.sh\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cpio: %v\n%s", err, out)
	}
	return d.run("sh", "-c", `. /usr/lib/swupdate/conf.d/09-swupdate-args; swupdate $SWUPDATE_ARGS -i /data/update.swu`)
}

func sum(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}
