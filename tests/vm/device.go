// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"meta-migration/tests/machine"
)

// A device keeps its two disks while its images change.
type device struct {
	t      testing.TB
	kernel *machine.Kernel
	dir    string
	initrd string
	boots  int
}

// running limits how many machines there are at a time.
var running = make(chan struct{}, max(1, min(2, runtime.NumCPU())))

// newDevice makes a device as it leaves the factory. extra are files of its
// /data, as put takes them.
func newDevice(t testing.TB, s suite, extra map[string]string) *device {
	t.Helper()
	d := &device{t: t, kernel: needs(t), dir: scratch(t)}
	d.initrd = filepath.Join(d.dir, "initrd")
	must(t, os.WriteFile(d.initrd, initramfs(t, d.kernel), 0o644))
	data := filepath.Join(d.dir, "tree")
	for _, name := range []string{"etc/upper", "etc/work", "migration"} {
		must(t, os.MkdirAll(filepath.Join(data, name), 0o755))
	}
	must(t, os.Chmod(data, 0o755))
	for name, text := range extra {
		put(t, data, name, text)
	}
	d.disk("data", data)
	// A product's /var has what its packages make there at build time.
	of := filepath.Join(d.dir, "small")
	if s == none {
		smallRoot(t, of)
	} else {
		of = rootfs(t, s)
	}
	d.disk("var", filepath.Join(of, "var"))
	return d
}

// disk makes an ext4 disk of a tree.
func (d *device) disk(name, tree string) {
	d.t.Helper()
	run(d.t, "mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0,nodiscard", "-d", tree, filepath.Join(d.dir, name), "48m")
}

// A boot is one start of the machine.
type boot struct {
	image  string // the squashfs
	layout string
	script string // what is run at its end; it must end the machine, by off or else
	append string // to the kernel's command line
	reboot bool   // the machine may reboot
	initrd string // instead of the usual one
	extra  []string
}

// start starts a boot and returns at once.
func (d *device) start(b boot) *session {
	d.t.Helper()
	running <- struct{}{}
	if isLate() {
		<-running
		hurry(d.t)
	}
	d.boots++
	script := filepath.Join(d.dir, "script")
	text := append([]byte(b.script+"\n"), make([]byte, 4096-(len(b.script)+1)%4096)...)
	must(d.t, os.WriteFile(script, text, 0o644))
	initrd := d.initrd
	if b.initrd != "" {
		initrd = b.initrd
	}
	args := d.kernel.Args(initrd, "rdinit=/init vm.layout="+b.layout+" "+patient+" "+b.append)
	for i, file := range append([]string{b.image, filepath.Join(d.dir, "data"), filepath.Join(d.dir, "var"), script}, b.extra...) {
		drive := "if=none,format=raw,cache=unsafe,id=d" + strconv.Itoa(i) + ",file=" + file
		if i == 0 || i == 3 {
			drive += ",readonly=on"
		}
		args = append(args, "-drive", drive, "-device", "virtio-blk-pci,drive=d"+strconv.Itoa(i))
	}
	if !b.reboot {
		args = append(args, "-no-reboot")
	}
	s, err := newSession(exec.Command(machine.Qemu, args...))
	if err != nil {
		<-running
		d.t.Fatal(err)
	}
	d.t.Cleanup(s.kill)
	return s
}

// boot boots to the machine's end and reads what the script said.
func (d *device) boot(b boot) *report {
	d.t.Helper()
	r := d.end(d.start(b))
	r.noCycle()
	return r
}

// end waits for the machine's end. VM_KEEP names a directory for consoles.
func (d *device) end(s *session) *report {
	d.t.Helper()
	console, err := s.end()
	if keep := os.Getenv("VM_KEEP"); keep != "" {
		name := filepath.Join(keep, strings.ReplaceAll(d.t.Name(), "/", "-")+"-"+strconv.Itoa(d.boots))
		must(d.t, os.WriteFile(name, []byte(console), 0o644))
	}
	d.t.Logf("boot %d: %.1f s", d.boots, s.seconds())
	d.late(err)
	if err != nil {
		d.t.Fatalf("%v\n%s", err, console)
	}
	return newReport(d.t, console)
}

// late skips the rest of a test where a boot took too long, unless it is to
// wait for all of them.
func (d *device) late(err error) {
	d.t.Helper()
	if errors.Is(err, errLate) && !isFull() {
		d.t.Skipf("skipping the rest: a boot took more than %s; make test-vm waits for longer", slowBoot)
	}
}

// wait returns when the machine has sent text.
func (d *device) wait(s *session, text string) {
	d.t.Helper()
	if err := s.wait(text); err != nil {
		_, late := s.end()
		d.late(late)
		d.t.Fatal(err)
	}
}

// cycleFound is what systemd says on the console when it drops a job.
const cycleFound = "Ordering cycle found, skipping"

// noCycle looks for it, at the boot and at its shutdown: nothing fails by it.
func (r *report) noCycle() {
	r.t.Helper()
	if strings.Contains(r.console, cycleFound) || strings.Contains(r.sections["kernel"], "cycle") {
		r.t.Errorf("systemd has met an ordering cycle:\n%s\n%s", r.before("@@ "), r.sections["kernel"])
	}
}

// patient lets systemd wait on a host that has other things to do, and lets
// it say so without colours.
const patient = "TERM=dumb systemd.default_timeout_start_sec=600 systemd.condition-needs-update=1 audit=0 apparmor=0"

// initramfs is what every machine starts with.
func initramfs(t testing.TB, k *machine.Kernel) []byte {
	t.Helper()
	var a machine.Archive
	for _, dir := range []string{"bin", "dev", "proc", "sys", "new", "modules"} {
		a.Dir(dir)
	}
	box, err := os.ReadFile(busybox())
	must(t, err)
	a.Program("bin/busybox", box)
	a.Program("init", []byte(guest(t, "guest/init")))
	addModules(t, &a, k, "virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "squashfs", "overlay")
	a.Add("dev/console", 0o020600, nil)
	return a.Bytes()
}

func addModules(t testing.TB, a *machine.Archive, k *machine.Kernel, names ...string) {
	t.Helper()
	modules, err := k.Modules(names...)
	must(t, err)
	for i, m := range modules {
		a.Add("modules/"+strconv.Itoa(100+i)+"-"+m.Name, 0o100644, m.Data)
	}
}
