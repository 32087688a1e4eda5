// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package crash

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"meta-migration/tests/crash/ptrace"
)

// settle boots until nothing changes any more and returns the last exit code.
func settle(t testing.TB, root string) (exit int, output string) {
	t.Helper()
	var all strings.Builder
	for boots := 0; boots < 4; boots++ {
		out, err := command(t, root).CombinedOutput()
		exit = status(err)
		fmt.Fprintf(&all, "[exit %d]\n%s", exit, out)
		if exit == 0 {
			break
		}
	}
	return exit, all.String()
}

// A sweep is a scenario with what its undisturbed run led to.
type sweep struct {
	scenario
	before    string // the tree
	data      string
	standings string
	calls     int
	rng       *rand.Rand
}

func newSweep(t *testing.T, s scenario) *sweep {
	if os.Geteuid() != 0 {
		t.Skip("not root: the scripts run chrooted")
	}
	if busybox() == "" {
		t.Skip("no static busybox (Debian: busybox-static)")
	}
	w := &sweep{scenario: s, before: newRoot(t), rng: rand.New(rand.NewSource(1))}
	content(t, w.before)
	s.prepare(t, w.before)
	calm := clone(t, w.before)
	exit, out := settle(t, calm)
	if exit != s.exit {
		t.Fatalf("undisturbed exit is %d, want %d\n%s", exit, s.exit, out)
	}
	w.data, w.standings = picture(t, calm), standings(t, calm)
	counted, err := ptrace.Run(w.traced(t, clone(t, w.before)), ptrace.Plan{})
	must(t, err)
	w.calls = counted.Calls
	return w
}

func (w *sweep) traced(t testing.TB, root string) *ptrace.Command {
	c := command(t, root)
	return &ptrace.Command{Path: c.Path, Args: c.Args, Env: os.Environ(), Dir: "/", Timeout: 2 * time.Minute}
}

// points are the calls to disturb: all with SWEEP=full, else SWEEP of them, or
// short, spread over the run.
func (w *sweep) points(short int) []int {
	var all []int
	for n := 1; n <= w.calls; n++ {
		all = append(all, n)
	}
	if n, err := strconv.Atoi(os.Getenv("SWEEP")); err == nil {
		short = n
	}
	if os.Getenv("SWEEP") == "full" || len(all) <= short {
		return all
	}
	w.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:short]
}

// check lets a disturbed device come to rest and compares it.
func (w *sweep) check(t *testing.T, root, how string) {
	t.Helper()
	if deviation := w.deviation(t, root); deviation != "" {
		t.Errorf("%s: %s", how, deviation)
	}
}

// deviation says in what a disturbed device, come to rest, differs from the
// undisturbed one; "" for nothing.
func (w *sweep) deviation(t testing.TB, root string) string {
	exit, out := settle(t, root)
	if exit != w.exit {
		return fmt.Sprintf("comes to rest with exit %d, want %d\n%s", exit, w.exit, out)
	}
	if got := picture(t, root); got != w.data {
		return fmt.Sprintf("the data differs\n%s\n%s", difference(got, w.data), out)
	}
	if got := standings(t, root); got != w.standings {
		return fmt.Sprintf("the ledger differs\n%s\n%s", difference(got, w.standings), out)
	}
	return ""
}

// TestKillAtEveryCall kills the runner and its children at the entry of each
// system call, then lets the device come to rest.
func TestKillAtEveryCall(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			w := newSweep(t, s)
			begin := time.Now()
			points := w.points(15)
			for _, n := range points {
				root := clone(t, w.before)
				r, err := ptrace.Run(w.traced(t, root), ptrace.Plan{At: n, Kill: true})
				must(t, err)
				w.check(t, root, fmt.Sprintf("killed at call %d of %d, %v", n, w.calls, r.At))
				must(t, os.RemoveAll(root))
				if t.Failed() {
					return
				}
			}
			t.Logf("%d of %d points in %.1f s", len(points), w.calls, time.Since(begin).Seconds())
		})
	}
}

// TestKillTwice kills the recovery from a kill, too.
func TestKillTwice(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			w := newSweep(t, s)
			points := w.points(4)
			for _, n := range points {
				root := clone(t, w.before)
				first, err := ptrace.Run(w.traced(t, root), ptrace.Plan{At: n, Kill: true})
				must(t, err)
				second, err := ptrace.Run(w.traced(t, root), ptrace.Plan{At: 1 + w.rng.Intn(w.calls), Kill: true})
				must(t, err)
				w.check(t, root, fmt.Sprintf("killed at call %d, %v, and then at %v", n, first.At, second.At))
				must(t, os.RemoveAll(root))
				if t.Failed() {
					return
				}
			}
			t.Logf("%d of %d points", len(points), w.calls)
		})
	}
}

// TestFailEveryCall lets each system call fail once. The run must say so by
// its exit code; the device must come to rest as if nothing had been.
func TestFailEveryCall(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			w := newSweep(t, s)
			begin := time.Now()
			errnos := []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EDQUOT}
			points := w.points(8)
			for i, n := range points {
				for _, errno := range errnos {
					if os.Getenv("SWEEP") != "full" && errno != errnos[i%len(errnos)] {
						continue
					}
					root := clone(t, w.before)
					r, err := ptrace.Run(w.traced(t, root), ptrace.Plan{At: n, Errno: errno})
					must(t, err)
					how := fmt.Sprintf("%v at call %d of %d, %v", errno, n, w.calls, r.At)
					if r.Status.Signaled() || r.Status.ExitStatus() > 8 || r.Status.ExitStatus() == 2 {
						t.Errorf("%s: ends with status %#x", how, r.Status)
					}
					w.check(t, root, how)
					must(t, os.RemoveAll(root))
				}
				if t.Failed() {
					return
				}
			}
			t.Logf("%d of %d points in %.1f s", len(points), w.calls, time.Since(begin).Seconds())
		})
	}
}

// TestFailEveryRead lets each call of the runner that only looks return EIO
// once: what could not be read must not be taken for what is not there.
func TestFailEveryRead(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			w := newSweep(t, s)
			begin := time.Now()
			traced := func(root string) *ptrace.Command {
				c := w.traced(t, root)
				c.Reads, c.Select = true, ofRunner
				return c
			}
			counted, err := ptrace.Run(traced(clone(t, w.before)), ptrace.Plan{})
			must(t, err)
			w.calls = counted.Calls
			points := w.points(6)
			for _, n := range points {
				root := clone(t, w.before)
				r, err := ptrace.Run(traced(root), ptrace.Plan{At: n, Errno: syscall.EIO})
				must(t, err)
				how := fmt.Sprintf("EIO at look %d of %d, %v", n, w.calls, r.At)
				if r.Status.Signaled() || r.Status.ExitStatus() > 8 || r.Status.ExitStatus() == 2 {
					t.Errorf("%s: ends with status %#x", how, r.Status)
				}
				w.check(t, root, how)
				must(t, os.RemoveAll(root))
			}
			t.Logf("%d of %d points in %.1f s", len(points), w.calls, time.Since(begin).Seconds())
		})
	}
}

// ofRunner says whether the runner makes a call, and not one of its scripts.
func ofRunner(c ptrace.Call) bool {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", c.Task))
	return strings.TrimSpace(string(name)) == "migrate-runner"
}

// TestFallbackMetByNewer cuts a fallback off and then starts the newer image
// again, as a boot loader does that gives it another try. Whether the fallback
// had begun or not, the device must come to the newer image's rest.
func TestFallbackMetByNewer(t *testing.T) {
	var fallback scenario
	for _, s := range scenarios {
		if s.name == "fallback" {
			fallback = s
		}
	}
	w := newSweep(t, fallback)
	back := func(root string) {
		// Of the tree only data and state are the clone's own.
		must(t, os.RemoveAll(root+"/etc"))
		must(t, os.RemoveAll(root+"/usr"))
		keeping.install(t, root)
	}
	calm := clone(t, w.before)
	_, _ = settle(t, calm)
	back(calm)
	if exit, out := settle(t, calm); exit != 0 {
		t.Fatalf("undisturbed exit is %d\n%s", exit, out)
	}
	w.data, w.standings, w.exit = picture(t, calm), standings(t, calm), 0
	points := w.points(12)
	for _, n := range points {
		root := clone(t, w.before)
		r, err := ptrace.Run(w.traced(t, root), ptrace.Plan{At: n, Kill: true})
		must(t, err)
		back(root)
		w.check(t, root, fmt.Sprintf("killed at call %d of %d, %v, then the newer image", n, w.calls, r.At))
		must(t, os.RemoveAll(root))
	}
	t.Logf("%d of %d points", len(points), w.calls)
}

// TestFailFromCallOn lets a call and all later ones that write fail: a disk
// that is full, gone or read-only from one moment on, until the next boot.
func TestFailFromCallOn(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			w := newSweep(t, s)
			traced := func(root string) *ptrace.Command {
				c := w.traced(t, root)
				c.Select = writesToDisk
				return c
			}
			counted, err := ptrace.Run(traced(clone(t, w.before)), ptrace.Plan{})
			must(t, err)
			w.calls = counted.Calls
			points := w.points(4)
			for i, n := range points {
				root := clone(t, w.before)
				errno := []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EIO, syscall.EDQUOT}[i%4]
				r, err := ptrace.Run(traced(root), ptrace.Plan{At: n, Until: 1 << 30, Errno: errno})
				must(t, err)
				how := fmt.Sprintf("%v from call %d of %d on, %v", errno, n, w.calls, r.At)
				if code := r.Status.ExitStatus(); r.Status.Signaled() || code > 8 || code == 2 || code == 0 && s.exit != 0 {
					t.Errorf("%s: ends with status %#x", how, r.Status)
				}
				w.check(t, root, how)
				must(t, os.RemoveAll(root))
			}
			t.Logf("%d of %d points", len(points), w.calls)
		})
	}
}

// writesToDisk leaves out the calls that have nothing to do with a disk.
func writesToDisk(c ptrace.Call) bool {
	switch c.Name {
	case "execve", "execveat", "wait4", "waitid", "exit_group", "flock", "memfd_create":
		return false
	}
	return true
}
