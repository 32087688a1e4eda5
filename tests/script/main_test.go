// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package script_test drives the two real programs from outside: each script
// below testdata is one behaviour, with its inputs and the exact messages.
//
// UPDATE_SCRIPTS=1 writes what the programs print into the scripts' files;
// look at every line of the difference before it is committed.
package script_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// binDir holds the two programs.
var binDir string

func TestMain(m *testing.M) {
	if os.Getenv(measureVar) != "" {
		os.Exit(measureChild())
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	// A bundle must depend on no variable but those that a test sets.
	os.Unsetenv("SOURCE_DATE_EPOCH")
	dir, err := os.MkdirTemp("", "meta-migration-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Tests run it as other users, too.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binDir = dir
	for _, pkg := range []string{"meta-migration/tools/mkmigrations", "meta-migration/target/migrate-runner"} {
		if err := goBuild(filepath.Base(pkg), pkg); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

func goBuild(name, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(binDir, name), pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return nil
}

func TestMkmigrations(t *testing.T) {
	commands := fileCommands()
	for name, command := range packageCommands() {
		commands[name] = command
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/mkmigrations",
		Cmds:                commands,
		Condition:           condition,
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

func setup(env *testscript.Env) error {
	env.Setenv("PATH", binDir+string(filepath.ListSeparator)+env.Getenv("PATH"))
	env.Setenv("TZ", "UTC")
	return nil
}

// condition adds [root], and [tool:NAME] for a program that is installed.
func condition(name string) (bool, error) {
	switch tool, isTool := strings.CutPrefix(name, "tool:"); {
	case isTool:
		_, err := exec.LookPath(tool)
		return err == nil, nil
	case name == "root":
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}
