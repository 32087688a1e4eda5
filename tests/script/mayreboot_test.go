// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// mayReboot runs may-reboot in the device, as its init system does behind a run
// that ended with an exit code, and wants the device to boot again, or with
// `!` not to.
func mayReboot(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] may-reboot EXIT")
	}
	dir := ts.MkAbs(deviceDir)
	for from, to := range map[string]string{
		filepath.Join(binDir, "migrate-runner"):       "usr/sbin/migrate-runner",
		"../../target/migrate-runner/dist/may-reboot": "usr/lib/migration/may-reboot",
	} {
		data, err := os.ReadFile(from)
		ts.Check(err)
		ts.Check(os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o755))
		ts.Check(os.WriteFile(filepath.Join(dir, to), data, 0o755))
	}
	out, err := exec.Command("chroot", dir, "/bin/sh", "/usr/lib/migration/may-reboot", args[0]).CombinedOutput()
	want := 0
	if neg {
		want = 1
	}
	if got := exitCode(err); got != want {
		ts.Fatalf("may-reboot %s exits with %d, want %d: %s", args[0], got, want, out)
	}
}
