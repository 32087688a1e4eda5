// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"strings"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// A Decision is what a run does before its first migration. Where Refusal is
// set nothing of it is done.
type Decision struct {
	Refusal  *Refusal
	Fresh    *ledger.Event // the device is fresh
	Confirm  *ledger.Event // a later release starts: what was unconfirmed is kept
	Fallback *ledger.Event // saves to put back, and what is pending then
	Lost     []bundle.ID   // those of Fallback that have no save any more
	Rearm    *ledger.Event // future ones that are tolerated
	After    *State        // the state when all of it is recorded
}

// Decide judges the bundle b on a device with state s, in which nothing is
// left open. freshUnless says whether one of the Fresh-Unless paths exists.
// s is not changed.
func Decide(b *Bundle, s *State, freshUnless bool) *Decision {
	d := &Decision{After: s.Clone()}
	if s.Critical != nil {
		d.Refusal = s.Unknown()
		return d
	}
	if s.Events == 0 && len(b.FreshUnless) > 0 && !freshUnless {
		e := b.FreshEvent(s, false)
		d.Fresh = &e
		d.After.Apply(d.Fresh)
	}
	d.unconfirmed(b)
	if d.Refusal = d.downgrade(b); d.Refusal == nil {
		d.Refusal = tooOld(b, d.After)
	}
	return d
}

// DecideWith is [Decide] on a device of which hasSave says whether it has the
// save of a number. It is asked for those that a fallback needs only.
func DecideWith(b *Bundle, s *State, freshUnless bool, hasSave func(number uint64) (bool, error)) (*Decision, error) {
	d := Decide(b, s, freshUnless)
	if d.Refusal != nil || d.Fallback == nil {
		return d, nil
	}
	lost := map[uint64]bool{}
	for _, number := range d.Fallback.Refs {
		has, err := hasSave(number)
		if err != nil {
			return nil, err
		}
		lost[number] = !has
	}
	d.Refusal = d.lost(b, s, lost)
	return d, nil
}

// lost judges what a fallback cannot put back. The image meets its data as on
// any downgrade: where that is refused, so is this. Else it is pending with the
// others, since an older save may take back what it did.
func (d *Decision) lost(b *Bundle, s *State, lost map[uint64]bool) *Refusal {
	var newer []*Record
	for i := range s.Unconfirmed {
		if u := &s.Unconfirmed[i]; lost[u.Ref] {
			d.Lost = append(d.Lost, u.ID)
			if r := s.Records[u.ID]; !b.holds(u.ID) && bundle.CompareReleases(r.Since, b.Release) >= 0 {
				newer = append(newer, r)
			}
		}
	}
	return b.refuses(newer)
}

// unconfirmed settles what an image before this one applied and nobody
// confirmed: a later release keeps it, one that lacks some of it puts it back.
func (d *Decision) unconfirmed(b *Bundle) {
	s := d.After
	if len(s.Unconfirmed) == 0 {
		return
	}
	later, missing := true, -1
	for i := range s.Unconfirmed {
		later = later && bundle.CompareReleases(b.Release, s.Unconfirmed[i].Release) > 0
		if missing < 0 && !b.holds(s.Unconfirmed[i].ID) {
			missing = i
		}
	}
	switch {
	case later:
		d.Confirm = &ledger.Event{Kind: ledger.Confirmed}
		s.Apply(d.Confirm)
	case missing >= 0:
		d.Fallback = fallback(b, s, missing)
		reverted := RevertedEvent(d.Fallback)
		s.Apply(d.Fallback)
		s.Apply(&reverted)
	}
}

// fallback names the saves of all unconfirmed ones from the oldest missing
// one on, newest first, and what is pending when they are put back: they,
// what was applied through them, and what is baseline because of any of these.
func fallback(b *Bundle, s *State, oldest int) *ledger.Event {
	e := &ledger.Event{Kind: ledger.Fallback, Bundle: b.Anchor, Release: b.Release}
	seen := map[bundle.ID]bool{}
	add := func(r *Record) {
		if r != nil && !seen[r.ID] {
			seen[r.ID] = true
			e.Items = append(e.Items, ledger.Item{ID: r.ID, Since: r.Since, OneWay: r.OneWay, Digest: r.Digest})
		}
	}
	for i := len(s.Unconfirmed) - 1; i >= oldest; i-- {
		u := &s.Unconfirmed[i]
		e.Refs = append(e.Refs, u.Ref)
		add(s.Records[u.ID])
		for j := range u.Items {
			if r := s.Records[u.Items[j].ID]; r != nil && r.Through == u.ID {
				add(r)
			}
		}
	}
	for _, r := range s.restingOn(seen) {
		add(r)
	}
	return e
}

// restingOn returns, sorted by ID, the records that are baseline and
// superseded one of ids, or one that did, and so on.
func (s *State) restingOn(ids map[bundle.ID]bool) []*Record {
	by := map[bundle.ID][]*Record{}
	for _, r := range s.Records {
		if r.Standing == Baseline {
			for _, old := range r.Supersedes {
				by[old] = append(by[old], r)
			}
		}
	}
	var found []*Record
	seen := map[bundle.ID]bool{}
	find := func(id bundle.ID) {
		for _, r := range by[id] {
			if !seen[r.ID] {
				seen[r.ID] = true
				found = append(found, r)
			}
		}
	}
	for id := range ids {
		find(id)
	}
	for i := 0; i < len(found); i++ {
		find(found[i].ID)
	}
	sortRecords(found)
	return found
}

// RevertedEvent ends a fallback.
func RevertedEvent(fallback *ledger.Event) ledger.Event {
	return ledger.Event{Kind: ledger.Reverted, Ref: fallback.Seq, Refs: fallback.Refs, Items: fallback.Items}
}

// downgrade finds the future ones, and refuses or re-arms them.
func (d *Decision) downgrade(b *Bundle) *Refusal {
	future := Future(b, d.After)
	if len(future) == 0 {
		return nil
	}
	if refusal := b.refuses(future); refusal != nil {
		return refusal
	}
	d.Rearm = &ledger.Event{Kind: ledger.Rearmed, Bundle: b.Anchor, Release: b.Release}
	for _, r := range future {
		d.Rearm.Items = append(d.Rearm.Items, ledger.Item{ID: r.ID, Since: r.Since, OneWay: r.OneWay, Digest: r.Digest})
	}
	d.After.Apply(d.Rearm)
	return nil
}

// refuses says whether the bundle does not go on behind newer, which changed
// the data.
func (b *Bundle) refuses(newer []*Record) *Refusal {
	var names, oneWay []string
	for _, r := range newer {
		names = append(names, string(r.ID))
		if r.OneWay {
			oneWay = append(oneWay, string(r.ID))
		}
	}
	const cure = "install the newer image again"
	switch {
	case names == nil:
	case b.OnDowngrade == bundle.Refuse:
		return &Refusal{ExitDowngrade, "the data was migrated by a newer image (" + strings.Join(names, ", ") +
			") and On-Downgrade is refuse", cure}
	case oneWay != nil:
		return &Refusal{ExitDowngrade, "the data was changed by a One-Way migration of a newer image: " + strings.Join(oneWay, ", "), cure}
	}
	return nil
}

// Future returns, sorted by ID, the records of migrations that are future on
// this bundle: they changed the data, the bundle has not got them, and they
// are of this release or a later one.
func Future(b *Bundle, s *State) []*Record {
	var future []*Record
	c := coverage{b, s, map[bundle.ID]bool{}}
	for _, r := range s.Records {
		changed := r.Standing == Applied || r.Standing == Baseline || r.Touched
		if changed && r.Since != "" && bundle.CompareReleases(r.Since, b.Release) >= 0 && !c.covers(r.ID) {
			future = append(future, r)
		}
	}
	sortRecords(future)
	return future
}

// A coverage answers for many IDs whether a bundle holds them, or all that
// they superseded. Each ID is looked at once.
type coverage struct {
	bundle *Bundle
	state  *State
	known  map[bundle.ID]bool
}

func (c *coverage) covers(id bundle.ID) bool {
	if covered, ok := c.known[id]; ok {
		return covered
	}
	// No, while it is looked for: only a forged ledger can hold a circle.
	c.known[id] = false
	r := c.state.Records[id]
	covered := c.bundle.holds(id)
	if !covered && r != nil && len(r.Supersedes) > 0 {
		covered = true
		for _, old := range r.Supersedes {
			covered = covered && c.covers(old)
		}
	}
	c.known[id] = covered
	return covered
}

// Unknown is the refusal to use, or to change, a ledger that holds a critical
// event which this program does not know; nil where it holds none.
func (s *State) Unknown() *Refusal {
	if s.Critical == nil {
		return nil
	}
	return &Refusal{ExitDowngrade,
		"the ledger holds an event of kind \"" + string(s.Critical.Kind) + "\" that this runner does not know",
		"install the newer image again"}
}

func tooOld(b *Bundle, s *State) *Refusal {
	if b.MinFrom == "" || s.Release != "" && bundle.CompareReleases(s.Release, b.MinFrom) >= 0 {
		return nil
	}
	from := "was last complete with release " + s.Release
	if s.Release == "" {
		from = "has no record of any release"
	}
	return &Refusal{ExitTooOld, "the device " + from + "; this image, " + b.Release + ", needs at least " + b.MinFrom,
		"install release " + b.MinFrom + " first, then this one"}
}
