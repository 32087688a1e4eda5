// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// Standing is what the ledger says of an ID.
type Standing int

// The standings. None is an ID that was never decided; Pending one that was
// and is to run again, whatever it superseded.
const (
	None Standing = iota
	Applied
	Baseline
	Pending
)

// A Record is what a device knows of one ID.
type Record struct {
	ID         bundle.ID
	Standing   Standing
	Through    bundle.ID // applied as a part of this one, if not ""
	Since      string    // "" when not known
	OneWay     bool
	Digest     bundle.Digest // of the script of the last event; "" when not known
	Supersedes []bundle.ID
	Touched    bool                  // an attempt without Paths may have changed data, and it is not applied
	Reverted   bool                  // put back by a fallback and not tried since
	Attempts   map[bundle.Digest]int // counted attempts by bundle
	Last       *ledger.Event         // the event that ended the last attempt, nil for none
}

// A State is what the events of a ledger add up to.
type State struct {
	Records     map[bundle.ID]*Record
	Release     string // the device release; "" when there is none
	Complete    bundle.Digest
	Events      int            // how many there were
	Open        *ledger.Event  // a started event without its end
	Fallback    *ledger.Event  // a fallback without its end
	Unconfirmed []ledger.Event // applied events whose saves are kept, oldest first
	Critical    *ledger.Event  // the first critical event of an unknown kind
}

// Fold adds up the events of a ledger, in their order.
func Fold(events []ledger.Event) *State {
	s := &State{Records: map[bundle.ID]*Record{}}
	for i := range events {
		s.Apply(&events[i])
	}
	return s
}

func (s *State) record(id bundle.ID) *Record {
	r := s.Records[id]
	if r == nil {
		r = &Record{ID: id}
		s.Records[id] = r
	}
	return r
}

// Standing returns what the ledger says of id.
func (s *State) Standing(id bundle.ID) Standing {
	if r := s.Records[id]; r != nil {
		return r.Standing
	}
	return None
}

// Apply changes s by one event. Events of unknown kinds change nothing but
// Critical. e must not be changed afterwards.
func (s *State) Apply(e *ledger.Event) {
	s.Events++
	switch e.Kind {
	case ledger.Fresh:
		s.Release = e.Release
		s.settle(e.Items, Baseline)
	case ledger.Baseline:
		s.baseline(e.Items)
	case ledger.Rearmed:
		s.settle(e.Items, Pending)
	case ledger.Forgotten:
		s.settle(e.Items, Pending)
		s.record(e.ID).pending()
	case ledger.Retried:
		s.record(e.ID).Attempts = nil
	case ledger.Started:
		s.start(e)
	case ledger.Applied, ledger.Failed, ledger.Interrupted, ledger.Stopped, ledger.Deferred:
		s.end(e)
	case ledger.Fallback:
		s.Fallback = e
	case ledger.Reverted:
		s.revert(e)
	case ledger.Confirmed:
		s.Unconfirmed = nil
	case ledger.Completed:
		s.Release, s.Complete = e.Release, e.Bundle
	default:
		if e.Critical && !e.Kind.Known() && s.Critical == nil {
			s.Critical = e
		}
	}
}

// settle gives items one standing for good.
func (s *State) settle(items []ledger.Item, standing Standing) {
	for i := range items {
		r := s.record(items[i].ID)
		if standing == Pending {
			r.pending()
			continue
		}
		r.describe(&items[i])
		r.Standing, r.Touched, r.Reverted, r.Through = standing, false, false, ""
	}
}

// baseline settles a migration of which all that it supersedes counts as
// applied, and what has no standing of its own between it and the ones that
// were applied: an image that has only the latter must find the way to them.
func (s *State) baseline(items []ledger.Item) {
	for i := range items {
		if s.Standing(items[i].ID) == None {
			s.settle(items[i:i+1], Baseline)
		}
	}
}

func (r *Record) pending() { r.Standing, r.Touched, r.Through = Pending, false, "" }

// describe takes over what an item says. What it does not know does not
// displace what is known, nor does it take back that a One-Way migration may
// have changed data: an item of one that is gone cannot say so.
func (r *Record) describe(item *ledger.Item) {
	if item.Since != "" {
		r.Since = item.Since
	}
	if item.Digest != "" {
		r.Digest = item.Digest
	}
	if len(item.Supersedes) > 0 {
		r.Supersedes = item.Supersedes
	}
	r.OneWay = item.OneWay || r.Touched && r.OneWay
}

func (s *State) start(e *ledger.Event) {
	r := s.record(e.ID)
	r.Since, r.OneWay, r.Digest, r.Reverted = e.Since, e.OneWay, e.Digest, false
	r.Supersedes = itemIDs(e.Items)
	if r.Attempts == nil {
		r.Attempts = map[bundle.Digest]int{}
	}
	r.Attempts[e.Bundle]++
	r.Touched = r.Touched || !e.Paths
	s.Open = e
}

// end closes an attempt. The event says all that is needed, so that the
// started event may be gone after a compaction.
func (s *State) end(e *ledger.Event) {
	r := s.record(e.ID)
	s.Open = nil
	r.Last, r.Digest = e, e.Digest
	switch e.Kind {
	case ledger.Applied:
		s.applied(r, e)
	case ledger.Stopped, ledger.Deferred:
		if r.Attempts[e.Bundle] > 0 {
			r.Attempts[e.Bundle]--
		}
	}
}

// applied settles a migration and all that it supersedes in one step.
func (s *State) applied(r *Record, e *ledger.Event) {
	r.Standing, r.Touched, r.Attempts, r.Through = Applied, false, nil, ""
	r.Since, r.OneWay, r.Supersedes = e.Since, e.OneWay, itemIDs(e.Items)
	for i := range e.Items {
		old := s.record(e.Items[i].ID)
		if old.Standing == Applied || old.Standing == Baseline {
			continue
		}
		old.describe(&e.Items[i])
		old.Standing, old.Through, old.Touched, old.Reverted, old.Attempts = Applied, e.ID, false, false, nil
	}
	if e.Keep {
		s.Unconfirmed = append(s.Unconfirmed, *e)
	}
}

// revert makes what a fallback put back pending again.
func (s *State) revert(e *ledger.Event) {
	s.Fallback = nil
	put := map[uint64]bool{}
	for _, ref := range e.Refs {
		put[ref] = true
	}
	for i := range e.Items {
		r := s.record(e.Items[i].ID)
		r.pending()
		r.Attempts, r.Reverted = nil, true
	}
	kept := s.Unconfirmed[:0:0]
	for _, u := range s.Unconfirmed {
		if !put[u.Ref] {
			kept = append(kept, u)
		}
	}
	s.Unconfirmed = kept
}

func itemIDs(items []ledger.Item) []bundle.ID {
	var ids []bundle.ID
	for i := range items {
		ids = append(ids, items[i].ID)
	}
	return ids
}

// Needed are the numbers of the saves that are still needed: those of
// unconfirmed migrations, and of what a crash left open, which a confirmation
// by hand can meet.
func (s *State) Needed() map[uint64]bool {
	needed := map[uint64]bool{}
	if s.Open != nil {
		needed[s.Open.Seq] = true
	}
	for i := range s.Unconfirmed {
		needed[s.Unconfirmed[i].Ref] = true
	}
	return needed
}
