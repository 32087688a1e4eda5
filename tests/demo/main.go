// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Command demo shows what the project does, with the two real programs, real
// packages and a small root file system that stands for a device. `make demo`
// runs it.
//
// Three releases of a product are made from the recipes in examples/, and one
// device goes through them. Each step says what is to be seen and checks that
// it is: where it is not, the demo says so and exits 1.
//
// What it makes stays in demo-out, which the next demo removes. It needs to be
// root, or a plain user who may make user namespaces.
//
//	demo [-output DIR] [-bin DIR]
//
// With -bin the programs of DIR are shown, not new ones built in bin.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo: error:", err)
		os.Exit(1)
	}
}

func run() error {
	output := flag.String("output", "demo-out", "directory for what the demo makes; it is removed first")
	bin := flag.String("bin", "", "directory of programs to show (default: build them in bin)")
	flag.Parse()
	top, err := findTop()
	if err != nil {
		return err
	}
	if err := os.Chdir(top); err != nil {
		return err
	}
	if err := enterNamespace(); err != nil {
		return err
	}
	// What a user's umask takes away would be missing on the device.
	syscall.Umask(0o022)
	s := newShow(os.Stdout, *bin)
	if err := tell(s, *output); err != nil {
		return err
	}
	return s.close()
}

// findTop returns the directory that holds go.mod.
func findTop() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("this is not the project's checkout: there is no go.mod")
}
