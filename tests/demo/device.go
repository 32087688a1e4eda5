// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A device is a root file system, and the show of what happens to it.
type device struct {
	*show
	root     string
	volatile bool // its directory would not outlive a reboot
}

// userData is what release 0.9, which knew no migrations, left on a device
// that has been in use: all of it belongs to the device, not to the image.
var userData = map[string]string{
	"/etc/datalog.conf":          "# interval: set for the cold store\nuser = root\ninterval = 15\nfile = /var/lib/datalog/samples.csv\n",
	"/etc/webui.conf":            "port = 8080\n\n[server]\nworkers = 2\n\n[pages]\ntitle = Cold store\n",
	"/var/lib/webui/tokens":      "office 7c1f-55a0\nphone 0b9e-1d42\n",
	"/var/lib/datalog/index":     "",
	"/var/lib/datalog/.keep":     "",
	"/var/lib/datalog/owner.txt": "store 4\n",
	"/var/lib/datalog/samples.csv": `2024-04-30T23:58:00,4.1
2024-04-30T23:59:00,4.0
2024-05-01T00:00:00,4.0
sensor 2 replaced by M. K.
2024-05-01T00:01:00,-18.2
2024-05-02T08:00:00,-18.4
`,
}

var accounts = map[string]string{
	"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nadmin:x:1000:1000:the owner:/home/admin:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
	"/etc/group":  "root:x:0:\nadmin:x:1000:\nnogroup:x:65534:\n",
	"/etc/shadow": "root:*:19000:0:99999:7:::\nadmin:!:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n",
}

// newDevice makes a root file system with busybox and, if it was used before,
// the data of its user.
func newDevice(s *show, root string, used bool) (*device, error) {
	d := &device{show: s, root: root}
	if err := makeRootfs(root); err != nil {
		return nil, err
	}
	if err := d.write(accounts); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(root, "etc/shadow"), 0o600); err != nil {
		return nil, err
	}
	if used {
		if err := d.write(userData); err != nil {
			return nil, err
		}
	}
	d.volatile = inMemory(root)
	return d, mountKernel(root)
}

// makeRootfs makes all of the system that a migration may count on: a static
// busybox with its names, and empty directories.
func makeRootfs(root string) error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return errors.New("a device needs busybox: install busybox-static")
	}
	if err := checkStatic(busybox); err != nil {
		return err
	}
	for _, dir := range []string{"bin", "etc", "usr/sbin", "usr/lib", "var/lib/migration", "root", "run", "sys", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := copyFile(busybox, filepath.Join(root, "bin/busybox")); err != nil {
		return err
	}
	names, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return fmt.Errorf("asking busybox for its names: %w", err)
	}
	for _, name := range strings.Fields(string(names)) {
		if name == "busybox" {
			continue
		}
		if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil {
			return err
		}
	}
	return nil
}

// checkStatic refuses a busybox that needs libraries, which the device has not.
func checkStatic(busybox string) error {
	f, err := elf.Open(busybox)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s needs shared libraries: install busybox-static", busybox)
		}
	}
	return nil
}

func (d *device) write(files map[string]string) error {
	for path, text := range files {
		path = filepath.Join(d.root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// install puts an image on the device: its bundle, its runner, and its own
// idea of the configuration where the device has none yet. The data stays, as
// it does on a device whose /etc and /var are kept across upgrades.
func (d *device) install(bundle string, recipes []recipe) error {
	for _, path := range []string{"etc/migration.d", "usr/lib/migration", "usr/lib/systemd"} {
		if err := os.RemoveAll(filepath.Join(d.root, path)); err != nil {
			return err
		}
	}
	if err := copyTree(bundle, d.root); err != nil {
		return err
	}
	for _, r := range recipes {
		path := filepath.Join(d.root, "etc", r.name+".conf")
		if _, err := os.Lstat(path); err == nil || r.config == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(r.config), 0o644); err != nil {
			return err
		}
	}
	return copyFile(filepath.Join(d.bin, "migrate-runner"), filepath.Join(d.root, "usr/sbin/migrate-runner"))
}

// runner runs a command of migrate-runner on the device, as the first boot of
// an image does before the services start.
func (d *device) runner(want int, args ...string) string {
	args = append(args, "--root", d.root)
	if d.volatile {
		args = append(args, "--allow-volatile")
	}
	return d.command(want, "migrate-runner", args...)
}

// boot runs the migrations and shows what they changed.
func (d *device) boot(want int) (printed, changed string, err error) {
	before, err := takeSnapshot(d.root)
	if err != nil {
		return "", "", err
	}
	printed = d.runner(want, "run")
	after, err := takeSnapshot(d.root)
	if err != nil {
		return "", "", err
	}
	changed = difference(before, after)
	if changed == "" {
		d.say("  Changed on the device: nothing")
	} else {
		d.say("  Changed on the device:")
		d.indented(changed)
	}
	return printed, changed, nil
}

// expectStates shows the status and compares the state of the device and of
// each migration.
func (d *device) expectStates(state string, want map[string]string) {
	d.runner(0, "status")
	args := []string{"status", "--json", "--root", d.root}
	if d.volatile {
		args = append(args, "--allow-volatile")
	}
	out, err := d.program("migrate-runner", args...).Output()
	var got struct {
		State      string
		Migrations []struct{ ID, State string }
	}
	if err == nil {
		err = json.Unmarshal(out, &got)
	}
	if err != nil {
		d.wrong("reading `status --json`: %v", err)
		return
	}
	if got.State != state {
		d.wrong("the device is %s, not %s", got.State, state)
	}
	for _, m := range got.Migrations {
		if m.State != want[m.ID] {
			d.wrong("%s is %s, not %q", m.ID, m.State, want[m.ID])
		}
		delete(want, m.ID)
	}
	for id := range want {
		d.wrong("%s is not listed", id)
	}
}
