// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meta-migration/tests/machine"
)

var debianKernel = sync.OnceValues(machine.DebianKernel)

// tools are the commands that are needed, with their Debian packages.
var tools = map[string]string{
	machine.Qemu: "qemu-system-x86", "mke2fs": "e2fsprogs", "mksquashfs": "squashfs-tools", "dpkg-deb": "dpkg",
}

// An ordinary run does a part of the boots, that of CI all that it comes to
// in patience, and a full one all.
func isFull() bool     { return os.Getenv("VM") == "full" }
func isOrdinary() bool { return !isFull() && os.Getenv("VM") != "ci" }

// patience is after how long a run that is not full starts no more machines,
// and for how long it waits for anything: it must not keep all other tests
// waiting where the host is slow.
func patience() time.Duration {
	if isOrdinary() {
		return 4 * time.Minute
	}
	return 9 * time.Minute
}

var begun = time.Now()

func isLate() bool { return !isFull() && time.Since(begun) > patience() }

// hurry skips the rest of a test of a run that has taken too long.
func hurry(t testing.TB) {
	t.Helper()
	if isLate() {
		t.Skipf("skipping the rest: %s of boots are enough here; make test-vm boots it all", patience())
	}
}

// needs skips the test where a machine cannot run, and says why.
func needs(t testing.TB) *machine.Kernel {
	t.Helper()
	if testing.Short() {
		t.Skip("skipping: -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipping: not root, which making a root file system needs")
	}
	if busybox() == "" {
		t.Skip("skipping: no static busybox (Debian: busybox-static)")
	}
	for command, from := range tools {
		if _, err := exec.LookPath(command); err != nil {
			t.Skipf("skipping: no %s (Debian: %s)", command, from)
		}
	}
	k, err := debianKernel()
	if err != nil {
		t.Skipf("skipping: no kernel: %v", err)
	}
	return k
}

// full skips what an ordinary run has no time for.
func full(t *testing.T) {
	t.Helper()
	if isOrdinary() {
		t.Skip("skipping: boots of make test-vm")
	}
}

// busybox finds a static one; "" for none.
func busybox() string {
	for _, path := range []string{"/bin/busybox", "/usr/bin/busybox"} {
		if _, err := os.Stat(path); err == nil {
			if out, err := exec.Command("ldd", path).CombinedOutput(); err != nil && strings.Contains(string(out), "not a dynamic executable") {
				return path
			}
		}
	}
	return ""
}

// scratch is a directory in memory, where there is enough of it.
func scratch(t testing.TB) string {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &st); err != nil || int64(st.Bavail)*int64(st.Bsize) < 2<<30 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "migration-vm-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Clean(dir)) })
	return dir
}
