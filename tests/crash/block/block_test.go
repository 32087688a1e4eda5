// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meta-migration/tests/crash"
	"meta-migration/tests/machine"
)

// shortStates is how many states an ordinary run checks; BLOCK_STATES sets
// another number, BLOCK_SEED another choice of them.
const shortStates = 400

// number reads a number from the environment.
func number(t *testing.T, name string, unset int) int {
	text := os.Getenv(name)
	if text == "" {
		return unset
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("reading %s: %q is no number above 0", name, text)
	}
	return n
}

// scratch is a directory in memory, where there is enough of it: a container
// has only a little.
func scratch(t *testing.T) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &st); err != nil || int64(st.Bavail)*int64(st.Bsize) < 512<<20 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "migration-block-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// needs skips the test where the machine cannot run or its disks cannot be
// mounted, and says why.
func needs(t *testing.T) *machine.Kernel {
	t.Helper()
	if testing.Short() {
		t.Skip("skipping: -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipping: not root, which mounting needs")
	}
	if crash.Busybox() == "" {
		t.Skip("skipping: no static busybox (Debian: busybox-static)")
	}
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	for command, from := range map[string]string{machine.Qemu: "qemu-system-x86", "mke2fs": "e2fsprogs"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skipf("skipping: no %s (Debian: %s)", command, from)
		}
	}
	if err := tryMount(scratch(t)); err != nil {
		t.Skipf("skipping: ext4 images cannot be mounted here: %v", err)
	}
	k, err := machine.DebianKernel()
	if err != nil {
		t.Skipf("skipping: no kernel: %v", err)
	}
	return k
}

// apart calls f in a thread with mounts of its own.
func apart(f func() error) error {
	result := make(chan error)
	go func() {
		err := ownMounts()
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}

func tryMount(dir string) error {
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	b, err := format(filepath.Join(dir, "image"), tree)
	if err != nil {
		return err
	}
	return apart(func() error {
		bench, err := newBench(nil, dir, "")
		if err != nil {
			return err
		}
		return bench.with(b, nil, func() error { return nil })
	})
}

// newDisk makes a disk of a tree that a scenario has prepared.
func newDisk(t *testing.T, name, runner, root string, s crash.Scenario) *disk {
	t.Helper()
	b, err := format(filepath.Join(scratch(t), "image"), root)
	if err != nil {
		t.Fatal(err)
	}
	return &disk{name: name, runner: runner, scenario: s, base: b}
}

// record boots the machine.
func record(t *testing.T, k *machine.Kernel, disks []*disk) {
	t.Helper()
	begin := time.Now()
	m := &guestMachine{kernel: k, busybox: crash.Busybox(), disks: disks}
	if console, err := m.boot(scratch(t)); err != nil {
		t.Fatalf("%v\n%s", err, console)
	}
	entries := 0
	for _, d := range disks {
		entries += len(d.history.entries)
	}
	t.Logf("recorded %d writes and flushes of %d disks in %.1f s", entries, len(disks), time.Since(begin).Seconds())
}

// A job is a state of a disk.
type job struct {
	disk  *disk
	state state
}

// keptHalfway is how many states of each disk are kept for a second cut.
const keptHalfway = 8

// A tally is the result of checking states.
type tally struct {
	sync.Mutex
	states, reorders, claimed, open, torn, saved int
	violations                                   []string
	trouble                                      error
	halfway                                      map[*disk][]state // with an open attempt or fallback
}

func (a *tally) add(j *job, seen sight, err error) {
	a.Lock()
	defer a.Unlock()
	a.states++
	count := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	count(&a.reorders, j.state.kind == "reorder")
	count(&a.claimed, j.state.claimed)
	count(&a.open, seen.open)
	count(&a.torn, seen.torn)
	count(&a.saved, seen.saved)
	if seen.open && len(a.halfway[j.disk]) < keptHalfway {
		a.halfway[j.disk] = append(a.halfway[j.disk], j.state)
	}
	if isViolation(err) {
		a.violations = append(a.violations, fmt.Sprintf("%s, %s, cut before entry %d of %d (ended: %v): %v",
			j.disk.name, j.state.kind, j.state.cut, len(j.disk.history.entries), j.state.claimed, err))
	} else if err != nil && a.trouble == nil {
		a.trouble = err
	}
}

// check looks at n states, as many of each disk, with a thread for each CPU.
func check(t *testing.T, runner string, disks []*disk, n int) *tally {
	t.Helper()
	begin := time.Now()
	dir, jobs, result := scratch(t), make(chan *job), &tally{halfway: map[*disk][]state{}}
	worker := func(i int) error {
		place := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(place, 0o755); err != nil {
			return err
		}
		b, err := newBench(t, place, runner)
		if err != nil {
			return err
		}
		for j := range jobs {
			seen, err := b.check(j.disk, &j.state)
			result.add(j, seen, err)
			keep(b, j, err)
		}
		return nil
	}
	if err := apart(func() error {
		b, err := newBench(t, dir, runner)
		for _, d := range disks {
			if err == nil && d.expect == nil {
				err = b.calm(d)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := 0; i < runtime.NumCPU(); i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			if err := apart(func() error { return worker(i) }); err != nil {
				result.Lock()
				result.trouble = err
				result.Unlock()
				for range jobs { // whoever sends must not wait for ever
				}
			}
		}(i)
	}
	rng := rand.New(rand.NewSource(int64(number(t, "BLOCK_SEED", 1))))
	left := n
	for i, d := range disks {
		states := d.history.states(left/(len(disks)-i), rng)
		left -= len(states)
		for _, s := range states {
			jobs <- &job{d, s}
		}
	}
	close(jobs)
	all.Wait()
	if result.trouble != nil {
		t.Fatal(result.trouble)
	}
	t.Logf("%d states (%d reordered; %d after the end; an open attempt in %d, a torn ledger in %d, a save in %d), %d violations, %.1f s",
		result.states, result.reorders, result.claimed, result.open, result.torn, result.saved,
		len(result.violations), time.Since(begin).Seconds())
	return result
}

// keep copies the disk of a violation to the directory BLOCK_KEEP: as the
// power cut left it, so it can be looked at and run again.
func keep(b *bench, j *job, err error) {
	dir := os.Getenv("BLOCK_KEEP")
	if dir == "" || !isViolation(err) {
		return
	}
	name := fmt.Sprintf("%s-%s-%d.img", j.disk.name, j.state.kind, j.state.cut)
	if err := j.disk.base.writeFile(filepath.Join(dir, name), j.state.writes); err != nil {
		b.t.Logf("keeping the disk: %v", err)
	}
}

// TestPowerCut checks states of two disks of every scenario: a quiet one and
// a busy one; and then states of disks on which the runner recovers from one
// of these states, a quarter as many.
func TestPowerCut(t *testing.T) {
	k := needs(t)
	var disks []*disk
	for _, s := range crash.Scenarios() {
		root := s.Prepare(t)
		for _, name := range []string{s.Name, s.Name + "-busy"} {
			disks = append(disks, newDisk(t, name, crash.Program(t), root, s))
		}
	}
	record(t, k, disks)
	n := number(t, "BLOCK_STATES", shortStates)
	result := check(t, crash.Program(t), disks, n)
	result.complain(t)
	// A sweep that meets nothing of interest would prove nothing.
	if result.open == 0 || result.claimed == 0 || result.reorders == 0 || result.saved == 0 {
		t.Error("no state has an open attempt, a save, an end or a reordering: the sweep does not reach what it is for")
	}
	if !t.Failed() {
		cutTwice(t, k, result, n/4)
	}
}

func (a *tally) complain(t *testing.T) {
	t.Helper()
	for i, v := range a.violations {
		if i < 10 {
			t.Error(v)
		}
	}
	if n := len(a.violations); n > 10 {
		t.Errorf("and %d more violations", n-10)
	}
}

// cutTwice boots the machine once more, on disks that a power cut has left
// with something open, records what the runner does to recover, and cuts the
// power there, too. What must hold is the same.
func cutTwice(t *testing.T, k *machine.Kernel, first *tally, n int) {
	var again []*disk
	// Their order must not be that of a map: the choice is to be repeatable.
	var names []string
	byName := map[string]*disk{}
	for d := range first.halfway {
		names = append(names, d.name)
		byName[d.name] = d
	}
	sort.Strings(names)
	rng := rand.New(rand.NewSource(int64(number(t, "BLOCK_SEED", 1))))
	for _, name := range names {
		d := byName[name]
		states := first.halfway[d]
		s := states[rng.Intn(len(states))]
		again = append(again, &disk{name: d.name, runner: d.runner, scenario: d.scenario, base: d.base.with(s.writes), expect: d.expect})
	}
	record(t, k, again)
	result := check(t, crash.Program(t), again, n)
	result.complain(t)
	if result.open == 0 || result.claimed == 0 {
		t.Error("no state of a recovery is open, or at its end: the second cut does not reach what it is for")
	}
}

// TestMissingSyncIsFound guards the sweep itself: a runner that leaves out one
// of its ways to sync, or all, must not pass. They run in one machine, on a
// disk each.
func TestMissingSyncIsFound(t *testing.T) {
	k := needs(t)
	skip := crash.WithoutSyncs()
	const file = "target/migrate-runner/internal/sys/sync.go"
	runners := map[string]string{"none": crash.Planted(t, file, skip)}
	for from, to := range skip {
		name, _, _ := strings.Cut(strings.TrimPrefix(from, "func "), "(")
		runners["no-"+strings.ToLower(name)] = crash.Planted(t, file, map[string]string{from: to})
	}
	s := crash.Scenarios()[0]
	root := s.Prepare(t)
	var disks []*disk
	for name, runner := range runners {
		disks = append(disks, newDisk(t, name, runner, root, s))
	}
	record(t, k, disks)
	for _, d := range disks {
		result := check(t, crash.Program(t), []*disk{d}, 80)
		if len(result.violations) == 0 {
			t.Errorf("%s: the sweep does not find it", d.name)
			continue
		}
		t.Log(strings.SplitN(result.violations[0], "\n", 2)[0])
	}
}
