// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"meta-migration/tests/crash/ptrace"
)

// TestSyncsEveryMount: data on a file system of its own is synced before the
// end of the attempt is recorded, and what that sync says is heeded.
func TestSyncsEveryMount(t *testing.T) {
	newSweep(t, scenarios[0]) // skips where nothing can run
	runtime.LockOSThread()    // the thread, and its mounts with it, ends with the test
	if err := syscall.Unshare(syscall.CLONE_NEWNS | syscall.CLONE_FS); err != nil {
		t.Skipf("skipping: no mount namespace: %v", err)
	}
	must(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	for _, fails := range []string{"", "data", "root"} {
		t.Run("failing:"+fails, func(t *testing.T) {
			root := newRoot(t)
			disk := filepath.Join(t.TempDir(), "disk")
			for _, c := range []string{"truncate -s 8M " + disk, "mke2fs -q -t ext4 " + disk, "mount -o loop " + disk + " " + root + "/data"} {
				if out, err := exec.Command("sh", "-c", c).CombinedOutput(); err != nil {
					t.Skipf("skipping: %s: %v: %s", c, err, out)
				}
			}
			defer syscall.Unmount(root+"/data", syscall.MNT_DETACH)
			content(t, root)
			(&image{release: "1.0", snippets: []snippet{{"alpha:single", "Attempts: 100", idempotent}}}).install(t, root)
			c := (&sweep{}).traced(t, root)
			c.Select = func(call ptrace.Call) bool { return call.Name == "syncfs" }
			var synced []string
			at := 0
			c.Seen = func(n int, call ptrace.Call) {
				path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", call.Task, call.Args[0]))
				path = strings.TrimPrefix(path, root)
				synced = append(synced, path)
				if path == map[string]string{"data": "/data", "root": ""}[fails] {
					at = n
				}
			}
			_, err := ptrace.Run(c, ptrace.Plan{})
			must(t, err)
			if !strings.Contains(strings.Join(synced, " ")+" ", "/data ") {
				t.Fatalf("synced: %q", synced)
			}
			if fails == "" {
				return
			}
			must(t, os.RemoveAll(root+"/var/lib/migration"))
			c.Seen = nil
			r, err := ptrace.Run(c, ptrace.Plan{At: at, Errno: syscall.EIO})
			must(t, err)
			if r.Status.ExitStatus() != 3 {
				t.Errorf("exits with %d, want 3: %v fails", r.Status.ExitStatus(), r.At)
			}
		})
	}
}
