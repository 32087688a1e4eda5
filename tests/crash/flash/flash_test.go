// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package flash

import (
	"bytes"
	"debug/elf"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"meta-migration/target/migrate-runner/engine"
	"meta-migration/tests/crash"
	"meta-migration/tests/machine"
)

// shortStates is how many states an ordinary run checks; FLASH_STATES sets
// another number, FLASH_SEED another choice of them.
const shortStates = 26

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

// scratch is a directory in memory, where there is enough of it.
func scratch(t *testing.T) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &st); err != nil || int64(st.Bavail)*int64(st.Bsize) < 2<<30 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "migration-flash-")
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

func needs(t *testing.T) *machine.Kernel {
	t.Helper()
	if testing.Short() {
		t.Skip("skipping: -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipping: not root, which the scenarios need")
	}
	if crash.Busybox() == "" {
		t.Skip("skipping: no static busybox (Debian: busybox-static)")
	}
	for command, from := range map[string]string{machine.Qemu: "qemu-system-x86", "tar": "tar", "xz": "xz-utils"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skipf("skipping: no %s (Debian: %s)", command, from)
		}
	}
	k, err := machine.DebianFullKernel()
	if err != nil {
		t.Skipf("skipping: no kernel with flash: %v", err)
	}
	return k
}

// guestProgram is this test program, or one of this package that needs no
// shared library.
func guestProgram(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if file, err := elf.Open(self); err == nil {
		defer file.Close()
		if file.Section(".interp") == nil {
			return self
		}
	}
	path := filepath.Join(t.TempDir(), "guest")
	cmd := exec.Command("go", "test", "-c", "-o", path, "meta-migration/tests/crash/flash")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the guest's program: %v\n%s", err, out)
	}
	return path
}

// A device is a scenario on one kind of flash, and what was copied of it
// while a runner worked on it.
type device struct {
	name     string
	scenario crash.Scenario
	job      job
	states   [][]byte // of any moment
	ended    []byte   // when the runner had just ended
	seen     int      // different copies
	last     []byte
	most     int // copies to keep
	rng      *rand.Rand
	expect   *crash.Expectation
}

// take keeps a copy, or not, such that all have the same chance.
func (d *device) take(flash []byte, ended bool) {
	if ended {
		d.ended = flash
		return
	}
	if bytes.Equal(flash, d.last) {
		return
	}
	d.last = flash
	d.seen++
	if len(d.states) < d.most {
		d.states = append(d.states, flash)
	} else if i := d.rng.Intn(d.seen); i < d.most {
		d.states[i] = flash
	}
}

// some returns n of the copies, or all where there are no more.
func (d *device) some(n int) (some [][]byte) {
	for _, i := range d.rng.Perm(len(d.states)) {
		if len(some) < n {
			some = append(some, d.states[i])
		}
	}
	return some
}

// tarOf packs a scenario's tree without its programs.
func tarOf(t *testing.T, s crash.Scenario, dir string) string {
	t.Helper()
	root, path := s.Prepare(t), filepath.Join(dir, s.Name+".tar")
	if out, err := exec.Command("tar", "-C", root, "--numeric-owner", "--exclude=./bin/*", "-cf", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("packing the tree: %v\n%s", err, out)
	}
	return path
}

// A bench is what all boots of a test share.
type bench struct {
	kernel  *machine.Kernel
	program string
	files   map[string]string // for every machine
}

const goodRunner = "/runners/good"

func newBench(t *testing.T, k *machine.Kernel) *bench {
	return &bench{k, guestProgram(t), map[string]string{"runners/good": crash.Program(t)}}
}

// add makes a device for a scenario on a kind of flash, on which a runner
// will work.
func (b *bench) add(t *testing.T, kind string, s crash.Scenario, runner string, busy bool, most int, rng *rand.Rand) *device {
	tree := "trees/" + s.Name + ".tar"
	if b.files[tree] == "" {
		b.files[tree] = tarOf(t, s, t.TempDir())
	}
	name := s.Name + " on " + kind
	if busy {
		name += ", busy"
	}
	if runner != goodRunner {
		name += ", " + filepath.Base(runner)
	}
	return &device{name: name, scenario: s, most: most, rng: rng,
		job: job{Name: s.Name, Kind: kind, Runner: runner, Tree: "/" + tree, Watched: true, Busy: busy}}
}

// record boots a machine in which the runner works on each device.
func (b *bench) record(t *testing.T, devices []*device) {
	t.Helper()
	begin := time.Now()
	g := &guest{kernel: b.kernel, program: b.program, busybox: crash.Busybox(), files: b.files,
		watch: func(job int, flash []byte, ended bool) { devices[job].take(flash, ended) }}
	for _, d := range devices {
		g.jobs = append(g.jobs, d.job)
	}
	reports, err := g.boot(scratch(t))
	if err != nil {
		t.Fatal(err)
	}
	copies := 0
	for i, d := range devices {
		r := &reports[i]
		if r.Trouble != "" || r.Exit != d.scenario.Exit || d.ended == nil {
			t.Fatalf("%s: %s, exit %d\n%s", d.name, r.Trouble, r.Exit, r.Output)
		}
		if d.expect, err = crash.Expect(d.scenario, r.Before, r.After); err != nil {
			t.Fatal(err)
		}
		copies += d.seen
	}
	t.Logf("copied %d different states of %d devices in %.1f s", copies, len(devices), time.Since(begin).Seconds())
}

// A state is a device as the power cut has left it.
type state struct {
	device *device
	flash  []byte
	ended  bool
}

// A tally counts what was met.
type tally struct {
	states, ended, open, torn int
	violations                []string
}

// perBoot is how many states one machine checks.
const perBoot = 64

// check lets machines look at the states and recover them.
func (b *bench) check(t *testing.T, states []state) *tally {
	t.Helper()
	begin, all := time.Now(), &tally{}
	for at := 0; at < len(states); at += perBoot {
		batch := states[at:min(at+perBoot, len(states))]
		g := &guest{kernel: b.kernel, program: b.program, busybox: crash.Busybox(), files: b.files}
		for _, s := range batch {
			j := s.device.job
			j.Tree, j.Watched, j.Busy, j.Runner = "", false, false, goodRunner
			j.State = len(g.states)
			g.jobs, g.states = append(g.jobs, j), append(g.states, s.flash)
		}
		reports, err := g.boot(scratch(t))
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			all.judge(&batch[i], &reports[i])
		}
	}
	t.Logf("%d states (%d of the end, an open attempt in %d, a torn ledger in %d), %d violations, %.1f s",
		all.states, all.ended, all.open, all.torn, len(all.violations), time.Since(begin).Seconds())
	return all
}

func (a *tally) judge(s *state, r *report) {
	a.states++
	wrong := r.Trouble
	var found *engine.State
	if wrong == "" {
		log, state, violation := s.device.expect.Found(r.Before, s.ended)
		if wrong, found = violation, state; found != nil {
			count(&a.open, found.Open != nil || found.Fallback != nil)
			count(&a.torn, log.Torn)
		}
	}
	count(&a.ended, s.ended)
	if wrong == "" {
		wrong = s.device.expect.Ran(found, r.Exit, r.Output, r.After)
	}
	if wrong != "" {
		a.violations = append(a.violations, fmt.Sprintf("%s (ended: %v): %s", s.device.name, s.ended, wrong))
	}
}

func count(n *int, is bool) {
	if is {
		*n++
	}
}

// TestPowerCutOnFlash checks states of every scenario on JFFS2 and UBIFS, and
// then that faults which were built into the runner are found.
func TestPowerCutOnFlash(t *testing.T) {
	b := newBench(t, needs(t))
	n := number(t, "FLASH_STATES", shortStates)
	rng := rand.New(rand.NewSource(int64(number(t, "FLASH_SEED", 1))))
	b.files["runners/without-syncs"] = crash.Planted(t, "target/migrate-runner/internal/sys/sync.go", crash.WithoutSyncs())
	b.files["runners/without-put-back"] = crash.Planted(t, "target/migrate-runner/saves.go", crash.WithoutPutBack())

	var faulty []*device
	for _, s := range crash.Scenarios() {
		for _, k := range kinds {
			switch s.Name {
			case "first":
				faulty = append(faulty, b.add(t, k, s, "/runners/without-syncs", false, 3, rng))
			case "failing":
				faulty = append(faulty, b.add(t, k, s, "/runners/without-put-back", false, 3, rng))
			}
		}
	}
	total, good := 0, []*device(nil)
	for round := 0; round < 40 && total < n && !t.Failed(); round++ {
		good = b.devices(t, n, rng)
		all := good
		if round == 0 {
			all = append(good[:len(good):len(good)], faulty...)
		}
		b.record(t, all)
		result := b.check(t, choose(good, n-total))
		total += result.states
		result.complain(t)
		if result.open == 0 && round == 0 {
			t.Error("no state has an open attempt: the sweep does not reach what it is for")
		}
	}
	t.Logf("%d states in all", total)
	b.findFaults(t, faulty)
}

// devices are all scenarios on all kinds of flash.
func (b *bench) devices(t *testing.T, n int, rng *rand.Rand) (all []*device) {
	for _, k := range kinds {
		for _, s := range crash.Scenarios() {
			all = append(all, b.add(t, k, s, goodRunner, false, n/8+16, rng))
			if k == "ubifs" {
				all = append(all, b.add(t, k, s, goodRunner, true, n/8+16, rng))
			}
		}
	}
	return all
}

// choose takes n states, as many of each device: always its end.
func choose(devices []*device, n int) (states []state) {
	for i, d := range devices {
		share := max((n-len(states))/(len(devices)-i), 1)
		for _, flash := range d.some(share - 1) {
			states = append(states, state{d, flash, false})
		}
		states = append(states, state{d, d.ended, true})
	}
	return states
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

// findFaults sees that the sweep finds what a runner without syncs left on
// UBIFS, and a put-back that does nothing. JFFS2 writes through: a missing sync
// is not seen there.
func (b *bench) findFaults(t *testing.T, faulty []*device) {
	t.Helper()
	var states []state
	for _, d := range faulty {
		states = append(states, state{d, d.ended, true})
		for _, flash := range d.states {
			states = append(states, state{d, flash, false})
		}
	}
	found := b.check(t, states)
	for _, want := range []string{"on ubifs, without-syncs", "on ubifs, without-put-back", "on jffs2, without-put-back"} {
		if !strings.Contains(strings.Join(found.violations, "\n"), want) {
			t.Errorf("the fault of a device %q is not found", want)
		}
	}
	for _, v := range found.violations {
		t.Log(strings.SplitN(v, "\n", 2)[0])
	}
}
