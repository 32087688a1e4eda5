// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const phosphor = example("phosphor")

// obmcUpdate stands where obmc-phosphor-initfs has its own: it is called with
// the options of the initramfs, finds images in /run/initramfs, writes each to the
// mtd partition of its name, and removes it.
const obmcUpdate = `#!/bin/sh
for image in /run/initramfs/image-*; do
    [ -s "$image" ] || continue
    name=$(grep -xl "${image##*/image-}" /sys/class/mtd/*/name)
    name=${name%/name}
    cat "$image" > "/dev/mtdblock${name##*/mtd}" && sync && rm "$image"
done
echo "obmc-update: $*"
`

// A bmc has the static layout: one flash with a squashfs in rofs and the upper
// layer of an overlay over all of it in rwfs.
type bmc struct {
	*device
	initramfs string
	ro, rw    string // where the partitions are mounted
}

// squashfs packs the release as the static layout has it.
func (r release) squashfs(t *testing.T) string {
	t.Helper()
	return r.packed(t, phosphor, func(tree, file string) {
		host(t, "", "mksquashfs", tree, file, "-quiet", "-no-progress", "-noI", "-noD", "-noF", "-noX")
	})
}

// newBmc makes a device with a used and complete release.
func newBmc(t *testing.T, factory release) *bmc {
	t.Helper()
	need(t, "mksquashfs")
	needFilesystem(t, "ext4", "squashfs", "overlay")
	dir := t.TempDir()
	d := &bmc{
		device:    &device{t: t, dir: dir, root: dir + "/root", disks: map[string]*disk{}, slot: "rofs"},
		initramfs: dir + "/initramfs", ro: dir + "/ro", rw: dir + "/rw",
	}
	for _, sub := range []string{d.root, d.ro, d.rw, d.initramfs} {
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { d.unmount(dir) })
	d.disks["rofs"] = newDisk(t, dir+"/rofs.img", "/dev/mtdblock4", slotSize)
	d.disks["rwfs"] = newDisk(t, dir+"/rwfs.img", "/dev/mtdblock5", dataSize)
	host(t, "", "mke2fs", "-q", "-t", "ext4", "/dev/mtdblock5")
	d.disks["rofs"].write(t, factory.squashfs(t))
	d.mount("/dev/mtdblock5", d.rw, "ext4", 0, "")
	mustWrite(t, d.rw+"/cow"+settings, used, 0o644)
	if r := d.boot(); r.code != 0 {
		t.Fatalf("the factory's image is not complete: exit %d", r.code)
	}
	mustWrite(t, d.root+settings, used, 0o644)
	d.expect(0, "migrate-runner", "confirm") // by migration-confirm.service
	return d
}

// boot mounts what the initramfs's init does, and runs the image's runner.
func (d *bmc) boot() result {
	d.t.Helper()
	d.unmount(d.dir)
	d.mount("/dev/mtdblock4", d.ro, "squashfs", syscall.MS_RDONLY, "")
	d.mount("/dev/mtdblock5", d.rw, "ext4", 0, "")
	for _, sub := range []string{"/cow", "/work"} {
		if err := os.MkdirAll(d.rw+sub, 0o755); err != nil {
			d.t.Fatal(err)
		}
	}
	d.mount("cow", d.root, "overlay", 0, "lowerdir="+d.ro+",upperdir="+d.rw+"/cow,workdir="+d.rw+"/work")
	d.mount("proc", d.root+"/proc", "proc", 0, "")
	d.mount("tmpfs", d.root+"/dev", "tmpfs", 0, "mode=755")
	d.mount("tmpfs", d.root+"/run", "tmpfs", 0, "mode=755")
	d.makeDev()
	return d.firstBoot()
}

// flash shuts the system down with the release's image staged: systemd has
// changed the root to the initramfs in /run/initramfs, whose shutdown script has
// unmounted the old system and calls /run/initramfs/update.
func (d *bmc) flash(r release) result {
	t := d.t
	t.Helper()
	image := r.squashfs(t)
	d.unmount(d.dir)
	top := d.initramfs
	for _, dir := range []string{"bin", "sbin", "usr/bin", "usr/libexec", "proc", "sys", "dev", "run/initramfs"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Lstat(top + "/bin/busybox"); err != nil {
		addPrograms(t, top)
	}
	installInitramfs(t, top)
	d.mount("proc", top+"/proc", "proc", 0, "")
	d.mount("tmpfs", top+"/dev", "tmpfs", 0, "mode=755")
	d.mount("tmpfs", top+"/sys", "tmpfs", 0, "mode=755")
	// As init does: the initramfs's files are in /run/initramfs, too.
	d.mount("tmpfs", top+"/run", "tmpfs", 0, "mode=755")
	for _, name := range []string{"update", "usr", "bin"} {
		if err := os.MkdirAll(top+"/run/initramfs", 0o755); err != nil {
			t.Fatal(err)
		}
		copyAll(t, filepath.Join(top, name), filepath.Join(top, "run/initramfs", name))
	}
	copyAll(t, image, top+"/run/initramfs/image-rofs")
	for name, label := range map[string]string{"mtd4": "rofs", "mtd5": "rwfs"} {
		mustWrite(t, top+"/sys/class/mtd/"+name+"/name", label+"\n", 0o644)
	}
	d.root, top = top, d.root
	defer func() { d.root = top }()
	d.makeDev()
	got := d.run("/run/initramfs/update", "--clean-saved-files")
	if _, err := os.Lstat(d.root + "/run/initramfs/image-rofs"); err == nil {
		t.Error("the image is left in /run/initramfs: the next shutdown would try it again")
	}
	return got
}

// installInitramfs does what the recipe obmc-phosphor-initfs does with the
// example's bbappend.
func installInitramfs(t *testing.T, top string) {
	t.Helper()
	mustWrite(t, top+"/update", obmcUpdate, 0o755)
	mustWrite(t, top+"/whitelist", "/etc/machine-id\n", 0o644)
	_, body, _ := strings.Cut(phosphor.read(t, "obmc-phosphor-initfs.bbappend"), "\ndo_install:append() {\n")
	body, _, found := strings.Cut(body, "\n}\n")
	if !found {
		t.Fatal("the bbappend has no do_install:append")
	}
	body = strings.ReplaceAll(body, "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}", "$UNPACKDIR")
	here, err := filepath.Abs(phosphor.dir())
	if err != nil {
		t.Fatal(err)
	}
	hostEnv(t, "", []string{"D=" + top, "UNPACKDIR=" + here, "libexecdir=/usr/libexec"}, "/bin/sh", "-ec", body)
}
