// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package emulated

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const top = "../.."

// Each is an architecture, an emulator of Debian's qemu-user-static, and a
// processor: GOARM=5 is for ARMv5 without a floating point unit, and so on.
var machines = []struct {
	name, qemu, cpu string
	env             []string
}{
	{"armv5", "qemu-arm-static", "arm926", []string{"GOARCH=arm", "GOARM=5"}},
	{"armv6", "qemu-arm-static", "arm1176", []string{"GOARCH=arm", "GOARM=6"}},
	{"armv7", "qemu-arm-static", "cortex-a7", []string{"GOARCH=arm", "GOARM=7"}},
	{"arm64", "qemu-aarch64-static", "cortex-a53", []string{"GOARCH=arm64"}},
}

// TestRun takes a device through a run with a migration that changes a file,
// one that fails and is put back, and its repair, on each machine.
func TestRun(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the runner starts scripts in a chroot, which needs root")
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("busybox is not installed")
	}
	for _, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			qemu, err := exec.LookPath(m.qemu)
			if err != nil {
				t.Skipf("%s is not installed", m.qemu)
			}
			d := &device{t: t, root: filepath.Join(t.TempDir(), "root"), command: []string{qemu, "-cpu", m.cpu, runner(t, m.env)}}
			d.install(busybox)
			d.life()
		})
	}
}

// TestProcessors: a program for a newer processor must not run on an older
// one, else the processor is not what is emulated.
func TestProcessors(t *testing.T) {
	qemu, err := exec.LookPath("qemu-arm-static")
	if err != nil {
		t.Skip("qemu-arm-static is not installed")
	}
	newer := runner(t, []string{"GOARCH=arm", "GOARM=7"})
	if out, err := exec.Command(qemu, "-cpu", "arm926", newer, "version").CombinedOutput(); err == nil {
		t.Errorf("a runner for ARMv7 runs on an ARMv5: %s", out)
	}
	if out, err := exec.Command(qemu, "-cpu", "cortex-a7", newer, "version").CombinedOutput(); err != nil {
		t.Errorf("a runner for ARMv7 does not run on its own processor: %v: %s", err, out)
	}
}

// runner builds the program as it is shipped, but for one system call that
// the emulator has not got.
func runner(t *testing.T, env []string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "migrate-runner")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-gcflags=meta-migration/...=-l", "-ldflags=-s -w -buildid=",
		"-overlay", overlay(t), "-o", file, "./target/migrate-runner")
	cmd.Dir = top
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the runner: %v: %s", err, out)
	}
	return file
}

// overlay takes prctl(PR_SET_CHILD_SUBREAPER) out, which qemu's user
// emulation refuses.
func overlay(t *testing.T) string {
	t.Helper()
	source, err := filepath.Abs(top + "/target/migrate-runner/internal/sys/process.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	const call = "_, err := Prctl(prSetChildSubreaper, 1, 0, 0, 0)\n\treturn err"
	if strings.Count(string(text), call) != 1 {
		t.Fatalf("%s has not got what is to be left out:\n%s", source, call)
	}
	dir := t.TempDir()
	changed, list := filepath.Join(dir, "process.go"), filepath.Join(dir, "overlay.json")
	data, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{changed: []byte(strings.Replace(string(text), call, "return nil", 1)), list: data} {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// A device is a root file system whose scripts are run by this machine's
// busybox, and whose runner is emulated.
type device struct {
	t       *testing.T
	root    string
	command []string
}

func (d *device) write(name, text string, mode os.FileMode) {
	d.t.Helper()
	path := filepath.Join(d.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
}

func (d *device) install(busybox string) {
	d.t.Helper()
	program, err := os.ReadFile(busybox)
	if err != nil {
		d.t.Fatal(err)
	}
	d.write("bin/busybox", string(program), 0o755)
	d.write("etc/conf", "old\n", 0o644)
	for _, dir := range []string{"dev", "tmp", "var/lib"} {
		if err := os.MkdirAll(filepath.Join(d.root, dir), 0o755); err != nil {
			d.t.Fatal(err)
		}
	}
	d.do("ln", "-s", "busybox", filepath.Join(d.root, "bin/sh"))
	null := filepath.Join(d.root, "dev/null")
	if out, err := exec.Command("mknod", "-m", "666", null, "c", "1", "3").CombinedOutput(); err != nil {
		d.t.Skipf("device nodes cannot be made: %s", out)
	}
	if out, err := exec.Command("chroot", d.root, "/bin/sh", "-c", ": <>/dev/null").CombinedOutput(); err != nil {
		d.t.Skipf("a chroot with a static busybox cannot be had: %s", out)
	}
}

func (d *device) do(args ...string) string {
	d.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// bundle makes and installs a bundle of scripts.
func (d *device) bundle(release string, scripts map[string]string) {
	d.t.Helper()
	dir := d.t.TempDir()
	for name, text := range scripts {
		if err := os.MkdirAll(filepath.Join(dir, "snippets/conf"), 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "snippets/conf", name), []byte(text), 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "run", "-buildvcs=false", "./tools/mkmigrations", "build", "--snippets", filepath.Join(dir, "snippets"),
		"--release", release, "--output", filepath.Join(dir, "bundle"))
	cmd.Dir = top
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("making a bundle: %v: %s", err, out)
	}
	for _, old := range []string{"etc/migration.d", "usr"} {
		if err := os.RemoveAll(filepath.Join(d.root, old)); err != nil {
			d.t.Fatal(err)
		}
	}
	d.do("cp", "-a", dir+"/bundle/.", d.root)
}

// run runs the emulated runner and compares its exit code.
func (d *device) run(want int, args ...string) string {
	d.t.Helper()
	args = append(args, "--root", d.root)
	if args[0] != "require" {
		args = append(args, "--allow-volatile")
	}
	all := append(append([]string(nil), d.command...), args...)
	out, err := exec.Command(all[0], all[1:]...).CombinedOutput()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		d.t.Fatal(err)
	}
	if got != want {
		d.t.Fatalf("%s: exit %d, want %d: %s", strings.Join(args, " "), got, want, out)
	}
	return string(out)
}

func (d *device) conf(want string) {
	d.t.Helper()
	data, err := os.ReadFile(filepath.Join(d.root, "etc/conf"))
	if err != nil || string(data) != want {
		d.t.Fatalf("/etc/conf holds %q (%v), want %q", data, err, want)
	}
}

// script changes /etc/conf, which is saved before.
func script(body string) string {
	return "#!/bin/sh\n### BEGIN MIGRATION INFO\n# Paths: /etc/conf\n### END MIGRATION INFO\n" + body + "\n"
}

func (d *device) life() {
	first, broken := script("echo first >>/etc/conf"), script("echo broken >/etc/conf; exit 9")
	d.bundle("1", map[string]string{"a": first})
	d.run(0, "run")
	d.conf("old\nfirst\n")
	if text := d.run(0, "run"); !strings.Contains(text, "nothing to do") {
		d.t.Errorf("the second run says %q", text)
	}

	d.bundle("2", map[string]string{"a": first, "b": broken})
	d.run(3, "run")
	d.conf("old\nfirst\n")
	if text := d.run(0, "status", "--json"); !strings.Contains(text, `"state":"failed"`) || !strings.Contains(text, `"exit":9`) {
		d.t.Errorf("after a failure status says %s", text)
	}
	d.run(3, "require", "conf:b")

	d.bundle("3", map[string]string{"a": first, "b": script("echo second >>/etc/conf")})
	d.run(0, "run")
	d.conf("old\nfirst\nsecond\n")
	d.run(0, "require", "conf:b")
}
