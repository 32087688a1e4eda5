// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package fleet

import (
	"fmt"
	"reflect"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/ledger"
)

// A watcher follows what a device records and says when something is not as
// promised. It knows nothing of how the engine decides: it follows what has
// become durable and compares the device's data with that.
//
// At each attempt:
//
//	A1  attempts of one boot are in the bundle's order
//	A2  all that the migration requires counts as applied
//	A3  an earlier one that is not applied lets it go on: On-Failure: continue,
//	    or it waits itself for what it requires
//	A4  it was not applied or baseline, unless it was re-armed, forgotten or
//	    reverted since: each takes effect once while the ledger lives
//	A5  this bundle has not used up its attempts
//	A6  nothing is left of what its attempts noted before it was applied
//
// When a boot has ended with the power on:
//
//	B1  the data below all Paths is exactly what the applied ones left: nothing
//	    half done, nothing lost, nothing of a failed attempt
//	B2  what is applied without Paths has its effect
//	B3  the marker is there if and only if all of the bundle counts as applied
//	    and the run said so
//	B4  a refusal leaves marker and data, and records nothing but what a crash
//	    had left open
//	B5  no save is left but those of unconfirmed migrations, and those are all
//	    there
//	B6  no future migration is left, and no One-Way one was re-armed
//	B7  every unconfirmed migration left is one that the bundle has, or is of
//	    an older release that the next run keeps
type watcher struct {
	expect   data // of all Paths
	saves    map[uint64]data
	paths    map[bundle.ID][]string
	settled  map[bundle.ID]bool
	attempts map[bundle.ID]map[bundle.Digest]int
	applied  map[bundle.ID]bool // without Paths, by a run of its own
	kinds    []ledger.Kind      // of the events of this boot
	problem  string
}

func newWatcher(w *world) *watcher {
	x := &watcher{expect: data{}, paths: map[bundle.ID][]string{}}
	for _, r := range w.releases {
		for i := range r.bundle.Migrations {
			x.paths[r.bundle.Migrations[i].ID] = r.bundle.Migrations[i].Paths
		}
	}
	x.forgetAll()
	return x
}

func (x *watcher) forgetAll() {
	x.saves, x.settled = map[uint64]data{}, map[bundle.ID]bool{}
	x.attempts, x.applied = map[bundle.ID]map[bundle.Digest]int{}, map[bundle.ID]bool{}
}

// anew begins with an empty ledger on the data as it is.
func (x *watcher) anew(d *device) {
	x.forgetAll()
	x.expect = data{}
	for p := range d.data {
		if p != "" {
			x.expect[p] = d.data.copyOf([]string{p})[p]
		}
	}
}

func (x *watcher) wrong(format string, args ...any) {
	if x.problem == "" {
		x.problem = fmt.Sprintf(format, args...)
	}
}

// replay takes in the events that became durable since the last look. That
// they can be read back is seen at each boot.
func (x *watcher) replay(d *device) {
	for i := range d.recorded {
		x.kinds = append(x.kinds, d.recorded[i].Kind)
		x.event(&d.recorded[i])
	}
	d.recorded = nil
}

func (x *watcher) event(e *ledger.Event) {
	paths := x.paths[e.ID]
	switch e.Kind {
	case ledger.Started:
		x.saves[e.Seq] = x.expect.copyOf(paths)
		if x.attempts[e.ID] == nil {
			x.attempts[e.ID] = map[bundle.Digest]int{}
		}
		x.attempts[e.ID][e.Bundle]++
	case ledger.Stopped, ledger.Deferred:
		x.attempts[e.ID][e.Bundle]--
	case ledger.Applied:
		for _, p := range paths {
			x.expect.set(p, e.ID, whole)
		}
		x.applied[e.ID] = len(paths) == 0
		x.attempts[e.ID] = nil
		for i := range e.Items {
			// Applied through this one is applied.
			x.attempts[e.Items[i].ID] = nil
		}
		x.settle(e.Items, true)
		x.settled[e.ID] = true
	case ledger.Fresh:
		x.settle(e.Items, true)
	case ledger.Baseline:
		for i := range e.Items {
			// What is pending by a record of its own stays so: an image that has
			// it runs it.
			if _, decided := x.settled[e.Items[i].ID]; !decided {
				x.settled[e.Items[i].ID] = true
			}
		}
	case ledger.Rearmed:
		x.settle(e.Items, false)
		for _, item := range e.Items {
			if item.OneWay {
				x.wrong("B6: One-Way %s was re-armed", item.ID)
			}
		}
	case ledger.Forgotten:
		x.settle(e.Items, false)
		x.settled[e.ID] = false
	case ledger.Retried:
		x.attempts[e.ID] = nil
	case ledger.Reverted:
		x.settle(e.Items, false)
		for _, item := range e.Items {
			x.attempts[item.ID] = nil
		}
		for _, ref := range e.Refs {
			for p, content := range x.saves[ref] {
				x.expect[p] = content
			}
		}
	}
}

func (x *watcher) settle(items []ledger.Item, settled bool) {
	for i := range items {
		x.settled[items[i].ID] = settled
	}
}

// attempt judges the beginning of an attempt.
func (x *watcher) attempt(d *device, position int) {
	b, s := d.image.bundle, d.run.State
	m := &b.Migrations[position]
	x.replay(d)
	if x.settled[m.ID] {
		x.wrong("A4: %s runs again", m.ID)
	}
	if d.noted[m.ID] {
		x.wrong("A6: %s finds what it noted when it was applied", m.ID)
	}
	if position <= d.place {
		x.wrong("A1: %s runs behind number %d", m.ID, d.place)
	}
	d.place = position
	if n := x.attempts[m.ID][b.Anchor]; n > m.EffectiveAttempts() {
		x.wrong("A5: %s is tried %d times of %d", m.ID, n, m.EffectiveAttempts())
	}
	if !ready(b, s, m) {
		x.wrong("A2: %s runs without what it requires", m.ID)
	}
	for i := 0; i < position; i++ {
		early := &b.Migrations[i]
		if !b.CountsAsApplied(s, early.ID) && early.OnFailure != bundle.Continue && ready(b, s, early) {
			x.wrong("A3: %s runs though %s before it is not applied", m.ID, early.ID)
		}
	}
}

// ready says whether all that m requires counts as applied, or is gone.
func ready(b *engine.Bundle, s *engine.State, m *bundle.Migration) bool {
	for _, id := range m.Requires {
		target := b.Index.Resolve(id)
		if _, in := b.Index.Position(target); in && !b.CountsAsApplied(s, target) {
			return false
		}
	}
	return true
}

// ended judges a boot that ended with the power on. marker is what was there
// before it.
func (x *watcher) ended(d *device, r result, marker bundle.Digest) {
	x.replay(d)
	b := d.image.bundle
	s := d.open()
	x.data(d, s)
	complete := true
	for i := range b.Migrations {
		complete = complete && b.CountsAsApplied(s, b.Migrations[i].ID)
	}
	if has := d.marker == b.Anchor; has && !complete || !has && r.err == nil && !r.nothing && complete && r.exit == 0 {
		x.wrong("B3: marker %v, complete %v, exit %d", has, complete, r.exit)
	}
	if r.refusal != nil {
		x.refused(d, r, marker)
		return
	}
	if r.err != nil || r.nothing {
		return
	}
	x.saved(d, s)
	if future := engine.Future(b, s); len(future) > 0 {
		x.wrong("B6: %s is future behind a run", future[0].ID)
	}
	for _, u := range s.Unconfirmed {
		if _, in := b.Index.Position(b.Index.Resolve(u.ID)); !in {
			x.wrong("B7: %s is unconfirmed and not in the bundle", u.ID)
		}
	}
}

func (x *watcher) data(d *device, s *engine.State) {
	for p := range d.data {
		if p != "" && !reflect.DeepEqual(shown(d.data[p]), shown(x.expect[p])) {
			x.wrong("B1: %s holds %v, must hold %v", p, shown(d.data[p]), shown(x.expect[p]))
		}
	}
	for id, r := range s.Records {
		if x.applied[id] && r.Standing == engine.Applied && r.Through == "" && d.data[""][id] != whole {
			x.wrong("B2: %s is applied and its effect is %d", id, d.data[""][id])
		}
	}
}

// shown leaves out what is absent.
func shown(content map[bundle.ID]effect) map[bundle.ID]effect {
	shown := map[bundle.ID]effect{}
	for id, e := range content {
		if e != absent {
			shown[id] = e
		}
	}
	return shown
}

func (x *watcher) refused(d *device, r result, marker bundle.Digest) {
	if d.marker != marker {
		x.wrong("B4: a refusal changed the marker")
	}
	for _, k := range x.kinds {
		if k != ledger.Interrupted && k != ledger.Reverted {
			x.wrong("B4: a refusal recorded %s", k)
		}
	}
	if r.refusal.Exit == engine.ExitDowngrade && d.image.bundle.OnDowngrade == bundle.Tolerate {
		for _, rec := range d.open().Records {
			if rec.OneWay {
				return
			}
		}
		x.wrong("B4: a tolerant image without One-Way ones refuses: %s", r.refusal.Reason)
	}
}

func (x *watcher) saved(d *device, s *engine.State) {
	needed := map[uint64]bool{}
	for _, u := range s.Unconfirmed {
		needed[u.Ref] = true
		if _, ok := d.saves[u.Ref]; !ok {
			x.wrong("B5: the save of unconfirmed %s is missing", u.ID)
		}
	}
	for n := range d.saves {
		if !needed[n] {
			x.wrong("B5: save %d is left", n)
		}
	}
}
