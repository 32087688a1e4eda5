// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// measureVar makes the test program measure another one instead of testing.
const measureVar = "MKMIGRATIONS_MEASURE"

// measure runs mkmigrations and returns its largest resident set in bytes and
// its processor time.
//
// A child's figure begins with the size of the process that started it, even
// across exec. So a small process must start it: this program once more.
func measure(t *testing.T, dir string, args ...string) (r result, memory int64, cpu time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	figures := filepath.Join(t.TempDir(), "figures")
	var stdout, stderr strings.Builder
	cmd := exec.Command(self, append([]string{filepath.Join(binDir, "mkmigrations")}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), measureVar+"="+figures)
	code := exitCode(cmd.Run())
	data, err := os.ReadFile(figures)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var nanoseconds int64
	if _, err := fmt.Sscan(string(data), &memory, &nanoseconds); err != nil {
		t.Fatal(err)
	}
	return result{code, stdout.String(), stderr.String()}, memory, time.Duration(nanoseconds)
}

// measureChild is the small process.
func measureChild() int {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return -1
	}
	// Linux counts in KiB.
	text := fmt.Sprintln(usage.Maxrss<<10, usage.Utime.Nano()+usage.Stime.Nano())
	if err := os.WriteFile(os.Getenv(measureVar), []byte(text), 0o644); err != nil {
		return -1
	}
	return exitCode(err)
}
