// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// A Bundle is a manifest with its anchor and index.
type Bundle struct {
	*bundle.Manifest
	Anchor bundle.Digest
	Index  *bundle.Index
}

// NewBundle makes a Bundle of a manifest that was read from bytes with the
// digest anchor.
func NewBundle(m *bundle.Manifest, anchor bundle.Digest) *Bundle {
	return &Bundle{m, anchor, m.Index()}
}

// holds says whether id is in the bundle or superseded in it.
func (b *Bundle) holds(id bundle.ID) bool {
	_, in := b.Index.Position(b.Index.Resolve(id))
	return in
}

// CountsAsApplied says whether id needs no run: it is applied, baseline or
// retired, or all that it superseded count as applied. One that is pending
// by a record (re-armed, reverted, forgotten) does not count for the sake of
// what it superseded: it is to run again.
func (b *Bundle) CountsAsApplied(s *State, id bundle.ID) bool {
	switch s.Standing(id) {
	case Applied, Baseline:
		return true
	}
	if b.Index.Retired(id) {
		return true
	}
	if s.Standing(id) == Pending {
		return false
	}
	old := b.Index.Superseded(id)
	for _, o := range old {
		if !b.CountsAsApplied(s, o) {
			return false
		}
	}
	return len(old) > 0
}

// item describes id for the ledger, from what the manifest says of it. It
// names only what id superseded directly: those have their own items.
func (b *Bundle) item(id bundle.ID) ledger.Item {
	if i, ok := b.Index.Position(id); ok {
		m := &b.Migrations[i]
		return ledger.Item{ID: id, Since: m.Since, OneWay: m.OneWay, Digest: m.Digest, Supersedes: m.Supersedes}
	}
	if g := b.Index.Gone(id); g != nil {
		return ledger.Item{ID: id, Since: g.Since, Digest: g.Digest, Supersedes: g.Supersedes}
	}
	return ledger.Item{ID: id}
}

func (b *Bundle) items(ids []bundle.ID) []ledger.Item {
	var items []ledger.Item
	for _, id := range ids {
		items = append(items, b.item(id))
	}
	return items
}

// BaselineItems are what a fresh event, or one by hand, records as baseline:
// the bundle's migrations, what they supersede, and all that is gone, as far
// as they do not count as applied. Migrations with `Fresh: run`, and what
// they supersede, are left out, since they are to run.
func (b *Bundle) BaselineItems(s *State) []ledger.Item {
	var all, ids []bundle.ID
	for i := range b.Migrations {
		all = append(all, b.Migrations[i].ID)
	}
	for i := range b.Migrations {
		all = append(all, b.Migrations[i].Supersedes...)
	}
	for i := range b.Gone {
		all = append(append(all, b.Gone[i].ID), b.Gone[i].Supersedes...)
	}
	seen := map[bundle.ID]bool{}
	for _, id := range all {
		place, in := b.Index.Position(b.Index.Resolve(id))
		toRun := in && b.Migrations[place].Fresh == bundle.RunFresh
		if standing := s.Standing(id); !toRun && !seen[id] && standing != Applied && standing != Baseline {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return b.items(ids)
}

// FreshEvent is the baseline decision on s, by hand or not.
func (b *Bundle) FreshEvent(s *State, hand bool) ledger.Event {
	return ledger.Event{Kind: ledger.Fresh, Bundle: b.Anchor, Release: b.Release, Items: b.BaselineItems(s), Hand: hand}
}

// StartedEvent begins the attempt number of the migration at position.
func (b *Bundle) StartedEvent(position, number int) ledger.Event {
	m := &b.Migrations[position]
	paths := len(m.Paths) > 0
	return ledger.Event{
		Kind: ledger.Started, ID: m.ID, Digest: m.Digest, Bundle: b.Anchor, Release: b.Release, Attempt: number,
		Since: m.Since, OneWay: m.OneWay, Paths: paths, Keep: paths && b.Keep == bundle.KeepGood,
		Items: b.items(b.Index.AllSuperseded(m.ID)),
	}
}

// EndedEvent ends the attempt that started began. The caller adds how it
// went: exit, signal, time, reason.
func EndedEvent(started *ledger.Event, kind ledger.Kind) ledger.Event {
	e := *started
	e.Kind, e.Ref, e.Seq, e.At, e.Line, e.Critical = kind, started.Seq, 0, 0, "", false
	if kind != ledger.Applied {
		e.Items = nil
	}
	return e
}

// ForgottenEvent makes id pending again, with all that was recorded applied
// through it. Where the bundle supersedes id, what supersedes it is forgotten
// with it: a squash would else go on standing for what is to run again.
func (b *Bundle) ForgottenEvent(s *State, id bundle.ID) ledger.Event {
	e := ledger.Event{Kind: ledger.Forgotten, ID: b.Index.Resolve(id)}
	var also []*Record
	for _, r := range s.Records {
		if r.ID != e.ID && (r.ID == id || r.Through != "" && (r.Through == id || r.Through == e.ID)) {
			also = append(also, r)
		}
	}
	sortRecords(also)
	for _, r := range also {
		e.Items = append(e.Items, ledger.Item{ID: r.ID, Since: r.Since, OneWay: r.OneWay, Digest: r.Digest})
	}
	return e
}
