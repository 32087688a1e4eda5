// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package saved

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"meta-migration/tests/crash/ptrace"
)

// TestMain lets the test binary be the program that is killed: with
// SAVED_TEST_OPERATION it does one thing and ends.
func TestMain(m *testing.M) {
	if op := os.Getenv("SAVED_TEST_OPERATION"); op != "" {
		runtime.LockOSThread()
		os.Exit(operate(op, os.Args[1], os.Args[2]))
	}
	os.Exit(m.Run())
}

// crashPaths are the Paths of the crash tests.
var crashPaths = []string{"/etc", "/opt/one", "/absent/deep", "/opt/shared"}

func operate(op, root, saves string) int {
	rootFd, savesFd := fdOf(root), fdOf(saves)
	var err error
	switch op {
	case "save":
		err = Save(rootFd, savesFd, 1, crashPaths)
	case "restore":
		_, err = Restore(rootFd, savesFd, 1)
	case "drop":
		err = Drop(savesFd, 1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// tester runs operations on a field under the tracer.
type tester struct {
	*field
	stderr *os.File
}

func newTester(t *testing.T) *tester {
	// A kill does not lose what is not synced, so no disk is needed.
	dir := quickDir(t)
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	must(t, err)
	t.Cleanup(func() { stderr.Close() })
	c := &tester{fieldAt(t, dir+"/root", dir+"/saves"), stderr}
	if _, err := c.run("none", ptrace.Plan{}); err != nil {
		t.Skipf("this machine does not let a process be traced: %v", err)
	}
	return c
}

func (c *tester) run(op string, plan ptrace.Plan) (ptrace.Result, error) {
	return c.trace(op, plan, nil)
}

func (c *tester) trace(op string, plan ptrace.Plan, seen func(int, ptrace.Call)) (ptrace.Result, error) {
	self, err := os.Executable()
	must(c.t, err)
	must(c.t, c.stderr.Truncate(0))
	_, err = c.stderr.Seek(0, 0)
	must(c.t, err)
	return ptrace.Run(&ptrace.Command{
		Path: self, Args: []string{self, c.root, c.saves}, Stderr: c.stderr,
		Env:   append(os.Environ(), "SAVED_TEST_OPERATION="+op, "GOMAXPROCS=1"),
		Close: plan.Errno != 0,
		Seen:  seen,
		Select: func(call ptrace.Call) bool {
			switch call.Name {
			case "execve", "exit_group":
				return false
			case "write", "close":
				return call.Args[0] > 2
			}
			return true
		},
	}, plan)
}

// do runs an operation that must succeed.
func (c *tester) do(op string) ptrace.Result {
	c.t.Helper()
	r, err := c.run(op, ptrace.Plan{})
	must(c.t, err)
	if r.Status.ExitStatus() != 0 {
		c.t.Fatalf("%s: %s", op, c.said())
	}
	return r
}

func (c *tester) said() string {
	data, err := os.ReadFile(c.stderr.Name())
	must(c.t, err)
	return string(data)
}

// wipe empties both directories.
func (c *tester) wipe() {
	for _, dir := range []string{c.root, c.saves} {
		entries, err := os.ReadDir(dir)
		must(c.t, err)
		for _, e := range entries {
			must(c.t, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
}

// grow makes the tree that is saved: one of each kind, in small.
func (c *tester) grow() {
	c.write("etc/passwd", "root:x:0:0\n")
	c.write("etc/large", strings.Repeat("0123456789", 1000))
	c.write("etc/gone/deep", "1")
	c.write("etc/todir", "file")
	c.write("etc/tofile/x", "1")
	c.write("etc/link1", "linked")
	c.write("etc/untouched", "1")
	c.write("opt/one", "1")
	c.write("opt/shared", strings.Repeat("shared", 1000))
	c.write("outside", "")
	must(c.t, os.Remove(c.path("outside")))
	must(c.t, os.Link(c.path("opt/shared"), c.path("outside")))
	must(c.t, os.Link(c.path("etc/link1"), c.path("etc/zlink2")))
	must(c.t, os.Symlink("passwd", c.path("etc/sym")))
	must(c.t, syscall.Mkfifo(c.path("etc/fifo"), 0o640))
	must(c.t, os.Chmod(c.path("etc/passwd"), 0o600))
}

// spoil changes it as a migration would.
func (c *tester) spoil() {
	c.write("etc/passwd", "changed\n")
	c.write("etc/large", strings.Repeat("x", 9000))
	must(c.t, os.RemoveAll(c.path("etc/gone")))
	must(c.t, os.Remove(c.path("etc/todir")))
	c.write("etc/todir/in/side", "")
	must(c.t, os.RemoveAll(c.path("etc/tofile")))
	c.write("etc/tofile", "1")
	must(c.t, os.Remove(c.path("etc/zlink2")))
	c.write("etc/zlink2", "linked")
	must(c.t, os.Remove(c.path("etc/sym")))
	must(c.t, os.Symlink("shadow", c.path("etc/sym")))
	must(c.t, os.Remove(c.path("etc/fifo")))
	must(c.t, os.Chmod(c.path("etc/link1"), 0o4711))
	c.write("etc/added/tree", "")
	c.write("absent/deep/tree", "")
	must(c.t, os.Remove(c.path("opt/one")))
	c.write("opt/shared", "short")
}

// tree is a snapshot of all, inside and outside the Paths: neither may change.
func (c *tester) tree() map[string]string {
	s := c.snapshot()
	delete(s, "")
	for _, p := range []string{"/opt"} {
		s[p] = "" // its time is not covered
	}
	return s
}

func stride(t *testing.T) int {
	if testing.Short() {
		return 7
	}
	return 1
}

// TestKilledSave: after a kill at any call there is either no save, and
// nothing changed, or a whole one.
func TestKilledSave(t *testing.T) {
	c := newTester(t)
	c.grow()
	all := c.do("save").Calls
	whole := 0
	for n := 1; n <= all; n += stride(t) {
		c.wipe()
		c.grow()
		want := c.tree()
		r, err := c.run("save", ptrace.Plan{At: n, Kill: true})
		must(t, err)
		compare(t, fmt.Sprint("killed at ", n, r.At), want, c.tree())
		must(t, Sweep(c.savesFd))
		has, err := Has(c.savesFd, 1)
		must(t, err)
		if entries, _ := os.ReadDir(c.saves); len(entries) > 0 && !has {
			t.Errorf("at %d %v: left over %v", n, r.At, entries)
		}
		if !has {
			continue
		}
		whole++
		c.spoil()
		c.restore(1)
		compare(t, fmt.Sprint("restored after a kill at ", n, r.At), want, c.tree())
	}
	t.Logf("%d calls; whole after %d of the kills", all, whole)
	if !testing.Short() && (whole < 1 || whole > 2) {
		t.Errorf("a whole save can be there only near the end, not after %d of %d kills", whole, all)
	}
}

// TestKilledRestore: after a kill at any call, Restore again gives the tree
// that was saved; a second kill at a random call makes no difference.
func TestKilledRestore(t *testing.T) {
	c := newTester(t)
	random := rand.New(rand.NewSource(1))
	prepare := func() (want map[string]string) {
		c.wipe()
		c.grow()
		want = c.tree()
		c.save(1, crashPaths...)
		c.spoil()
		return want
	}
	want := prepare()
	all := c.do("restore").Calls
	compare(t, "not killed", want, c.tree())
	for n := 1; n <= all; n += stride(t) {
		want := prepare()
		first, err := c.run("restore", ptrace.Plan{At: n, Kill: true})
		must(t, err)
		what := fmt.Sprint("killed at ", n, " ", first.At)
		if n%3 == 0 {
			m := 1 + random.Intn(all)
			second, err := c.run("restore", ptrace.Plan{At: m, Kill: true})
			must(t, err)
			what += fmt.Sprint(" and at ", m, " ", second.At)
		}
		must(t, Sweep(c.savesFd))
		c.restore(1)
		compare(t, what, want, c.tree())
		if r := c.restore(1); r.Restored+r.Removed+r.Adjusted != 0 {
			t.Errorf("%s: still work to do: %+v", what, r)
		}
	}
	t.Logf("%d calls", all)
}

func TestKilledDrop(t *testing.T) {
	c := newTester(t)
	c.grow()
	c.save(1, crashPaths...)
	all := c.do("drop").Calls
	for n := 1; n <= all; n++ {
		c.wipe()
		c.grow()
		want := c.tree()
		c.save(1, crashPaths...)
		_, err := c.run("drop", ptrace.Plan{At: n, Kill: true})
		must(t, err)
		must(t, Sweep(c.savesFd))
		if has, _ := Has(c.savesFd, 1); has {
			c.spoil()
			c.restore(1)
			compare(t, fmt.Sprint("killed at ", n), want, c.tree())
		} else if entries, _ := os.ReadDir(c.saves); len(entries) > 0 {
			t.Errorf("killed at %d: left %v", n, entries)
		}
	}
}

// TestSyncOrder checks what a kill cannot show, since it loses nothing that was
// written: nothing gets its final name before it is on the medium, and the
// name is there before anything is claimed.
func TestSyncOrder(t *testing.T) {
	c := newTester(t)
	c.grow()
	sequence := func(op string) (s string) {
		letters := map[string]string{"write": "w", "pwrite64": "w", "ftruncate": "w", "ioctl": "w", "fsync": "s", "syncfs": "S",
			"renameat": "R", "renameat2": "R", "unlinkat": "u", "linkat": "m", "mkdirat": "m", "mknodat": "m", "symlinkat": "m",
			"fchmodat": "a", "fchownat": "a", "utimensat": "a", "lsetxattr": "a"}
		_, err := c.trace(op, ptrace.Plan{}, func(_ int, call ptrace.Call) { s += letters[call.Name] })
		must(t, err)
		return s
	}
	// The contents, then index and directory, the name, and the name's own sync.
	if s := sequence("save"); !regexp.MustCompile(`^m((w+s)+)wssRs$`).MatchString(s) {
		t.Errorf("Save does %s", s)
	}
	c.spoil()
	// A file is written, given its attributes and synced before its name; all
	// is synced once more at the end.
	s := sequence("restore")
	if !regexp.MustCompile(`^([^wR]|w+a+s|(w+a*s|m|ma+)R)+S+$`).MatchString(s) || !strings.Contains(s, "sR") {
		t.Errorf("Restore does %s", s)
	}
	// Nothing is left to do, but whoever did it may have died before its sync.
	if s := sequence("restore"); s != "S" {
		t.Errorf("a second Restore does %s", s)
	}
	if s := sequence("drop"); !strings.HasPrefix(s, "Rsu") {
		t.Errorf("Drop does %s", s)
	}
}

// TestErrors makes each call fail in each way, alone or with all later ones.
// What is claimed must be true; what is not must be repairable.
func TestErrors(t *testing.T) {
	c := newTester(t)
	for _, op := range []string{"save", "restore"} {
		prepare := func() (want map[string]string) {
			c.wipe()
			c.grow()
			want = c.tree()
			if op == "restore" {
				c.save(1, crashPaths...)
				c.spoil()
			}
			return want
		}
		prepare()
		all, err := c.run(op, ptrace.Plan{Errno: syscall.EIO})
		must(t, err)
		errnos := []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EDQUOT}
		refused := 0
		for n := 1; n <= all.Calls; n += stride(t) {
			want := prepare()
			broken := c.tree()
			plan := ptrace.Plan{At: n, Errno: errnos[n%len(errnos)]}
			if n%5 == 0 {
				plan.Until = 1 << 30
			}
			r, err := c.run(op, plan)
			must(t, err)
			what := fmt.Sprintf("%s with %v at %d %v until %d", op, plan.Errno, n, r.At, plan.Until)
			ok := r.Status.ExitStatus() == 0
			if ok && mustNotSurvive(r.At.Name, plan.Errno) {
				t.Errorf("%s: claimed all the same", what)
			}
			if !ok {
				refused++
				if said := c.said(); !strings.Contains(said, plan.Errno.Error()) && !strings.Contains(said, "damaged") || strings.Count(said, "\n") != 1 {
					t.Errorf("%s: said %q", what, said)
				}
			}
			if op == "save" {
				compare(t, what, broken, c.tree())
				must(t, Sweep(c.savesFd))
				has, err := Has(c.savesFd, 1)
				must(t, err)
				if ok && !has {
					t.Fatalf("%s: claimed and not there", what)
				}
				if !has {
					continue
				}
				c.spoil()
			} else if ok {
				compare(t, what+": claimed", want, c.tree())
			}
			c.restore(1)
			compare(t, what+": again", want, c.tree())
		}
		t.Logf("%s: %d calls, %d refused", op, all.Calls, refused)
		if refused < all.Calls/stride(t)/3 {
			t.Errorf("%s: only %d of %d faults were noticed", op, refused, all.Calls)
		}
	}
}

// mustNotSurvive names the calls whose failure cannot be made good. With no
// space for two, a file is written in place instead.
func mustNotSurvive(call string, errno syscall.Errno) bool {
	if errno != syscall.EIO && errno != syscall.EROFS {
		return false
	}
	switch call {
	case "fsync", "syncfs", "mkdirat", "mknodat", "symlinkat", "fchownat", "fchmodat", "utimensat", "lsetxattr",
		"write", "pwrite64", "renameat", "renameat2", "linkat", "ftruncate":
		return true
	}
	return false
}

// TestBrokenVariant shows that the sweep bites: a save that is written under
// its final name at once does not pass it.
func TestBrokenVariant(t *testing.T) {
	c := newTester(t)
	c.grow()
	c.save(1, crashPaths...)
	index, err := os.ReadFile(c.saves + "/1/index")
	must(t, err)
	c.spoil()
	broken := c.tree()
	for _, cut := range []int{0, 1, len(index) / 2, len(index) - 1} {
		must(t, os.WriteFile(c.saves+"/1/index", index[:cut], 0o600))
		if _, err := Restore(c.rootFd, c.savesFd, 1); err == nil {
			t.Errorf("an index cut to %d bytes was taken", cut)
		}
		compare(t, "a cut index", broken, c.tree())
	}
	if !bytes.HasPrefix(index[frameSize+1:], append([]byte{byte(len(magic))}, magic...)) {
		t.Error("the format has changed")
	}
}
