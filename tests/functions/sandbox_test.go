// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const libraryPath = "../../tools/mkmigrations/internal/library/functions.sh"

// oeApplets are the applets that the library may use: each is in oe-core's
// busybox (its defconfig plus sha256sum.cfg). cksum, timeout, install and
// truncate are not, so a script that needs one fails here as on the device.
var oeApplets = strings.Fields(`[ awk basename cat chgrp chmod chown cmp cp cut date dd diff dirname echo env
	expr false find flock grep head id kill ln ls md5sum mkdir mkfifo mknod mktemp mount mv od printf pwd readlink
	realpath rm rmdir sed seq sh sha256sum sleep sort stat sync tail tar tee test touch tr true uname uniq usleep
	wc xargs`)

// A shell is one of those that a migration meets as /bin/sh.
type shell struct {
	name string
	argv []string // inside the root
	awk  string   // host's awk to use; dash and bash get different ones
}

var (
	dash = shell{name: "dash", argv: []string{"/usr/bin/dash"}, awk: "mawk"}
	bash = shell{name: "bash", argv: []string{"/usr/bin/bash", "--posix"}, awk: "gawk"}
	ash  = shell{name: "ash", argv: []string{"/usr/bin/sh"}}
)

// eachShell runs f once per shell, each time with a new root.
func eachShell(t *testing.T, f func(t *testing.T, b *box)) {
	t.Helper()
	for _, sh := range []shell{dash, ash, bash} {
		t.Run(sh.name, func(t *testing.T) { f(t, newBox(t, sh)) })
	}
}

// A box is a root directory to run migrations in.
type box struct {
	t      *testing.T
	root   string
	sh     shell
	mounts []string // further ones, see mountAll
	env    []string
}

// newBox makes a root with the shell, its tools and the library; it skips the
// test where this machine cannot do that.
func newBox(t *testing.T, sh shell) *box {
	t.Helper()
	b := &box{t: t, root: filepath.Join(t.TempDir(), "root"), sh: sh}
	for _, dir := range []string{"etc", "dev", "tmp", "var/lib/migration/state", "usr/lib/migration", "opt/tools"} {
		b.mkdir(dir)
	}
	b.write("dev/null", "")
	library, err := os.ReadFile(libraryPath)
	if err != nil {
		t.Fatal(err)
	}
	b.write("usr/lib/migration/functions.sh", string(library))
	if sh.name == "ash" {
		b.addBusybox()
	} else {
		b.addHostTools()
	}
	if why := cannotSandbox(); why != "" {
		t.Skip(why)
	}
	return b
}

// addBusybox installs busybox and links for oe-core's applets. The copy is not
// a link to the host's: some busyboxes run any applet whatever the PATH holds.
func (b *box) addBusybox() {
	b.t.Helper()
	name := os.Getenv("MIGRATION_TEST_BUSYBOX")
	if name == "" {
		name = "busybox"
	}
	host, err := exec.LookPath(name)
	if err != nil {
		b.t.Skip("busybox is not installed")
	}
	data, err := os.ReadFile(host)
	if err != nil {
		b.t.Fatal(err)
	}
	b.mkdir("usr/bin")
	b.write("usr/bin/busybox", string(data))
	if err := os.Chmod(b.path("usr/bin/busybox"), 0o755); err != nil {
		b.t.Fatal(err)
	}
	for _, applet := range oeApplets {
		b.symlink("busybox", "usr/bin/"+applet)
	}
	b.symlink("usr/bin", "bin")
}

// addHostTools binds the host's programs and libraries into the root.
func (b *box) addHostTools() {
	b.t.Helper()
	if _, err := os.Stat(b.sh.argv[0]); err != nil {
		b.t.Skipf("%s is not installed", b.sh.argv[0])
	}
	for _, dir := range []string{"usr/bin", "usr/sbin", "usr/lib", "usr/lib32", "usr/lib64", "bin", "sbin", "lib", "lib64"} {
		info, err := os.Lstat("/" + dir)
		switch {
		case err != nil:
		case info.Mode()&os.ModeSymlink != 0:
			target, _ := os.Readlink("/" + dir)
			b.symlink(target, dir)
		case dir == "usr/lib":
			b.bindLibraries()
		default:
			b.mkdir(dir)
			b.mounts = append(b.mounts, "bind /"+dir+" "+dir)
		}
	}
	// awk is often a link through /etc/alternatives, which the root has not.
	awk, err := exec.LookPath(b.sh.awk)
	if err != nil {
		if awk, err = exec.LookPath("awk"); err != nil {
			b.t.Skip("awk is not installed")
		}
	}
	if awk, err = filepath.EvalSymlinks(awk); err != nil {
		b.t.Fatal(err)
	}
	b.write("opt/tools/awk", "")
	b.mounts = append(b.mounts, "bind "+awk+" opt/tools/awk")
}

// bindLibraries binds what is in /usr/lib one by one: usr/lib/migration is the
// root's own.
func (b *box) bindLibraries() {
	entries, err := os.ReadDir("/usr/lib")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, entry := range entries {
		name := "usr/lib/" + entry.Name()
		target, err := os.Readlink("/" + name)
		switch {
		case err == nil:
			b.symlink(target, name)
		case entry.IsDir() && strings.Contains(name, "linux-gnu"):
			b.mkdir(name)
			b.mounts = append(b.mounts, "bind /"+name+" "+name)
		case !entry.IsDir() && strings.Contains(name, ".so"):
			b.write(name, "")
			b.mounts = append(b.mounts, "bind /"+name+" "+name)
		}
	}
}

// result is what the runner would see of a migration.
type result struct {
	stdout, stderr string
	code           int
}

// reason is the last line on stderr, which the runner shows.
func (r result) reason() string {
	lines := strings.Split(strings.TrimRight(r.stderr, "\n"), "\n")
	return lines[len(lines)-1]
}

// run runs a migration's text, after the line that reads the library.
func (b *box) run(script string) result {
	b.t.Helper()
	cmd := b.command(script, nil)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	r := result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	if r.code == launchFailed {
		b.t.Fatalf("starting the script: %s", r.stderr)
	}
	return r
}

// ok runs a script that must succeed without a word on stderr, and returns what
// it reported.
func (b *box) ok(script string) string {
	b.t.Helper()
	r := b.run(script)
	if r.code != 0 || r.stderr != "" {
		b.t.Fatalf("script:\n%s\nexit %d, stderr: %s", script, r.code, r.stderr)
	}
	return r.stdout
}

// quiet runs a script that must find nothing to do: no word, and no write.
func (b *box) quiet(script string) {
	b.t.Helper()
	before := snapshot(b.t, b.root, exact)
	if out := b.ok(script); out != "" {
		b.t.Errorf("second run of %q reported: %s", script, out)
	}
	before.compare(b.t, snapshot(b.t, b.root, exact), "second run of "+script)
}

// refused runs a script that must end with status 1 and a last line on stderr
// that holds want, and that must have changed nothing.
func (b *box) refused(script, want string) {
	b.t.Helper()
	before := snapshot(b.t, b.root, exact)
	r := b.run(script + "\necho not reached")
	if r.code != 1 || !strings.Contains(r.reason(), want) || strings.Contains(r.stdout, "not reached") {
		b.t.Errorf("%s\nexit %d, stdout %q, reason %q; want exit 1 and %q", script, r.code, r.stdout, r.reason(), want)
	}
	before.compare(b.t, snapshot(b.t, b.root, exact), "refused "+script)
}

// command makes the launcher's command; see launch.
func (b *box) command(script string, env []string) *exec.Cmd {
	b.write("migration", ". \"$MIGRATION_LIB\"\n"+script+"\n")
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append([]string{
		"FUNCTIONS_ROOT=" + b.root,
		"FUNCTIONS_FILTER=nosync",
		"FUNCTIONS_MOUNTS=" + strings.Join(b.mounts, "\n"),
		"FUNCTIONS_ARGV=" + strings.Join(append(b.sh.argv, "-eu", "/migration"), "\n"),
		"PATH=/opt/tools:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
		"MIGRATION_ID=tests:functions", "MIGRATION_FROM=1.0", "MIGRATION_TO=2.0", "MIGRATION_ATTEMPT=1",
		"MIGRATION_FILE=0010-tests:functions", "MIGRATION_STATE=/var/lib/migration/state",
		"MIGRATION_LIB=/usr/lib/migration/functions.sh",
	}, append(b.env, env...)...)
	cmd.SysProcAttr = namespaces()
	return cmd
}

// namespaces are a mount namespace and, for a plain user, a user namespace.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// cannotSandbox says why no mount namespace can be had; empty if one can.
func cannotSandbox() string {
	self, err := os.Executable()
	if err != nil {
		return err.Error()
	}
	cmd := exec.Command(self)
	cmd.Env = []string{"FUNCTIONS_PROBE=1"}
	cmd.SysProcAttr = namespaces()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Sprintf("no mount namespace here: %v %s", err, out)
	}
	return ""
}

// needRoot skips what needs files of several owners.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: changes owners")
	}
}

func (b *box) path(name string) string { return filepath.Join(b.root, name) }

func (b *box) mkdir(name string) {
	b.t.Helper()
	if err := os.MkdirAll(b.path(name), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) write(name, content string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o755); err != nil {
		b.t.Fatal(err)
	}
	os.Remove(b.path(name)) // it may be read-only
	if err := os.WriteFile(b.path(name), []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) symlink(target, name string) {
	b.t.Helper()
	if err := os.Symlink(target, b.path(name)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) read(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

// expect compares a file's whole content.
func (b *box) expect(name, want string) {
	b.t.Helper()
	if got := b.read(name); got != want {
		b.t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}
