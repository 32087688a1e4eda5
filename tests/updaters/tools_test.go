// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unpacked is where tools.sh puts what is not installed.
const unpacked = "../../.cache/updaters"

// toolPath finds a program of this machine, "" if it has none.
func toolPath(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", unpacked + "/usr/bin", unpacked + "/usr/sbin"} {
		path, err := filepath.Abs(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// libraryPath lists the directories of shared libraries below top, for
// LD_LIBRARY_PATH, as they are named where top is called as.
func libraryPath(top, as string) []string {
	var dirs []string
	for _, pattern := range []string{"usr/lib/*-linux-gnu*", "usr/lib64", "lib/*-linux-gnu*"} {
		found, _ := filepath.Glob(filepath.Join(top, pattern))
		for _, dir := range found {
			dirs = append(dirs, filepath.Join(as, strings.TrimPrefix(dir, top)))
		}
	}
	return dirs
}

// host runs a program of this machine, and ends the test where it fails.
func host(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	path := toolPath(name)
	if path == "" {
		t.Skipf("%s is not installed: tests/updaters/tools.sh unpacks the updaters", name)
	}
	return hostEnv(t, dir, nil, path, args...)
}

// hostEnv runs a program by its path, with variables of its own. It finds the
// libraries that are unpacked, behind those of this machine.
func hostEnv(t *testing.T, dir string, env []string, path string, args ...string) string {
	t.Helper()
	top, err := filepath.Abs(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin:"+top+"/usr/bin:"+top+"/usr/sbin",
		"LD_LIBRARY_PATH="+strings.Join(append(libraryPath("/", "/"), libraryPath(top, top)...), ":"))
	cmd.Env = append(cmd.Env, env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", path, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}
