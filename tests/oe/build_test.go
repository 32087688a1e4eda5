// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A build is one bitbake build directory.
type build struct {
	checkout
	format string
	source string // the copy of this repository that holds the layers
	dir    string // TOPDIR
	sstate string
	owner  *account
	runs   int
}

// An account runs bitbake: the user of the test, or where that is root,
// another one.
type account struct {
	name     string
	uid, gid int
	home     string
}

func buildAccount(t *testing.T) *account {
	t.Helper()
	if os.Getuid() != 0 {
		return &account{"", os.Getuid(), os.Getgid(), os.Getenv("HOME")}
	}
	names := []string{"builder", "nobody"}
	if name := os.Getenv("OE_USER"); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return &account{name, uid, gid, u.HomeDir}
	}
	t.Skipf("SKIP: bitbake refuses root, and there is no user %s", strings.Join(names, " or "))
	return nil
}

// own gives a tree to the account.
func (a *account) own(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, a.uid, a.gid)
	})
}

// repository is the checkout that this test stands in.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var sourceOnce sync.Once

// workDir is where builds are made. The first call copies this repository to
// it, as it would be cloned with the changes of now, and the Go modules' files:
// bitbake must be able to read them, whoever runs it.
func workDir(t *testing.T) string {
	t.Helper()
	work := filepath.Join(cache(t), "work")
	sourceOnce.Do(func() {
		lock(t, work)
		source := filepath.Join(work, "source")
		if err := os.RemoveAll(source); err != nil {
			t.Fatal(err)
		}
		copyRepository(t, repository(t), source)
		seed := exec.Command(filepath.Join(repository(t), "meta-migration/scripts/update-go-mods.py"), "--check", "--seed", filepath.Join(work, "seed"))
		if out, err := seed.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	return work
}

// lock keeps two test runs out of one work directory; it ends with the
// process.
func lock(t *testing.T, work string) {
	t.Helper()
	if err := os.MkdirAll(work, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(work, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	locked = f
}

// locked is held open until the process ends.
var locked *os.File

// copyRepository copies what git knows and what it does not ignore.
func copyRepository(t *testing.T, from, to string) {
	t.Helper()
	list := exec.Command("git", "-C", from, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	names, err := list.Output()
	if err != nil {
		t.Fatalf("listing the repository: %v", err)
	}
	for _, name := range strings.Split(strings.TrimRight(string(names), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// copyFile copies a file or link; one that is gone meanwhile is left out.
func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}

// newBuild makes the build directory `name`, without anything that an
// earlier test run left, unless OE_KEEP is set.
func newBuild(t *testing.T, c checkout, format, name string) *build {
	t.Helper()
	needTools(t, format)
	b := &build{checkout: c, format: format, owner: buildAccount(t)}
	work := workDir(t)
	b.source, b.dir = filepath.Join(work, "source"), filepath.Join(work, name)
	b.sstate = filepath.Join(work, "sstate-"+c.series)
	if os.Getenv("OE_KEEP") == "" {
		if err := os.RemoveAll(b.dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"conf", "case/files"} {
		if err := os.MkdirAll(filepath.Join(b.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"local.conf", "bblayers.conf"} {
		if err := copyFile(filepath.Join(b.source, "tests/oe/conf", file), filepath.Join(b.dir, "conf", file)); err != nil {
			t.Fatal(err)
		}
	}
	b.setCase(t, nil)
	if err := b.owner.own(work); err != nil {
		t.Fatal(err)
	}
	return b
}

// setCase replaces what the last case added to the build: conf is
// conf/case.conf, x.bbappend an append for all versions of x, files/x a file
// for one.
func (b *build) setCase(t *testing.T, files map[string]string) {
	t.Helper()
	dir := filepath.Join(b.dir, "case")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(b.dir, "conf/case.conf"), files["conf"])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if name != "conf" {
			write(filepath.Join(dir, strings.Replace(name, ".bbappend", "_%.bbappend", 1)), text)
		}
	}
	if err := b.owner.own(dir); err != nil {
		t.Fatal(err)
	}
}

// run runs a command in the build's environment and returns all that it
// prints. The output stays in the build directory, too.
func (b *build) run(t *testing.T, words ...string) (string, error) {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{
		"OETEST_SOURCE": b.source, "OETEST_CORE": b.core, "OETEST_FORMAT": b.format, "OETEST_SSTATE": b.sstate,
		"OETEST_SEED": filepath.Join(filepath.Dir(b.source), "seed"), "OETEST_GOROOT": strings.TrimSpace(string(goroot)),
	}
	path := b.core + "/scripts:" + b.bitbake + "/bin:/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin"
	// nice looks for the command in the PATH that it is given below.
	cmd := exec.Command("nice", words...)
	cmd.Dir = b.dir
	cmd.Env = []string{"PATH=" + path, "HOME=" + b.owner.home, "LANG=en_US.UTF-8", "TERM=dumb", "BUILDDIR=" + b.dir,
		// oe-selftest commits to a repository that it makes.
		"GIT_AUTHOR_NAME=oetest", "GIT_AUTHOR_EMAIL=oetest@localhost", "GIT_COMMITTER_NAME=oetest", "GIT_COMMITTER_EMAIL=oetest@localhost",
		// It also asks what is checked out, which another user did.
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}
	pass := []string{}
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value)
		pass = append(pass, name)
	}
	cmd.Env = append(cmd.Env, "BB_ENV_PASSTHROUGH_ADDITIONS="+strings.Join(pass, " "))
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(b.owner.uid), Gid: uint32(b.owner.gid)}}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	b.runs++
	log := filepath.Join(b.dir, fmt.Sprintf("run-%02d.log", b.runs))
	if err := os.WriteFile(log, append([]byte(strings.Join(words, " ")+"\n"), out.Bytes()...), 0o644); err != nil {
		t.Fatal(err)
	}
	return out.String(), err
}

// succeed runs bitbake and fails the test where bitbake fails or warns.
func (b *build) succeed(t *testing.T, words ...string) string {
	t.Helper()
	out, err := b.run(t, append([]string{"bitbake"}, words...)...)
	if err != nil {
		t.Fatalf("bitbake %s: %v\n%s", strings.Join(words, " "), err, tail(out))
	}
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, "WARNING:") && !tolerated(line) {
			t.Errorf("bitbake %s: %s", strings.Join(words, " "), line)
		}
	}
	return out
}

// tolerated are warnings about the host, not about the layer.
func tolerated(line string) bool {
	for _, text := range []string{"Host distribution", "You are running bitbake under WSLv2", "has not been validated"} {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// refuse runs bitbake, which must fail, with each of the messages among what
// it prints.
func (b *build) refuse(t *testing.T, target string, messages ...string) {
	t.Helper()
	words := append(strings.Fields("bitbake"), strings.Fields(target)...)
	out, err := b.run(t, words...)
	if err == nil {
		t.Errorf("bitbake %s succeeded", target)
	}
	for _, message := range messages {
		if !strings.Contains(out, message) {
			t.Errorf("bitbake %s does not say %q:\n%s", target, message, tail(out))
		}
	}
}

// tail leaves out what bitbake prints for every task, and of the rest shows
// the end.
func tail(out string) string {
	var lines []string
	for _, line := range strings.Split(out, "\n") {
		if !strings.HasPrefix(line, "NOTE:") && !strings.HasPrefix(line, "HASH") {
			lines = append(lines, line)
		}
	}
	if len(lines) > 60 {
		lines = lines[len(lines)-60:]
	}
	return strings.Join(lines, "\n")
}

// deployed returns the one file that the pattern below the deploy directory
// names. TMPDIR is tmp, or with nodistro on older series tmp-glibc.
func (b *build) deployed(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.dir, "tmp*/deploy", pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d files %s: %v %v", len(found), pattern, found, err)
	}
	return found[0]
}

// packaged returns the files of a recipe's -migration package, as do_package
// split them.
func (b *build) packaged(t *testing.T, recipe, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.dir, "tmp*", "work", "*", recipe, "*/packages-split", recipe+"-migration", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// feed returns the deployed packages whose names match the pattern.
func (b *build) feed(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.dir, "tmp*/deploy", b.format, "*", pattern+"."+b.format))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
