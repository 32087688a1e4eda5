// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var buildPrograms = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "meta-migration-bin")
	if err != nil {
		return "", err
	}
	for _, path := range []string{"meta-migration/tools/mkmigrations", "meta-migration/target/migrate-runner"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", dir, path)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return "", err
		}
	}
	return dir, nil
})

// TestRunner runs the scripts about migrate-runner: one for each row of the
// table of cases, each state and each exit code.
func TestRunner(t *testing.T) {
	bin, err := buildPrograms()
	if err != nil {
		t.Fatal(err)
	}
	if busybox() == "" {
		t.Skip("no static busybox (Debian: busybox-static)")
	}
	if os.Geteuid() != 0 {
		t.Skip("not root: scripts run chrooted; use `unshare --map-root-user`")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/runner",
		Cmds:                deviceCommands(),
		Condition:           deviceCondition,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
			return nil
		},
	})
}
