// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package crash

import (
	"os"
	"strings"
	"testing"

	"meta-migration/tests/crash/ptrace"
)

// TestPlantedFaults builds runners with one fault each and sees that the
// sweep finds it: without that, zero deviations would mean nothing.
func TestPlantedFaults(t *testing.T) {
	for _, fault := range []struct {
		name, scenario, file, from, to string
	}{
		{"put-back does nothing", "first", "target/migrate-runner/saves.go", "if err != nil || !whole {", "if _ = whole; true {"},
		{"the save is dropped before applied is recorded", "first", "target/migrate-runner/engine/run.go",
			"	ended, err := r.record(e)\n", "	if e.Kind == ledger.Applied {\n\t\tr.Device.DropSave(started.Seq)\n\t}\n\tended, err := r.record(e)\n"},
		{"nothing is recorded before the script runs", "first", "target/migrate-runner/engine/run.go",
			"	started, err := r.record(r.Bundle.StartedEvent(step.Position, step.Attempt))\n",
			"	e0 := r.Bundle.StartedEvent(step.Position, step.Attempt)\n\te0.Seq = 900 + uint64(r.tried)\n\tr.State.Apply(&e0)\n\tstarted, err := &e0, error(nil)\n"},
		{"the old marker stays", "returning", "target/migrate-runner/engine/run.go",
			"	if err := r.Device.RemoveMarkers(); err != nil {", "	if err := r.Device.SetMarker(r.Bundle.Anchor); err != nil {"},
	} {
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
			// In any order: a fault that only some calls show is met sooner.
			for _, n := range w.rng.Perm(w.calls) {
				n++
				root := clone(t, w.before)
				r, err := ptrace.Run(w.traced(t, root), ptrace.Plan{At: n, Kill: true})
				must(t, err)
				deviation := w.deviation(t, root)
				must(t, os.RemoveAll(root))
				if deviation != "" {
					t.Logf("found at call %d of %d, %v: %s", n, w.calls, r.At, strings.SplitN(deviation, "\n", 2)[0])
					return
				}
			}
			t.Error("the sweep does not find it")
		})
	}
}
