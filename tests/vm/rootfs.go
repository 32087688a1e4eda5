// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A suite is a release of Debian that images are made of.
type suite string

const (
	none     suite = ""         // busybox alone
	bookworm suite = "bookworm" // systemd 252
	trixie   suite = "trixie"   // systemd 257
)

// include are the packages of a root file system. Without udev device units
// would time out.
var include = []string{"systemd", "systemd-sysv", "dbus", "kmod", "udev", "cryptsetup-bin"}

// leftOut is not unpacked; removed goes when the packages are set up, which
// needs perl. No boot needs any of it.
var (
	leftOut = []string{"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*",
		"/usr/share/zoneinfo/*", "/usr/share/i18n/*", "/usr/share/bash-completion/*"}
	removed = []string{"usr/share/perl", "usr/lib/x86_64-linux-gnu/perl", "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/udev/hwdb.d",
		"usr/lib/udev/hwdb.bin", "var/lib/apt", "var/cache/apt"}
)

// cacheDir is where downloads are kept, and images are made.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "meta-migration-tests", "vm")
	return dir, os.MkdirAll(dir, 0o755)
}

var rootfsLock sync.Mutex

// rootfs makes the suite's root file system, unless it was made before.
func (s suite) rootfs() (string, error) {
	rootfsLock.Lock()
	defer rootfsLock.Unlock()
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	// Another list of packages is another root file system.
	dir := filepath.Join(cache, string(s)+"-1")
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	part, err := os.MkdirTemp(cache, "part-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := s.bootstrap(filepath.Join(part, "root")); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(part, "root"), dir); err != nil && !os.IsExist(err) {
		return "", err
	}
	return dir, nil
}

// rootfs is the suite's root file system, or skips the test.
func rootfs(t testing.TB, s suite) string {
	t.Helper()
	dir, err := s.rootfs()
	if err != nil {
		t.Skipf("skipping: no root file system: %v", err)
	}
	return dir
}

func (s suite) bootstrap(root string) error {
	args := []string{"--quiet", "--mode=root", "--variant=minbase", "--include=" + strings.Join(include, ","),
		"--aptopt=Acquire::http::Timeout \"20\"", "--aptopt=Acquire::Retries \"2\""}
	// Where this machine needs a proxy, so does mmdebstrap.
	proxy, _ := exec.Command("apt-config", "dump", "--format", "%f \"%v\"%n", "Acquire::http::Proxy").Output()
	for _, line := range strings.Split(strings.TrimSpace(string(proxy)), "\n") {
		if strings.Contains(line, "\"h") {
			args = append(args, "--aptopt="+line)
		}
	}
	for _, path := range leftOut {
		args = append(args, "--dpkgopt=path-exclude="+path)
	}
	args = append(args, string(s), root)
	late, cancel := context.WithTimeout(context.Background(), patience())
	defer cancel()
	if out, err := exec.CommandContext(late, "mmdebstrap", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("running mmdebstrap %s: %w: %s", s, err, complaint(out))
	}
	for _, path := range removed {
		if err := os.RemoveAll(filepath.Join(root, path)); err != nil {
			return err
		}
	}
	return nil
}

// complaint is the begin of the first line that reports an error.
func complaint(output []byte) []byte {
	for _, line := range bytes.Split(output, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("E: ")) {
			return line[:min(len(line), 200)]
		}
	}
	return output[max(0, len(output)-200):]
}
