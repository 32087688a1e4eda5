// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// shippedFlag is how the Makefile and the recipe build the runner.
const shippedFlag = "-gcflags=meta-migration/...=-l"

// goBuild builds pkg of this module into file.
func goBuild(env []string, pkg, file string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", file}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// buildEmpty makes the program that does nothing: what Go itself costs.
func (b *bench) buildEmpty() error {
	dir := filepath.Join(b.dir, "empty")
	if err := writeEmpty(dir); err != nil {
		return err
	}
	return goBuild(nil, filepath.Join(dir, "main.go"), filepath.Join(b.bin, "empty"), shippedFlag, "-ldflags=-s -w -buildid=")
}

func writeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o644)
}

func (b *bench) program(name string) string { return filepath.Join(b.bin, name) }

// tool returns the path of a program of this machine.
func tool(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		for _, dir := range []string{"/usr/sbin", "/sbin"} {
			if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return found, nil
			}
		}
		return "", fmt.Errorf("%s is not installed", name)
	}
	return path, nil
}

// copyFile copies as cp does, with the mode. A program that the linker has
// just written lies otherwise in memory than an installed one, and starts
// more slowly.
func copyFile(from, to string, mode os.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, data, mode); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}
