// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meta-migration/tests/machine"
)

// These boots run the runner from the initramfs, by the module for oe-core's
// initramfs-framework.

const moduleFile = "target/migrate-runner/dist/migration.initramfs"

// framework is the initramfs-framework of an openembedded-core that
// tests/oe/setup.sh has fetched; "" for none.
func framework() string {
	cache := os.Getenv("OE_CACHE")
	if cache == "" {
		cache = "/var/cache/meta-migration/oe"
	}
	dir := filepath.Join(cache, "core-master/meta/recipes-core/initrdscripts/initramfs-framework")
	if _, err := os.Stat(dir + "/init"); err != nil {
		return ""
	}
	return dir
}

// A moduleSet is what an initramfs of modules holds: name and text.
type moduleSet map[string]string

// modules are those of oe-core where it is there, else ones that keep its
// calling convention; then the product's own mounts, and the runner's.
func modules(t *testing.T) moduleSet {
	t.Helper()
	set := moduleSet{"init": guest(t, "framework/init"), "init.d/90-rootfs": guest(t, "framework/rootfs"), "init.d/99-finish": guest(t, "framework/finish")}
	if dir := framework(); dir != "" {
		t.Log("the initramfs-framework is oe-core's")
		for name, from := range map[string]string{"init": "init", "init.d/90-rootfs": "rootfs", "init.d/99-finish": "finish"} {
			data, err := os.ReadFile(filepath.Join(dir, from))
			must(t, err)
			set[name] = string(data)
		}
	}
	for _, name := range []string{"00-devices", "20-unlock", "92-mounts"} {
		set["init.d/"+name] = guest(t, "framework/"+name)
	}
	module, err := os.ReadFile(filepath.Join(moduleDir(t), moduleFile))
	must(t, err)
	set["init.d/95-migration"] = string(module)
	return set
}

// initrd makes the initramfs. more are files of this machine, with what they
// need, by their path.
func (set moduleSet) initrd(t *testing.T, k *machine.Kernel, more map[string]string, kernel ...string) string {
	t.Helper()
	var a machine.Archive
	for _, dir := range []string{"bin", "dev", "proc", "sys", "run", "etc", "modules", "init.d", "lib64", "usr", "usr/lib"} {
		a.Dir(dir)
	}
	box, err := os.ReadFile(busybox())
	must(t, err)
	a.Program("bin/busybox", box)
	list, err := exec.Command(busybox(), "--list").Output()
	must(t, err)
	for _, applet := range strings.Fields(string(list)) {
		if applet != "busybox" {
			a.Link("bin/"+applet, "busybox")
		}
	}
	a.Program("bin/mountpoint", []byte(mountpoint))
	a.Link("sbin", "bin")
	addModules(t, &a, k, append([]string{"virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "squashfs", "overlay"}, kernel...)...)
	for name, text := range set {
		a.Program(name, []byte(text))
	}
	for name, from := range more {
		data, err := os.ReadFile(from)
		must(t, err)
		a.Program(name, data)
	}
	a.Add("dev/console", 0o020600, nil)
	path := filepath.Join(scratch(t), "initrd")
	must(t, os.WriteFile(path, a.Bytes(), 0o644))
	return path
}

const frameworkBoot = "root=/dev/vda rootfstype=squashfs ro init_fatal_reboot init=" + busyboxInit

// TestInitramfs: the migrations are run before switch_root; the init script of
// the root finds nothing to do. A failing one leaves the boot to go on.
func TestInitramfs(t *testing.T) {
	t.Parallel()
	d := newDevice(t, none, nil)
	initrd := modules(t).initrd(t, d.kernel, nil)
	r1 := &release{version: "1.0", snippets: []snippet{works("demo:one", "")}}
	a, b := small(r1).build(t), small(r1.again("2.0", fails("demo:two", ""))).build(t)

	r := d.boot(boot{image: a, initrd: initrd, append: frameworkBoot, script: "ledger\nfile /data/log\noff"})
	r.states("complete", "demo:one", "applied")
	r.section("file /data/log", "demo-one\n")
	before := r.before("vm: mounted by the root")
	if !strings.Contains(before, "migrate-runner: 1/1 demo:one: applied") || before == r.console {
		t.Errorf("the runner has not run in the initramfs:\n%s", r.console)
	}
	if strings.Count(r.console, "migrate-runner: ") != strings.Count(before, "migrate-runner: ") {
		t.Error("the runner was started again by the root's init script")
	}

	// Nothing to do: no process.
	r = d.boot(boot{image: a, initrd: initrd, append: frameworkBoot, script: "ledger\noff"})
	r.states("complete", "demo:one", "applied")
	if strings.Contains(r.before("@@ "), "migrate-runner: ") {
		t.Errorf("the runner was started with nothing to do:\n%s", r.console)
	}

	// A failure is seen, and tried again, in the root.
	r = d.boot(boot{image: b, initrd: initrd, append: frameworkBoot, script: "ledger\noff"})
	r.states("failed", "demo:one", "applied", "demo:two", "failed")
	r.says("(attempt 1 of 3)", "migrate-runner: exit 3: going on degraded", "(attempt 2 of 3)", "vm: the services start")
}

// TestInitramfsPowerCut cuts the power there, and lets the runner finish.
func TestInitramfsPowerCut(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, none, nil)
	initrd := modules(t).initrd(t, d.kernel, nil)
	image := small(slow(3, 2)).build(t)
	for _, name := range []string{"m1", "m3"} {
		s := d.start(boot{image: image, initrd: initrd, append: frameworkBoot, script: "off"})
		d.wait(s, name+" is in its midst")
		s.kill()
	}
	r := d.boot(boot{image: image, initrd: initrd, append: frameworkBoot, script: "ledger\nsection whole\ncat /etc/m?.conf\noff"})
	checkWhole(t, r, 3)
}

// TestInitramfsReboot: the failure state, there.
func TestInitramfsReboot(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, none, nil)
	image := small(&release{version: "1.0", options: []string{"--failure-state", "reboot"},
		snippets: []snippet{fails("demo:two", "Attempts: 2")}}).build(t)
	r := d.boot(boot{image: image, initrd: modules(t).initrd(t, d.kernel, nil), append: frameworkBoot, reboot: true, script: "ledger\noff"})
	r.states("failed", "demo:two", "failed")
	r.says("(attempt 1 of 2)", "exit 3: booting again", "(attempt 2 of 2)", "another boot would not help, going on degraded")
	if n := strings.Count(r.console, "vm: the services start"); n != 1 {
		t.Errorf("the services were started %d times, want 1", n)
	}
}

// TestInitramfsEncrypted: the root is on an encrypted device, which the
// initramfs unlocks; the runner needs no key of its own.
func TestInitramfsEncrypted(t *testing.T) {
	full(t)
	t.Parallel()
	d := newDevice(t, none, nil)
	base := rootfs(t, bookworm)
	more := map[string]string{"bin/cryptsetup": base + "/usr/sbin/cryptsetup"}
	libraries(t, base, more)
	initrd := modules(t).initrd(t, d.kernel, more, "dm_mod", "dm_crypt", "ecb", "xts", "cbc", "essiv", "algif_skcipher", "sha256_generic")
	r1 := &release{version: "1.0", snippets: []snippet{works("demo:one", "")}}
	im := small(r1)
	im.format = "ext4"
	crypt := filepath.Join(d.dir, "crypt")
	must(t, os.WriteFile(crypt, nil, 0o600))
	must(t, os.Truncate(crypt, 64<<20))
	b := boot{image: im.build(t), initrd: initrd, extra: []string{crypt}, script: "section root\ncat /proc/mounts\nledger\nfile /data/log\noff",
		append: "root=/dev/mapper/root rootfstype=ext4 vm.factory init_fatal_reboot init=" + busyboxInit}
	r := d.boot(b)
	r.section("root", "/dev/mapper/root / ext4")
	r.states("complete", "demo:one", "applied")
	if !strings.Contains(r.before("vm: mounted by the root"), "migrate-runner: 1/1 demo:one: applied") {
		t.Errorf("the runner has not run in the initramfs:\n%s", r.console)
	}
	b.append = strings.Replace(b.append, "vm.factory ", "", 1)
	r = d.boot(b)
	r.section("root", "/dev/mapper/root / ext4")
	r.section("file /data/log", "demo-one\n")
}

// libraries adds what cryptsetup of the root file system is linked with.
func libraries(t *testing.T, base string, more map[string]string) {
	t.Helper()
	out, err := exec.Command("chroot", base, "ldd", "/usr/sbin/cryptsetup").CombinedOutput()
	if err != nil {
		t.Skipf("skipping: what cryptsetup needs is not known: %v: %s", err, out)
	}
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/lib64/") {
			more[word[1:]] = resolve(t, base, word)
		} else if strings.HasPrefix(word, "/") {
			more["usr/lib/"+filepath.Base(word)] = resolve(t, base, word)
		}
	}
}

// resolve follows links inside of the root file system.
func resolve(t *testing.T, base, path string) string {
	t.Helper()
	out, err := exec.Command("chroot", base, "readlink", "-f", path).Output()
	must(t, err)
	return base + strings.TrimSpace(string(out))
}
