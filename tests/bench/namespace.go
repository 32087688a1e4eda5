// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// inside tells the program started anew that its mounts are its own.
const inside = "MIGRATION_BENCH_NAMESPACE"

// enterNamespace starts the program anew with mounts of its own, which end
// with it, as root of a user namespace if need be. Where that is not possible
// it goes on: what needs mounts is then left out.
func enterNamespace() error {
	if os.Getenv(inside) != "" {
		return nil
	}
	args := []string{"--mount", "--propagation", "private"}
	if os.Geteuid() != 0 {
		args = append([]string{"--user", "--map-root-user"}, args...)
	}
	unshare, err := tool("unshare")
	if err != nil || exec.Command(unshare, append(args, "--", "true")...).Run() != nil {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	argv := append(append([]string{"unshare"}, args...), append([]string{"--", self}, os.Args[1:]...)...)
	return syscall.Exec(unshare, argv, append(os.Environ(), inside+"=1"))
}

var errNoMounts = errors.New("this user cannot mount here")

// A mount is a file system of the bench's own.
type mount struct {
	dir   string
	image string // of a loop device
	kind  string
}

// mountTmpfs makes a tmpfs below the scratch directory.
func (b *bench) mountTmpfs(name string) (*mount, error) {
	m := &mount{dir: filepath.Join(b.dir, name), kind: "tmpfs"}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return nil, err
	}
	if os.Getenv(inside) == "" {
		return nil, errNoMounts
	}
	return m, syscall.Mount("tmpfs", m.dir, "tmpfs", 0, "mode=0755")
}

// mountExt4 makes an ext4 on a loop device, with the kernel's defaults.
func (b *bench) mountExt4(name string, megabytes int64) (*mount, error) {
	m := &mount{dir: filepath.Join(b.dir, name), image: filepath.Join(b.dir, name+".img"), kind: "ext4"}
	mke2fs, err := tool("mke2fs")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(m.image, nil, 0o644); err != nil {
		return nil, err
	}
	if err := os.Truncate(m.image, megabytes<<20); err != nil {
		return nil, err
	}
	if out, err := exec.Command(mke2fs, "-q", "-t", "ext4", m.image).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mke2fs: %w: %s", err, out)
	}
	return m, m.mount()
}

// mount mounts the image by a loop device, which ends with the mount.
func (m *mount) mount() error {
	if os.Getenv(inside) == "" {
		return errNoMounts
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("mount", "-t", m.kind, "-o", "loop", m.image, m.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("mount: %s", strings.TrimSpace(string(out)))
	}
	return nil
}

// umount also unmounts what is mounted inside.
func (m *mount) umount() error {
	data, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		fields := strings.Fields(lines[i])
		if len(fields) > 1 && (fields[1] == m.dir || strings.HasPrefix(fields[1], m.dir+"/")) {
			if err := syscall.Unmount(fields[1], 0); err != nil {
				return fmt.Errorf("unmounting %q: %w", fields[1], err)
			}
		}
	}
	return nil
}

// flushes is how many flushes the loop device has seen.
func (m *mount) flushes() (int, error) {
	out, err := exec.Command("findmnt", "-no", "SOURCE", m.dir).Output()
	if err != nil {
		return 0, fmt.Errorf("findmnt: %w", err)
	}
	device := filepath.Base(strings.TrimSpace(string(out)))
	data, err := os.ReadFile("/sys/block/" + device + "/stat")
	if err != nil {
		return 0, err
	}
	// The 16th figure, since Linux 5.5: Documentation/block/stat.rst.
	fields := strings.Fields(string(data))
	if len(fields) < 16 {
		return 0, errors.New("this kernel does not count flushes")
	}
	var n int
	_, err = fmt.Sscan(fields[15], &n)
	return n, err
}
