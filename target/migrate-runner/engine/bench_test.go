// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"fmt"
	"strings"
	"testing"

	"meta-migration/target/migrate-runner/ledger"
)

// history is the ledger of a device that applied n migrations.
func history(n int) (*Bundle, []ledger.Event) {
	var list strings.Builder
	for i := 0; i < n; i++ {
		fmt.Fprintf(&list, " m%d(paths", i)
		if i > 0 {
			fmt.Fprintf(&list, ",!m%d", i-1)
		}
		list.WriteString(")")
	}
	b := image("2:" + list.String())
	var events []ledger.Event
	s := Fold(nil)
	x := NewSession(b, s)
	record := func(e ledger.Event) *ledger.Event {
		e.Seq = uint64(len(events) + 1)
		events = append(events, e)
		s.Apply(&e)
		return &e
	}
	for step := x.Next(); step.Kind != StepDone; step = x.Next() {
		started := record(b.StartedEvent(step.Position, step.Attempt))
		x.Ended(record(EndedEvent(started, ledger.Applied)))
	}
	return b, events
}

// Each is to be linear: 10,000 take ten times as long as 1,000.
func BenchmarkEngine(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		image, events := history(n)
		full, empty := Fold(events), Fold(nil)
		bench := func(name string, do func()) {
			b.Run(fmt.Sprint(name, "-", n), func(b *testing.B) {
				for i := 0; i < b.N; i++ {
					do()
				}
			})
		}
		bench("fold", func() { Fold(events) })
		bench("decide", func() { Decide(image, full, true) })
		bench("nothing-left", func() { walk(image, full, nil) })
		bench("run-all", func() { walk(image, empty.Clone(), nil) })
		bench("rows", func() { Rows(image, full) })
		bench("compact", func() { Compact(events) })
	}
}
