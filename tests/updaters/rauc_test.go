// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const rauc = example("rauc")

// busConfig is a D-Bus system bus for one device, on which anybody may speak.
const busConfig = `<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
`

// A raucDevice is one whose bootloader is as RAUC's documentation wants it for
// U-Boot: BOOT_ORDER, and attempts left in BOOT_x_LEFT.
type raucDevice struct {
	*device
	log func() string // of rauc.service
}

// newRauc makes a device with a used and complete release in slot a.
func newRauc(t *testing.T, factory release) *raucDevice {
	t.Helper()
	return bootRauc(t, factory, false)
}

// newRaucOwning makes one whose slots own their data.
func newRaucOwning(t *testing.T) *raucDevice {
	t.Helper()
	owning := first
	owning.rootfs = map[string]string{settings: used}
	return bootRauc(t, owning, true)
}

func bootRauc(t *testing.T, factory release, owns bool) *raucDevice {
	t.Helper()
	need(t, "rauc", "dbus-daemon", "mksquashfs", "openssl", "fw_setenv")
	needFilesystem(t, "ext4", "squashfs")
	d := &raucDevice{device: newDevice(t, factory.image(t, rauc))}
	d.owns = owns
	d.env.set("BOOT_ORDER", "a b", "BOOT_a_LEFT", "3", "BOOT_b_LEFT", "3")
	if !owns {
		d.write(d.data+settings, "unit = f\n")
	}
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the factory's image is not complete: exit %d", r.code)
	}
	if !owns {
		d.write(d.data+settings, used)
	}
	d.markGood()
	return d
}

// boot does what U-Boot's script does, and what comes before boot-complete.target:
// the first slot in BOOT_ORDER with attempts left, then the image's runner.
func (d *raucDevice) boot() result {
	d.t.Helper()
	env := d.env.read()
	for _, slot := range strings.Fields(env["BOOT_ORDER"]) {
		if left, _ := strconv.Atoi(env["BOOT_"+slot+"_LEFT"]); left > 0 {
			d.env.set("BOOT_"+slot+"_LEFT", strconv.Itoa(left-1))
			d.start(slot)
			r := d.firstBoot()
			d.service()
			return r
		}
	}
	d.t.Fatal("U-Boot has no slot left to boot")
	return result{}
}

// bundle makes a signed bundle of the release with the example's manifest and
// hook. change edits them. The format is the one that needs no dm-verity, which
// is a matter of the kernel.
func (d *raucDevice) bundle(r release, change func(name, text string) string) string {
	t := d.t
	t.Helper()
	dir := t.TempDir()
	copyAll(t, r.image(t, rauc), dir+"/rootfs.ext4")
	for name, mode := range map[string]os.FileMode{"hook.sh": 0o755, "manifest.raucm": 0o644} {
		text := strings.NewReplacer("@RELEASE@", r.name, "format=verity", "format=plain").Replace(rauc.read(t, name))
		if change != nil {
			text = change(name, text)
		}
		mustWrite(t, filepath.Join(dir, name), text, mode)
	}
	file := filepath.Join(d.data, "update.raucb")
	os.Remove(file)
	cert, key := signer(t)
	host(t, "", "rauc", "--cert", cert, "--key", key, "--keyring", cert, "--mksquashfs-args=-noI -noD -noF -noX", "bundle", dir, file)
	return "/data/update.raucb"
}

// service starts the bus and RAUC's service, as they are on a running system.
func (d *raucDevice) service() {
	t := d.t
	t.Helper()
	if err := os.MkdirAll(d.root+"/run/dbus", 0o755); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, d.root+"/run/bus.conf", busConfig, 0o644)
	bus := d.background("dbus-daemon", "--nofork", "--config-file=/run/bus.conf")
	d.waitFor("/run/dbus/system_bus_socket")
	d.log = d.background("rauc", "service")
	// The service owns its name on the bus a moment after it was started.
	for deadline := time.Now().Add(2 * time.Minute); d.command("rauc", "status").Run() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("RAUC's service does not come up:\n%s%s", d.log(), bus())
		}
	}
}

// install installs a bundle and returns what `rauc install` said, and what the
// service wrote to its log.
func (d *raucDevice) install(bundle string) (result, string) {
	d.t.Helper()
	before := len(d.log())
	r := d.run("rauc", "install", bundle)
	// What the service wrote last reaches the log after its client has ended.
	text := d.log()[before:]
	for end := time.Now().Add(10 * time.Second); !strings.Contains(text, "installing `"+bundle+"` ") && time.Now().Before(end); text = d.log()[before:] {
		time.Sleep(10 * time.Millisecond)
	}
	d.t.Logf("log of rauc.service:\n%s", text)
	return r, text
}

// markGood is rauc-mark-good.service with the example's drop-in.
func (d *raucDevice) markGood() {
	d.t.Helper()
	d.expect(0, "rauc", "status", "mark-good")
	d.unitLines("/usr/lib/systemd/system/rauc-mark-good.service.d/migrations.conf", "ExecStartPost")
}
