// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// Compact returns the events that a compacted ledger keeps, in their order
// and unchanged: [Fold] makes the same State of them but for the number of
// events, which stays above zero. All events of unknown kinds are kept. How
// many others are is settled by what the device knows, not by how often it
// came to know it; compacting twice is the same as once.
//
// An event is kept when it was the last one to change a fact of the State,
// or counts as an attempt or as unconfirmed, and with it what it needs to
// have the same effect again: those that took back what it does besides and,
// where it makes a difference, those that set what it goes by. The result is
// tried before it is returned: a ledger that defies this is not compacted.
func Compact(events []ledger.Event) []ledger.Event {
	for {
		// Without some of its events another one may turn out to have changed
		// nothing, so once is not enough.
		kept, _ := compactOnce(events)
		if len(kept) == len(events) {
			return kept
		}
		events = kept
	}
}

// compactOnce returns the events to keep. Where it finds no fewer of them that
// add up to the same it returns all, and false.
func compactOnce(events []ledger.Event) ([]ledger.Event, bool) {
	c := compaction{
		events: events, state: Fold(nil), needs: map[int][]need{},
		facts: map[bundle.ID]*recordFacts{}, counted: map[bundle.ID]map[bundle.Digest][]int{},
	}
	for i := range events {
		c.apply(i)
	}
	strict := map[bundle.ID]bool{}
	for {
		kept := c.kept(strict)
		state := Fold(kept)
		more := false
		for id, r := range c.state.Records {
			if !strict[id] && !sameRecord(state.Records[id], r) {
				strict[id], more = true, true
			}
		}
		switch {
		case more:
		case same(state, c.state):
			return kept, true
		default:
			return events, false
		}
	}
}

// kept returns the events that are needed when those for the records of the
// IDs in strict are to go by the same facts as before.
func (c *compaction) kept(strict map[bundle.ID]bool) []ledger.Event {
	var kept []ledger.Event
	for i, keep := range c.closure(strict) {
		if keep {
			kept = append(kept, c.events[i])
		}
	}
	if kept == nil && len(c.events) > 0 {
		// Not none: an empty ledger could be taken for a fresh device's.
		kept = append(kept, c.events[len(c.events)-1])
	}
	return kept
}

// An author is the place of the event that last changed a fact, from 1; 0
// for none.
type author int

// recordFacts are the facts of a Record, and the event that first named it.
type recordFacts struct {
	first                                                                         author
	standing, through, since, oneWay, digest, supersedes, touched, reverted, last author
}

// A need of an event is another one that is to be kept with it: in any case,
// or to go by the same facts of the record of id.
type need struct {
	place int
	id    bundle.ID
}

type compaction struct {
	events      []ledger.Event
	state       *State
	needs       map[int][]need // by place
	facts       map[bundle.ID]*recordFacts
	release     author
	complete    author
	open        author
	fallback    author
	counted     map[bundle.ID]map[bundle.Digest][]int // started events that count as attempts
	unconfirmed []int                                 // applied events
}

// apply takes the event at place i into the state and notes what it goes by
// and what it changes.
func (c *compaction) apply(i int) {
	e := &c.events[i]
	c.goesBy(i, e)
	ids := named(e)
	before := make([]Record, len(ids))
	for n, id := range ids {
		if r := c.state.Records[id]; r != nil {
			before[n] = *r
		}
	}
	was := *c.state
	c.state.Apply(e)
	for n, id := range ids {
		if now := c.state.Records[id]; now != nil {
			c.changed(i, e, &before[n], now)
		}
	}
	me := author(i + 1)
	note(&c.release, was.Release != c.state.Release, me)
	note(&c.complete, was.Complete != c.state.Complete, me)
	note(&c.open, was.Open != c.state.Open, me)
	note(&c.fallback, was.Fallback != c.state.Fallback, me)
	c.attempts(i, e)
	c.confirmation(i, e)
}

func named(e *ledger.Event) []bundle.ID {
	ids := itemIDs(e.Items)
	if e.ID != "" {
		ids = append(ids, e.ID)
	}
	return ids
}

func note(fact *author, changed bool, by author) {
	if changed {
		*fact = by
	}
}

// need says that the event at place i is to be kept with the author of a
// fact of the record of id, or, with no ID, in any case.
func (c *compaction) need(i int, fact author, id bundle.ID) {
	if fact > 0 {
		c.needs[i] = append(c.needs[i], need{int(fact) - 1, id})
	}
}

// goesBy notes the facts that [State.Apply] looks at before it changes any.
func (c *compaction) goesBy(i int, e *ledger.Event) {
	if e.Kind != ledger.Applied && e.Kind != ledger.Baseline && e.Kind != ledger.Fresh {
		return
	}
	for n := range e.Items {
		id := e.Items[n].ID
		if facts := c.facts[id]; facts != nil {
			c.need(i, facts.standing, id)
			c.need(i, facts.touched, id)
		}
	}
}

// changed notes who is the author of which fact of a record now. A started
// or applied event says all that describes its migration, so it is the author
// of that even where it says what was known before: the earlier one can go.
func (c *compaction) changed(i int, e *ledger.Event, was, now *Record) {
	me := author(i + 1)
	describes := e.ID == now.ID && (e.Kind == ledger.Started || e.Kind == ledger.Applied)
	f := c.facts[now.ID]
	if f == nil {
		f = &recordFacts{first: me}
		c.facts[now.ID] = f
	}
	note(&f.standing, was.Standing != now.Standing, me)
	note(&f.through, was.Through != now.Through, me)
	note(&f.since, describes || was.Since != now.Since, me)
	note(&f.oneWay, describes || was.OneWay != now.OneWay, me)
	note(&f.digest, describes || was.Digest != now.Digest, me)
	note(&f.supersedes, describes || !sameIDs(was.Supersedes, now.Supersedes), me)
	note(&f.touched, was.Touched != now.Touched, me)
	note(&f.reverted, was.Reverted != now.Reverted, me)
	note(&f.last, was.Last != now.Last, me)
	if was.Attempts != nil && now.Attempts == nil {
		// Where a started event is kept, so is what made it count no more.
		for _, places := range c.counted[now.ID] {
			for _, started := range places {
				c.need(started, me, "")
			}
		}
		// Deleting from a map would link 4 KB more.
		c.counted[now.ID] = nil
	}
}

// attempts notes which started events count. One that was stopped or said
// "not now" does not: both of its events are kept, or none.
func (c *compaction) attempts(i int, e *ledger.Event) {
	switch e.Kind {
	case ledger.Started:
		if c.counted[e.ID] == nil {
			c.counted[e.ID] = map[bundle.Digest][]int{}
		}
		c.counted[e.ID][e.Bundle] = append(c.counted[e.ID][e.Bundle], i)
	case ledger.Stopped, ledger.Deferred:
		places := c.counted[e.ID][e.Bundle]
		if len(places) == 0 {
			return
		}
		started := places[len(places)-1]
		c.counted[e.ID][e.Bundle] = places[:len(places)-1]
		c.need(started, author(i+1), "")
		c.need(i, author(started+1), "")
	}
}

// confirmation notes which applied events are unconfirmed, and what made the
// others cease to be.
func (c *compaction) confirmation(i int, e *ledger.Event) {
	switch {
	case e.Kind == ledger.Applied && e.Keep:
		c.unconfirmed = append(c.unconfirmed, i)
	case e.Kind == ledger.Confirmed, e.Kind == ledger.Reverted:
		left := map[uint64]bool{}
		for n := range c.state.Unconfirmed {
			left[c.state.Unconfirmed[n].Seq] = true
		}
		kept := c.unconfirmed[:0]
		for _, applied := range c.unconfirmed {
			if left[c.events[applied].Seq] {
				kept = append(kept, applied)
			} else {
				c.need(applied, author(i+1), "")
			}
		}
		c.unconfirmed = kept
	}
}

// closure says of each event whether it is kept.
func (c *compaction) closure(strict map[bundle.ID]bool) []bool {
	keep := make([]bool, len(c.events))
	todo := c.roots()
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if keep[i] {
			continue
		}
		keep[i] = true
		for _, n := range c.needs[i] {
			if n.id == "" || strict[n.id] {
				todo = append(todo, n.place)
			}
		}
	}
	return keep
}

// roots are the places of the events that are kept for their own sake.
func (c *compaction) roots() []int {
	var places []int
	add := func(facts ...author) {
		for _, f := range facts {
			if f > 0 {
				places = append(places, int(f)-1)
			}
		}
	}
	add(c.release, c.complete, c.open, c.fallback)
	for _, f := range c.facts {
		one := len(places)
		add(f.standing, f.through, f.since, f.oneWay, f.digest, f.supersedes, f.touched, f.reverted, f.last)
		if len(places) == one {
			add(f.first)
		}
	}
	for _, attempts := range c.counted {
		for _, started := range attempts {
			places = append(places, started...)
		}
	}
	for i := range c.events {
		if !c.events[i].Kind.Known() {
			places = append(places, i)
		}
	}
	return append(places, c.unconfirmed...)
}
