// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// insideVar says that the process has a mount namespace of its own.
const insideVar = "TRUST_TEST_INSIDE"

func TestMain(m *testing.M) {
	if text := os.Getenv(stageVar); text != "" {
		fmt.Fprintln(os.Stderr, "stage:", boot(text))
		os.Exit(stageExit)
	}
	if os.Geteuid() == 0 && os.Getenv(insideVar) == "" {
		os.Exit(inside())
	}
	code := m.Run()
	dismantle()
	os.Exit(code)
}

// inside runs the tests once more, where their mounts end with them.
func inside() int {
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	cmd.Env = append(os.Environ(), insideVar+"=yes")
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	// Containers may forbid it: each test then says so.
	cmd = exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideVar+"="+noNamespace)
	if cmd.Run() != nil {
		return 1
	}
	return 0
}

const noNamespace = "no"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
