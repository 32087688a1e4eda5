// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package crash

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"meta-migration/tests/crash/ptrace"
)

// A plantedFault is a change of the runner's source, with the scenario and
// the way to disturb it that must show it.
type plantedFault struct {
	name, scenario, file, from, to string
	errno                          syscall.Errno // 0 kills instead
	only                           string        // fail this call of the runner's only
}

var plantedFaults = []plantedFault{
	{"put-back does nothing", "first", "target/migrate-runner/saves.go", "if err != nil || !whole {", "if _ = whole; true {", 0, ""},
	{"the save is dropped before applied is recorded", "first", "target/migrate-runner/engine/run.go",
		"	ended, err := r.record(e)\n", "	if e.Kind == ledger.Applied {\n\t\tr.Device.DropSave(started.Seq)\n\t}\n\tended, err := r.record(e)\n", 0, ""},
	{"nothing is recorded before the script runs", "first", "target/migrate-runner/engine/run.go",
		"	started, err := r.record(r.Bundle.StartedEvent(step.Position, step.Attempt))\n",
		"	e0 := r.Bundle.StartedEvent(step.Position, step.Attempt)\n\te0.Seq = 900 + uint64(r.tried)\n\tr.State.Apply(&e0)\n\tstarted, err := &e0, error(nil)\n", 0, ""},
	{"the old marker stays", "returning", "target/migrate-runner/engine/run.go",
		"	if err := r.Device.RemoveMarkers(); err != nil {", "	if err := r.Device.SetMarker(r.Bundle.Anchor); err != nil {", 0, ""},
	{"an event that was not written counts as recorded", "first", "target/migrate-runner/internal/statedir/ledger.go",
		"	if err != nil {\n\t\tw.broken = ", "	if err != nil && w.broken != nil {\n\t\tw.broken = ", syscall.ENOSPC, "pwrite64"},
	{"what cannot be read is taken for empty", "rearmed", "target/migrate-runner/internal/sys/rw.go",
		"	err = retry(func() (err error) { n, err = syscall.Read(fd, p); return err })\n",
		"	retry(func() (err error) { n, err = syscall.Read(fd, p); return err })\n", syscall.EIO, "read"},
}

// TestPlantedFaults builds runners with one fault each and sees that the
// sweeps find it: without that, zero deviations would mean nothing.
func TestPlantedFaults(t *testing.T) {
	for _, fault := range plantedFaults {
		t.Run(fault.name, func(t *testing.T) {
			var s scenario
			for _, c := range scenarios {
				if c.name == fault.scenario {
					s = c
				}
			}
			w := newSweep(t, s)
			planted = plant(t, fault.file, fault.from, fault.to)
			defer func() { planted = "" }()
			fault.find(t, w)
		})
	}
}

func (f *plantedFault) find(t *testing.T, w *sweep) {
	t.Helper()
	traced := func(root string) *ptrace.Command {
		c := w.traced(t, root)
		if f.only != "" {
			c.Reads = f.only == "read"
			c.Select = func(c ptrace.Call) bool { return c.Name == f.only && ofRunner(c) }
		}
		return c
	}
	all, err := ptrace.Run(traced(clone(t, w.before)), ptrace.Plan{})
	must(t, err)
	// In any order: a fault that only some calls show is met sooner.
	for _, n := range w.rng.Perm(all.Calls) {
		n++
		root := clone(t, w.before)
		r, err := ptrace.Run(traced(root), ptrace.Plan{At: n, Kill: f.errno == 0, Errno: f.errno})
		must(t, err)
		deviation := w.deviation(t, root)
		must(t, os.RemoveAll(root))
		if deviation != "" {
			t.Logf("found at call %d of %d, %v: %s", n, all.Calls, r.At, strings.SplitN(deviation, "\n", 2)[0])
			return
		}
	}
	t.Error("the sweep does not find it")
}
