// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// inside tells the test binary that it is in a namespace of its own, and
// where the two programs are.
const inside = "MIGRATION_UPDATERS_BIN"

// cannot says why this machine cannot be a device, "" where it can.
var cannot string

// binDir holds the two programs.
var binDir = os.Getenv(inside)

func TestMain(m *testing.M) {
	os.Unsetenv("SOURCE_DATE_EPOCH")
	switch {
	case os.Geteuid() != 0:
		cannot = "slots are loop devices: needs root"
	case binDir == "":
		os.Exit(buildAndEnter(m))
	default:
		if err := errors.Join(privateTemp(), privateDev()); err != nil {
			cannot = fmt.Sprintf("no mounts for devices: %v", err)
		}
	}
	os.Exit(m.Run())
}

// buildAndEnter builds the two programs, while there is a network for Go's
// modules, and runs the tests in a namespace.
func buildAndEnter(m *testing.M) int {
	dir, err := os.MkdirTemp("", "migration-updaters-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, pkg := range []string{"tools/mkmigrations", "target/migrate-runner"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, filepath.Base(pkg)), "meta-migration/"+pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", pkg, err, out)
			return 1
		}
	}
	code, err := enterNamespace(dir)
	if err != nil {
		cannot = fmt.Sprintf("no mount namespace: %v", err)
		return m.Run()
	}
	return code
}

// enterNamespace runs the test binary again where its mounts, processes and
// network are its own and end with it.
func enterNamespace(programs string) (int, error) {
	// The child is killed when the thread ends that started it.
	runtime.LockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"="+programs)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
		Unshareflags: syscall.CLONE_NEWNS, // Go makes its mounts private
		Pdeathsig:    syscall.SIGKILL,
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// privateTemp puts the devices' storage into memory: the tests are not about
// this machine's disk.
func privateTemp() error {
	dir := filepath.Join(binDir, "tmp")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	os.Setenv("TMPDIR", dir)
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755")
}

// need skips the test unless this machine can be a device and has the tools.
func need(t *testing.T, names ...string) {
	t.Helper()
	if cannot != "" {
		t.Skip(cannot)
	}
	for _, name := range append([]string{"busybox", "mke2fs"}, names...) {
		if toolPath(name) == "" {
			t.Skipf("%s is not installed: tests/updaters/tools.sh unpacks the updaters", name)
		}
	}
	if !static(t, toolPath("busybox")) {
		t.Skip("busybox needs shared libraries, which an initramfs has not (Debian: busybox-static)")
	}
}

// static says whether a program needs no dynamic linker.
func static(t *testing.T, path string) bool {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}

// needFilesystem skips the test where the kernel lacks one of the file systems.
func needFilesystem(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if !hasFilesystem(t, name) {
			// A module is loaded at the first mount, or by its name.
			exec.Command("modprobe", name).Run()
			if !hasFilesystem(t, name) {
				t.Skipf("the kernel has no %s", name)
			}
		}
	}
}

func hasFilesystem(t *testing.T, name string) bool {
	t.Helper()
	data, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(data), "\t"+name+"\n")
}
