// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	slotSize = 24 << 20
	dataSize = 32 << 20
)

// A device has two slots, a partition for the data, and what is booted.
type device struct {
	t        *testing.T
	dir      string
	root     string           // where the booted slot is mounted
	data     string           // where the data partition is mounted
	disks    map[string]*disk // the slots a and b, and data
	env      *ubootEnv
	slot     string   // that is booted: "a" or "b"
	services []func() // end what runs in the background
	owns     bool     // the slot owns its data: it is mounted writable, and /var is its own
}

// nodes are the partitions of the device, as the examples name them.
var nodes = map[string]string{"a": "/dev/mmcblk0p2", "b": "/dev/mmcblk0p3", "data": "/dev/mmcblk0p4"}

// newDevice makes a device with the factory's image in slot a.
func newDevice(t *testing.T, image string) *device {
	t.Helper()
	dir := t.TempDir()
	d := &device{t: t, dir: dir, root: dir + "/root", data: dir + "/data", disks: map[string]*disk{}}
	for _, sub := range []string{d.root, d.data} {
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(d.powerOff)
	for name, size := range map[string]int64{"a": slotSize, "b": slotSize, "data": dataSize} {
		d.disks[name] = newDisk(t, filepath.Join(dir, name+".img"), nodes[name], size)
	}
	d.disks["a"].write(t, image)
	host(t, dir, "mke2fs", "-q", "-t", "ext4", nodes["data"])
	d.mount(nodes["data"], d.data, "ext4", 0, "")
	t.Cleanup(func() { d.unmount(d.data) })
	for _, sub := range []string{"var/lib/migration", "var/lib/thermo", "etc/upper", "etc/work"} {
		if err := os.MkdirAll(filepath.Join(d.data, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d.env = &ubootEnv{t, d.data + "/boot/uboot.env"}
	return d
}

func (d *device) mount(source, target, fs string, flags uintptr, options string) {
	d.t.Helper()
	if err := syscall.Mount(source, target, fs, flags, options); err != nil {
		d.t.Fatalf("mounting %s on %s: %v", source, target, err)
	}
}

// unmount takes away all that is mounted on the directory and below it.
func (d *device) unmount(dir string) {
	data, err := os.ReadFile("/proc/thread-self/mounts")
	if err != nil {
		d.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		f := strings.Fields(lines[i])
		if f[1] == dir || strings.HasPrefix(f[1], dir+"/") {
			if err := syscall.Unmount(f[1], syscall.MNT_DETACH); err != nil {
				d.t.Errorf("unmounting %s: %v", f[1], err)
			}
		}
	}
}

// powerOff ends the running system.
func (d *device) powerOff() {
	d.stopServices()
	d.unmount(d.root)
	d.slot = ""
}

func (d *device) stopServices() {
	for _, end := range d.services {
		end()
	}
	d.services = nil
}

// bind puts a file of the test in place of one of the running system.
func (d *device) bind(file, path string) {
	d.t.Helper()
	d.mount(file, d.root+path, "", syscall.MS_BIND, "")
}

// start mounts a slot as the running system, as an initramfs does. /var is on
// the data partition, unless the slot owns its data.
func (d *device) start(slot string) {
	d.t.Helper()
	d.powerOff()
	flags, bind := uintptr(syscall.MS_RDONLY), uintptr(syscall.MS_BIND|syscall.MS_REC)
	if d.owns {
		flags = 0
	}
	d.mount(nodes[slot], d.root, "ext4", flags, "")
	d.slot = slot
	for _, tmp := range []string{"dev", "run", "tmp", "host"} {
		d.mount("tmpfs", filepath.Join(d.root, tmp), "tmpfs", 0, "mode=755")
	}
	d.mount("proc", d.root+"/proc", "proc", 0, "")
	d.mount("/sys", d.root+"/sys", "", syscall.MS_BIND, "")
	d.mount(d.data, d.root+"/data", "", bind, "")
	if !d.owns {
		d.mount(d.data+"/var", d.root+"/var", "", bind, "")
	}
	d.makeDev()
	d.lendTools()
	cmdline := filepath.Join(d.dir, "cmdline")
	d.write(cmdline, "console=ttyS0 root="+nodes[slot]+" rauc.slot="+slot+"\n")
	d.bind(cmdline, "/proc/cmdline")
}

func (d *device) write(path, text string) {
	d.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// makeDev fills the device's /dev.
func (d *device) makeDev() {
	d.t.Helper()
	used := map[int]bool{}
	var err error
	for _, disk := range d.disks {
		used[disk.number] = true
		err = errors.Join(err, mknod(d.root+disk.node, syscall.S_IFBLK|0o600, loopMajor, disk.number))
	}
	if err = errors.Join(err, makeNodes(d.root+"/dev", used)); err != nil {
		d.t.Fatal(err)
	}
}

// lendTools binds this machine's libraries and the unpacked packages below
// /host: the updaters are not in the image, which would have to hold half of
// Debian for them.
func (d *device) lendTools() {
	d.t.Helper()
	dirs := map[string]string{"/usr": "usr", "/lib": "lib", "/lib64": "lib64"}
	if top, err := filepath.Abs(unpacked); err == nil {
		dirs[top] = "unpacked"
	}
	for from, to := range dirs {
		to = filepath.Join(d.root, "host", to)
		info, err := os.Lstat(from)
		switch {
		case err != nil:
		case info.Mode()&os.ModeSymlink != 0:
			target, _ := os.Readlink(from)
			if err := os.Symlink(target, to); err != nil {
				d.t.Fatal(err)
			}
		default:
			if err := os.Mkdir(to, 0o755); err != nil {
				d.t.Fatal(err)
			}
			d.mount(from, to, "", syscall.MS_BIND|syscall.MS_REC, "")
		}
	}
}

// lent is the path of a program of this machine on the device.
func (d *device) lent(name string) string {
	path := toolPath(name)
	if top, err := filepath.Abs(unpacked); err == nil && strings.HasPrefix(path, top) {
		return "/host/unpacked" + strings.TrimPrefix(path, top)
	}
	if !strings.HasPrefix(path, "/usr/") {
		path = "/usr" + path
	}
	return "/host" + path
}

// command prepares a program of the running system.
func (d *device) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	if !strings.HasPrefix(name, "/") {
		cmd.Path, cmd.Err = d.find(name), nil
	}
	cmd.Dir = "/"
	libraries := libraryPath("/", "/host")
	if top, err := filepath.Abs(unpacked); err == nil {
		libraries = append(libraries, libraryPath(top, "/host/unpacked")...)
	}
	cmd.Env = []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "TMPDIR=/tmp",
		"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket",
		"LD_LIBRARY_PATH=" + strings.Join(libraries, ":"),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: d.root, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// find looks a program up as the device's PATH does.
func (d *device) find(name string) string {
	for _, dir := range []string{"/usr/sbin/", "/usr/bin/", "/bin/"} {
		if _, err := os.Lstat(d.root + dir + name); err == nil {
			return dir + name
		}
	}
	d.t.Fatalf("the device has no %s", name)
	return ""
}

// A result is what a program of the device printed, on both streams, and its
// exit status.
type result struct {
	code int
	text string
}

func (d *device) run(name string, args ...string) result {
	d.t.Helper()
	cmd := d.command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		d.t.Fatalf("running %s on the device: %v", name, err)
	}
	r := result{cmd.ProcessState.ExitCode(), out.String()}
	d.t.Logf("[slot %s] %s %s: exit %d\n%s", d.slot, name, strings.Join(args, " "), r.code, r.text)
	return r
}

// expect runs a program and ends the test where it exits otherwise.
func (d *device) expect(code int, name string, args ...string) string {
	d.t.Helper()
	r := d.run(name, args...)
	if r.code != code {
		d.t.Fatalf("%s exits with %d, not %d:\n%s", name, r.code, code, r.text)
	}
	return r.text
}
