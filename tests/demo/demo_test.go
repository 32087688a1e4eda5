// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// checkout is a directory that anybody may read, with what the demo reads of
// the real one, and with the programs.
func checkout(t *testing.T) string {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err == nil {
		err = checkStatic(busybox)
	}
	if err != nil {
		t.Skipf("no static busybox (Debian: busybox-static): %v", err)
	}
	dir := t.TempDir()
	// Its parent is the test's own, and closed to others.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := copyTree("../../examples", filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	if err := copyFile("../../go.mod", filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"tools/mkmigrations", "target/migrate-runner", "tests/demo"} {
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "bin", filepath.Base(program)), "./"+program)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", program, err, out)
		}
	}
	return dir
}

func demo(dir string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(dir, "bin/demo"), "-bin", "bin")
	cmd.Dir = dir
	return cmd
}

func checkDemo(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, part := range []string{
		"migrate-runner: 1/2 product-users:service-accounts: applied",
		"(attempt 2 of 3)",
		"nothing to do: this bundle is complete",
		"(exit 4)",
		"fresh device: 7 migrations recorded as baseline",
		"slow:two-lines was interrupted",
		"ok    12. ",
		"All steps did what they say.",
	} {
		if !strings.Contains(string(out), part) {
			t.Errorf("the demo does not print %q", part)
		}
	}
	for _, format := range []string{"deb", "rpm"} {
		if !strings.Contains(string(out), "the same from "+format+" packages") &&
			!strings.Contains(string(out), format+": skipped") {
			t.Errorf("the demo shows no %s packages", format)
		}
	}
	inspect, err := exec.Command(filepath.Join(cmd.Dir, "bin/mkmigrations"), "inspect", filepath.Join(cmd.Dir, "demo-out/2.0/bundle")).Output()
	if err != nil {
		t.Error(err)
	}
	checkReadme(t, string(out)+string(inspect))
	if t.Failed() {
		t.Logf("it prints:\n%s", out)
	}
}

func TestDemo(t *testing.T) {
	dir := checkout(t)
	if os.Geteuid() != 0 {
		needUserNamespace(t, nil)
	}
	checkDemo(t, demo(dir))
}

// A plain user sees the same, in a user namespace.
func TestDemoAsPlainUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("TestDemo does this where the tests are not run as root")
	}
	const nobody = 65534
	as := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	needUserNamespace(t, as)
	dir := checkout(t)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := demo(dir)
	cmd.SysProcAttr = as
	// A group without a home, a cache or a name for itself, as in a container.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "TMPDIR=" + dir}
	checkDemo(t, cmd)
}

func needUserNamespace(t *testing.T, as *syscall.SysProcAttr) {
	t.Helper()
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "true")
	cmd.SysProcAttr = as
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no user namespaces here: %v: %s", err, out)
	}
}

func TestDifference(t *testing.T) {
	before := snapshot{
		"/etc/a": {0o644, "one\ntwo\nthree\n"}, "/etc/gone": {0o644, "x\n"}, "/etc/mode": {0o644, "x\n"}, "/etc/same": {0o644, "x"},
	}
	after := snapshot{
		"/etc/a": {0o644, "one\n2\nthree\nfour\n"}, "/etc/mode": {0o600, "x\n"}, "/etc/new": {0o644, "1\n"}, "/etc/same": {0o644, "x"},
	}
	const want = `/etc/a
    - two
    + 2
    + four
/etc/gone is gone
/etc/mode (-rw-------, was -rw-r--r--)
/etc/new is new
    + 1
`
	if got := difference(before, after); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := difference(after, after); got != "" {
		t.Errorf("no difference is %q", got)
	}
}

// The release table and the recipes tell of the same files, and each
// migration file is used.
func TestReleases(t *testing.T) {
	releases, err := readReleases("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, recipes := range releases {
		for _, r := range recipes {
			for _, text := range r.migrations {
				used[text] = true
			}
		}
	}
	files, err := filepath.Glob("../../examples/*/*/*.migration")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !used[string(data)] {
			t.Errorf("no recipe of a release ships %s", file)
		}
	}
	if n := len(releases["3.0"]); n != 4 {
		t.Errorf("release 3.0 has %d recipes, not 4", n)
	}
}
