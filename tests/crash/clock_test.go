// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package crash

import (
	"os"
	"testing"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
	"meta-migration/tests/crash/ptrace"
)

// A jumping clock gives another time at each look: 1970, what a battery that
// is empty gives, times of long ago and of the far future, in no order.
func (w *sweep) jumping(looks *int) func() int64 {
	times := []int64{0, 1, -1, 946684800, 1700000000, 1<<31 - 1, 1 << 31, 4102444800, 253402300799}
	return func() int64 {
		*looks++
		return times[w.rng.Intn(len(times))]
	}
}

// TestClockJumps: whatever the wall clock says, and wherever the power goes,
// the device comes to the same rest.
func TestClockJumps(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			w := newSweep(t, s)
			looks := 0
			kills := append([]int{0}, w.points(2)...)
			for _, n := range kills {
				root := clone(t, w.before)
				for boot := 0; boot < 3; boot++ {
					c := w.traced(t, root)
					c.Clock = w.jumping(&looks)
					plan := ptrace.Plan{}
					if boot == 0 && n > 0 {
						plan = ptrace.Plan{At: n, Kill: true}
					}
					_, err := ptrace.Run(c, plan)
					must(t, err)
				}
				w.check(t, root, "with a jumping clock")
				must(t, os.RemoveAll(root))
			}
			if looks == 0 {
				t.Error("the runner has not looked at the clock: the test does not reach it")
			}
		})
	}
}

// TestClockJumpsInAttempt: how long an attempt takes, and may take, goes by a
// clock that nobody sets.
func TestClockJumpsInAttempt(t *testing.T) {
	for _, c := range []struct {
		name, header, script string
		kind                 ledger.Kind
		least, most          int64 // milliseconds
	}{
		{"in time", "Timeout: 20", "sleep 1", ledger.Applied, 900, 19000},
		{"too long", "Timeout: 1", "sleep 60", ledger.Failed, 900, 19000},
	} {
		t.Run(c.name, func(t *testing.T) {
			exit := 0
			if c.kind == ledger.Failed {
				exit = 3
			}
			one := image{release: "1.0", snippets: []snippet{{"zulu:slow", "Attempts: 100\n" + c.header, c.script}}}
			w := newSweep(t, scenario{"slow", func(t testing.TB, root string) {
				must(t, os.Symlink("busybox", root+"/bin/sleep"))
				one.install(t, root)
			}, exit})
			root, looks := clone(t, w.before), 0
			cmd := w.traced(t, root)
			cmd.Clock = w.jumping(&looks)
			_, err := ptrace.Run(cmd, ptrace.Plan{})
			must(t, err)
			data, err := os.ReadFile(root + bundle.StateDir + "/ledger")
			must(t, err)
			log, err := ledger.Parse(data)
			must(t, err)
			end := log.Events[1]
			if end.Kind != c.kind || end.Timeout != (c.kind == ledger.Failed) || end.Millis < c.least || end.Millis > c.most {
				t.Errorf("it is recorded as %+v", end)
			}
		})
	}
}
