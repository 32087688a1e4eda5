// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"meta-migration/tests/machine"
)

// Sizes of a disk, in bytes. What is behind the file system is the guest's
// place to say that the runner has ended.
const (
	fsSize   = 32 << 20
	diskSize = fsSize + 1<<20
	logSize  = 1 << 30 // sparse
)

const markText = "MARK "

// A guestMachine is what one boot needs.
type guestMachine struct {
	kernel  *machine.Kernel
	busybox string
	disks   []*disk
}

// guest is the machine's init. For each disk it runs the runner, and then
// says so on the disk itself, behind the file system, so that the claim has
// its place among the writes. On a quiet disk nothing is written back but what
// the runner syncs; on a busy one something else syncs all the time, so that
// half of a migration's work is on the disk, too.
const guest = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mkdir -p /tmp
for module in /modules/*; do /bin/busybox insmod $module || echo "FAULT insmod $module"; done
for block in /sys/block/vd*; do
    read -r name < $block/serial
    device=/dev/${block##*/}
    /bin/busybox mkdir -p /mnt/$name
    /bin/busybox mount -t ext4 -o commit=60 $device /mnt/$name || echo "FAULT mount $name"
    busy=
    case $name in
    *-busy)
        while :; do /bin/busybox sync; /bin/busybox usleep 2000; done &
        busy=$! ;;
    esac
    /runners/$name run --root /mnt/$name
    exit=$?
    [ -z "$busy" ] || kill $busy
    echo "MARK $exit" | /bin/busybox dd of=$device bs=4096 seek=%d conv=sync,fsync,notrunc 2>/dev/null || echo "FAULT mark $name"
    echo "RAN $name $exit"
    /bin/busybox umount /mnt/$name || echo "FAULT umount $name"
done
echo "ENDS"
/bin/busybox sync
/bin/busybox poweroff -f
`

func (m *guestMachine) initramfs() ([]byte, error) {
	var a machine.Archive
	for _, dir := range []string{"bin", "proc", "sys", "dev", "mnt", "modules", "programs", "runners"} {
		a.Dir(dir)
	}
	names := map[string]string{m.busybox: "bin/busybox"}
	for i, d := range m.disks {
		if names[d.runner] == "" {
			names[d.runner] = fmt.Sprintf("programs/%d", i)
		}
		a.Link("runners/"+d.name, "/"+names[d.runner])
	}
	for path, name := range names {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		a.Program(name, data)
	}
	modules, err := m.kernel.Modules("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")
	if err != nil {
		return nil, err
	}
	for i, mod := range modules {
		a.Add(fmt.Sprintf("modules/%02d-%s", i, mod.Name), 0o100644, mod.Data)
	}
	a.Add("dev/console", 0o020600, nil)
	a.Program("init", []byte(fmt.Sprintf(guest, fsSize/4096)))
	return a.Bytes(), nil
}

// boot runs the machine to its end and reads what it told its disks. dir is
// for its files. On a loaded host an emulated timer can be late enough for the
// kernel to give up before it has started init: then it is booted once more.
func (m *guestMachine) boot(dir string) (console string, err error) {
	for tries := 0; tries < 2; tries++ {
		console, err = m.bootOnce(dir)
		if err == nil || strings.Contains(console, "FAULT") || strings.Contains(console, "RAN") {
			break
		}
	}
	return console, err
}

func (m *guestMachine) bootOnce(dir string) (console string, err error) {
	image, err := m.initramfs()
	if err != nil {
		return "", err
	}
	initrd := filepath.Join(dir, "initrd")
	if err := os.WriteFile(initrd, image, 0o644); err != nil {
		return "", err
	}
	args := append(m.kernel.Args(initrd, "rdinit=/init"), "-no-reboot")
	// The files need not outlive the host: flushes are recorded, not done.
	for i, d := range m.disks {
		file, log := filepath.Join(dir, d.name+".img"), filepath.Join(dir, d.name+".log")
		if err := d.base.writeFile(file, nil); err != nil {
			return "", err
		}
		if err := makeSparse(log, logSize); err != nil {
			return "", err
		}
		args = append(args,
			"-blockdev", fmt.Sprintf("driver=raw,node-name=disk%d,cache.no-flush=on,file.driver=file,file.cache.no-flush=on,file.filename=%s", i, file),
			"-blockdev", fmt.Sprintf("driver=raw,node-name=log%d,cache.no-flush=on,file.driver=file,file.cache.no-flush=on,file.filename=%s", i, log),
			"-blockdev", fmt.Sprintf("driver=blklogwrites,node-name=seen%d,file=disk%d,log=log%d,log-sector-size=512,log-super-update-interval=1", i, i, i),
			"-device", fmt.Sprintf("virtio-blk-pci,drive=seen%d,serial=%s", i, d.name))
	}
	limit, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(limit, machine.Qemu, args...).CombinedOutput()
	console = string(out)
	if err != nil {
		return console, fmt.Errorf("running qemu: %w", err)
	}
	if strings.Contains(console, "FAULT") || !strings.Contains(console, "ENDS") {
		return console, fmt.Errorf("running the machine: it did not come to its end")
	}
	for _, d := range m.disks {
		if err := d.read(filepath.Join(dir, d.name+".log"), console); err != nil {
			return console, err
		}
	}
	return console, nil
}
