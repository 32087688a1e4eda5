// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// deviceEnv is the environment of all that runs on a device.
var deviceEnv = []string{"PATH=/usr/sbin:/bin", "LC_ALL=C"}

// A device is a root file system: busybox, the runner and a bundle. Beside
// the bundle, /peer holds the same scripts by plain names.
type device struct {
	root string
}

// newDevice makes a device below dir with n migrations that do nothing; with
// paths each has a file of its own to be saved.
func (b *bench) newDevice(dir string, n int, paths bool) (*device, error) {
	d := &device{root: filepath.Join(dir, "root")}
	busybox, err := tool("busybox")
	if err != nil {
		return nil, err
	}
	for from, to := range map[string]string{busybox: "bin/busybox", b.program("migrate-runner"): "usr/sbin/migrate-runner", b.program("empty"): "bin/empty"} {
		if err := copyFile(from, filepath.Join(d.root, to), 0o755); err != nil {
			return nil, err
		}
	}
	for _, applet := range []string{"sh", "true", "run-parts", "sha256sum"} {
		if err := os.Symlink("busybox", filepath.Join(d.root, "bin", applet)); err != nil {
			return nil, err
		}
	}
	if out, err := exec.Command("chroot", d.root, "/bin/sh", "-c", "true").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s is no static program: %w: %s", busybox, err, out)
	}
	if err := d.kernel(); err != nil {
		return nil, err
	}
	if err := d.scripts(dir, n, paths); err != nil {
		return nil, err
	}
	if err := b.bundle(filepath.Join(dir, "snippets"), filepath.Join(dir, "bundle")); err != nil {
		return nil, err
	}
	if out, err := exec.Command("cp", "-a", filepath.Join(dir, "bundle")+"/.", d.root).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cp: %w: %s", err, out)
	}
	return d, d.forget()
}

// kernel gives the device /proc and /dev/null.
func (d *device) kernel() error {
	if os.Getenv(inside) == "" {
		return errNoMounts
	}
	proc, null := filepath.Join(d.root, "proc"), filepath.Join(d.root, "dev/null")
	for _, dir := range []string{proc, filepath.Dir(null), filepath.Join(d.root, "tmp")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(null, nil, 0o666); err != nil {
		return err
	}
	if err := syscall.Mount("/dev/null", null, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %q: %w", null, err)
	}
	return syscall.Mount("/proc", proc, "", syscall.MS_BIND|syscall.MS_REC, "")
}

func (d *device) scripts(dir string, n int, paths bool) error {
	for i := 0; i < n; i++ {
		text := "#!/bin/sh\n:\n"
		if paths {
			conf := fmt.Sprintf("/etc/conf%d", i)
			text = "#!/bin/sh\n### BEGIN MIGRATION INFO\n# Paths: " + conf + "\n### END MIGRATION INFO\necho b >" + conf + "\n"
			if err := writeFile(filepath.Join(d.root, conf), "a\n", 0o644); err != nil {
				return err
			}
		}
		if err := writeFile(filepath.Join(dir, "snippets", fmt.Sprintf("recipe%d", i%100), fmt.Sprintf("step%d", i)), text, 0o644); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(d.root, "peer", fmt.Sprintf("%05d-step", i*10)), text, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), mode)
}

// bundle makes a bundle of snippets.
func (b *bench) bundle(snippets, output string) error {
	_, err := command{args: []string{b.program("mkmigrations"), "build", "--snippets", snippets, "--release", "1.0", "--output", output}}.run()
	return err
}

func (d *device) path(name string) string { return filepath.Join(d.root, name) }

// forget makes the device one that has applied nothing.
func (d *device) forget() error {
	state := d.path("var/lib/migration")
	return errors.Join(os.RemoveAll(state), os.MkdirAll(state, 0o755))
}

// runner is `migrate-runner run` on the device.
func (d *device) runner() command {
	return command{args: []string{"/usr/sbin/migrate-runner", "run", "--allow-volatile"}, root: d.root, env: deviceEnv}
}

// boot is the same as a boot calls it.
func (d *device) boot() command {
	return command{args: []string{"/usr/sbin/migrate-runner"}, root: d.root, env: deviceEnv}
}

func (d *device) shell(script string) command {
	return command{args: []string{"/bin/sh", "-c", script}, root: d.root, env: deviceEnv}
}
