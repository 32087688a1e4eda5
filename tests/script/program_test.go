// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A result is what one run of mkmigrations left behind.
type result struct {
	code           int
	stdout, stderr string
}

// mkmigrations runs the program in dir; change may adjust the command.
func mkmigrations(t *testing.T, dir string, change func(*exec.Cmd), args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(filepath.Join(binDir, "mkmigrations"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = os.Environ()
	if change != nil {
		change(cmd)
	}
	err := cmd.Run()
	code := exitCode(err)
	if err != nil && code < 0 {
		t.Fatalf("running mkmigrations %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return result{code, stdout.String(), stderr.String()}
}

// succeed runs it and ends the test where it fails.
func succeed(t *testing.T, dir string, args ...string) result {
	t.Helper()
	r := mkmigrations(t, dir, nil, args...)
	if r.code != 0 {
		t.Fatalf("mkmigrations %s exits with %d:\n%s", strings.Join(args, " "), r.code, r.stderr)
	}
	return r
}

// openTempDir is a directory that other users may enter.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mkmigrations-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mustSnapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all, err := snapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// leftOvers are the entries of dir that are not among the expected ones.
func leftOvers(t *testing.T, dir string, expected ...string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var extra []string
	for _, e := range entries {
		known := false
		for _, name := range expected {
			known = known || e.Name() == name
		}
		if !known {
			extra = append(extra, e.Name())
		}
	}
	return extra
}
