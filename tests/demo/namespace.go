// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// inside tells the program started anew where it is.
const inside = "MIGRATION_DEMO_NAMESPACE"

// enterNamespace starts the program anew where it may chroot, as root of a
// user namespace if need be, and where its mounts are its own and end with it.
func enterNamespace() error {
	if os.Getenv(inside) != "" {
		return nil
	}
	args := []string{"--mount", "--propagation", "private"}
	if os.Geteuid() != 0 {
		args = append([]string{"--user", "--map-root-user"}, args...)
	}
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = probe(unshare, args)
	}
	if err != nil && os.Geteuid() == 0 {
		fmt.Fprintf(os.Stderr, "demo: no mounts of its own (%v): going on without /proc on the device\n", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("a plain user needs user namespaces here: %w\n"+
			"demo: hint: run it as root, or allow them (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	argv := append(append([]string{"unshare"}, args...), append([]string{"--", self}, os.Args[1:]...)...)
	return syscall.Exec(unshare, argv, append(os.Environ(), inside+"=1"))
}

func probe(unshare string, args []string) error {
	out, err := exec.Command(unshare, append(args, "--", "true")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s", strings.TrimSpace(string(out)))
	}
	return nil
}

// mountKernel gives the tree /proc and /dev/null, as a running device has
// them. Without mounts of its own the tree gets a node, and no /proc, which
// the runner can do without.
func mountKernel(root string) error {
	proc, null := filepath.Join(root, "proc"), filepath.Join(root, "dev/null")
	for _, dir := range []string{proc, filepath.Dir(null)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if os.Getenv(inside) == "" {
		return syscall.Mknod(null, syscall.S_IFCHR|0o666, 1<<8|3)
	}
	if err := os.WriteFile(null, nil, 0o666); err != nil {
		return err
	}
	if err := syscall.Mount("/dev/null", null, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %q: %w", null, err)
	}
	if err := syscall.Mount("/proc", proc, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting %q: %w", proc, err)
	}
	return nil
}
