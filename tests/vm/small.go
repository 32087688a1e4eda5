// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// mountpoint is an applet that Debian's busybox lacks.
const mountpoint = "#!/bin/sh\n# mountpoint -q DIR\ngrep -q \" $2 \" /proc/mounts\n"

// smallRoot makes the root of an image that is busybox alone.
func smallRoot(t testing.TB, root string) {
	t.Helper()
	for _, dir := range []string{"bin", "dev", "proc", "sys", "run", "tmp", "data", "etc", "usr/lib", "usr/bin", "usr/sbin",
		"var/lib/migration"} {
		must(t, os.MkdirAll(root+"/"+dir, 0o755))
	}
	box, err := os.ReadFile(busybox())
	must(t, err)
	put(t, root, "/bin/busybox", string(box))
	list, err := exec.Command(busybox(), "--list").Output()
	must(t, err)
	for _, applet := range strings.Fields(string(list)) {
		if applet != "busybox" && applet != "sulogin" {
			put(t, root, "/bin/"+applet, "-> busybox")
		}
	}
	put(t, root, "/bin/mountpoint", mountpoint)
	put(t, root, "/sbin", "-> bin")
	for name, text := range map[string]string{
		"/etc/passwd": "root:x:0:0:root:/:/bin/sh\n", "/etc/group": "root:x:0:\n",
		"/etc/inittab":    "::sysinit:/usr/lib/vm/rcS\n::once:/usr/lib/vm/session --now\n",
		"/usr/lib/vm/rcS": guest(t, "guest/rcS"),
	} {
		put(t, root, name, text)
	}
}
