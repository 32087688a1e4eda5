// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package crash

import (
	"fmt"
	"strings"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/ledger"
)

// A Look is what is seen of a device at one moment.
type Look struct {
	Data      string // of the tree in text: one line for each object
	Standings string // what the ledger says of each migration, and which marker is there
	Ledger    []byte // the file; nil for none
}

// An Expectation is what a scenario's device must be like, by what an
// undisturbed run of it led to. Its methods return what is violated, "" for
// nothing.
type Expectation struct {
	scenario  Scenario
	before    string
	applied   map[bundle.ID]bool // before
	after     string
	standings string // after
}

// Expect takes the looks before and after an undisturbed run.
func Expect(s Scenario, before, after Look) (*Expectation, error) {
	log, err := ledger.Parse(before.Ledger)
	if err != nil {
		return nil, err
	}
	x := &Expectation{s, before.Data, map[bundle.ID]bool{}, after.Data, after.Standings}
	for id, r := range engine.Fold(log.Events).Records {
		x.applied[id] = r.Standing == engine.Applied
	}
	return x, nil
}

// Found judges a device as a crash has left it: what its ledger says must be
// true of its data. It returns what the ledger adds up to. ended says that
// the runner had ended by then, so that all of it must be there.
func (x *Expectation) Found(l Look, ended bool) (log *ledger.Log, found *engine.State, violation string) {
	log, err := ledger.Parse(l.Ledger)
	if err != nil {
		return nil, nil, "the ledger is damaged: " + err.Error()
	}
	found = engine.Fold(log.Events)
	if violation = x.whole(found, l.Data); violation == "" && ended {
		violation = x.asSaid(l)
	}
	return log, found, violation
}

// whole checks that what the ledger says has its effect, and nothing else.
func (x *Expectation) whole(found *engine.State, data string) string {
	for _, e := range x.scenario.Effects {
		done, undone := Part(x.after, e.Data), Part(x.before, e.Data)
		if x.applied[e.ID] {
			done, undone = undone, done
		}
		r, part := found.Records[e.ID], Part(data, e.Data)
		switch {
		case found.Fallback != nil || found.Open != nil && found.Open.ID == e.ID:
		case r != nil && (r.Standing == engine.Applied || r.Standing == engine.Baseline):
			if part != done {
				return fmt.Sprintf("%s is recorded, its effect is not whole\n%s", e.ID, Difference(part, done))
			}
		case e.Paths || r == nil:
			if part != undone {
				return fmt.Sprintf("%s is not recorded, but the data has changed\n%s", e.ID, Difference(part, undone))
			}
		case !r.Touched:
			return fmt.Sprintf("%s has an end without a begin", e.ID)
		}
	}
	return ""
}

// asSaid checks that all is there when the runner had ended. The removal of a
// save that nothing needs may be lost.
func (x *Expectation) asSaid(l Look) string {
	if l.Data != x.after {
		return "the runner had ended, but the data is lost\n" + Difference(l.Data, x.after)
	}
	if got, want := withoutSaves(l.Standings), withoutSaves(x.standings); got != want {
		return "the runner had ended, but its record is lost\n" + Difference(got, want)
	}
	return ""
}

func withoutSaves(standings string) string {
	var lines []string
	for _, line := range strings.Split(standings, "\n") {
		if !strings.HasSuffix(line, " saves") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// Ran judges a device that was found as it was, and on which the runner was
// then run once: that is enough.
func (x *Expectation) Ran(found *engine.State, exit int, output string, l Look) string {
	switch {
	case exit != x.scenario.Exit:
		return fmt.Sprintf("run again, it exits with %d, want %d\n%s", exit, x.scenario.Exit, output)
	case l.Data != x.after:
		return fmt.Sprintf("run again, the data differs\n%s\n%s", Difference(l.Data, x.after), output)
	case l.Standings != x.standings:
		return fmt.Sprintf("run again, the ledger differs\n%s\n%s", Difference(l.Standings, x.standings), output)
	case found.Open == nil:
		return ""
	}
	log, err := ledger.Parse(l.Ledger)
	if err != nil {
		return "run again, the ledger is damaged: " + err.Error()
	}
	for i := range log.Events {
		if e := &log.Events[i]; e.Kind == ledger.Interrupted && e.Ref == found.Open.Seq {
			return ""
		}
	}
	return fmt.Sprintf("attempt %d of %s was open and is not recorded as interrupted", found.Open.Attempt, found.Open.ID)
}
