// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"strconv"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// A Row is a migration as people see it: of the bundle, in its order, and
// then the future ones.
type Row struct {
	ID       bundle.ID
	Digest   bundle.Digest
	State    string // a state word of the contract
	UsedUp   bool   // this bundle may not try it again
	Attempts int    // counted attempts with this bundle; of an applied one, those that it took
	Since    string
	Last     *ledger.Event // the event that ended the last attempt, nil for none
}

// States of a migration on a device, as rows and messages name them.
const (
	StatePending     = "pending"
	StateApplied     = "applied"
	StateBaseline    = "baseline"
	StateFailed      = "failed"
	StateInterrupted = "interrupted"
	StateBlocked     = "blocked"
	StateFuture      = "future"
	StateReverted    = "reverted"
)

// Rows shows the state s of a device for the bundle b. Nothing is run: a
// migration whose last attempt with this bundle failed holds up what
// requires it, as it will if it fails again.
func Rows(b *Bundle, s *State) []Row {
	rows := make([]Row, 0, len(b.Migrations))
	down := map[bundle.ID]bool{} // failed with continue, or blocked
	for i := range b.Migrations {
		m := &b.Migrations[i]
		row := Row{ID: m.ID, Digest: m.Digest, Since: m.Since, State: rowState(b, s, m), Attempts: s.attempts(m.ID, b.Anchor)}
		if r := s.Records[m.ID]; r != nil {
			row.Last = r.Last
			if row.State == StateApplied && r.Last != nil {
				row.Attempts = r.Last.Attempt
			}
		}
		// How an attempt ended says nothing of one that is settled otherwise.
		if row.State == StateApplied && row.Last != nil && row.Last.Kind != ledger.Applied || row.State == StateBaseline {
			row.Last, row.Attempts = nil, 0
		}
		// Nor does that of an earlier one of the one that is not ended.
		if s.Open != nil && s.Open.ID == m.ID {
			row.Last = nil
		}
		settled := row.State == StateApplied || row.State == StateBaseline
		row.UsedUp = !settled && b.UsedUp(s, m.ID)
		for _, id := range m.Requires {
			if !settled && down[b.Index.Resolve(id)] {
				row.State, row.UsedUp = StateBlocked, false
			}
		}
		failed := row.State == StateFailed || row.UsedUp
		down[m.ID] = row.State == StateBlocked || failed && m.OnFailure == bundle.Continue
		rows = append(rows, row)
	}
	for _, r := range Future(b, s) {
		row := Row{ID: r.ID, Digest: r.Digest, State: StateFuture, Attempts: r.Attempts[b.Anchor], Since: r.Since, Last: r.Last}
		if s.Open != nil && s.Open.ID == r.ID {
			row.Last = nil
		}
		rows = append(rows, row)
	}
	return rows
}

// UsedUp says whether the bundle has id, and may not try it again while no
// `retry` is recorded.
func (b *Bundle) UsedUp(s *State, id bundle.ID) bool {
	position, in := b.Index.Position(id)
	return in && s.attempts(id, b.Anchor) >= b.Migrations[position].EffectiveAttempts()
}

// rowState is the state of a migration of the bundle by itself.
func rowState(b *Bundle, s *State, m *bundle.Migration) string {
	r := s.Records[m.ID]
	switch {
	case r != nil && r.Standing == Applied:
		return StateApplied
	case b.CountsAsApplied(s, m.ID):
		return StateBaseline
	case r == nil:
		return StatePending
	case s.Open != nil && s.Open.ID == m.ID:
		return StateInterrupted
	case r.Reverted:
		return StateReverted
	case r.Last != nil && r.Last.Bundle == b.Anchor && r.Attempts[b.Anchor] > 0:
		switch r.Last.Kind {
		case ledger.Failed:
			return StateFailed
		case ledger.Interrupted:
			return StateInterrupted
		}
	}
	return StatePending
}

// Troubled returns the first row that keeps a run from success: failed,
// blocked or used up; nil for none.
func Troubled(rows []Row) *Row {
	for i := range rows {
		if rows[i].State == StateFailed || rows[i].State == StateBlocked || rows[i].UsedUp {
			return &rows[i]
		}
	}
	return nil
}

// Retriable says whether a failed or interrupted migration has attempts
// left, so that starting the device again may help.
func Retriable(rows []Row) bool {
	for i := range rows {
		if !rows[i].UsedUp && (rows[i].State == StateFailed || rows[i].State == StateInterrupted) {
			return true
		}
	}
	return false
}

// Describe says in one line how an attempt ended, "" for one that applied.
func Describe(e *ledger.Event) string {
	var how string
	switch {
	case e.Kind == ledger.Applied:
		return ""
	case e.Kind == ledger.Interrupted:
		how = "the power went or the runner was killed"
	case e.Kind == ledger.Stopped:
		how = "the runner was told to end"
	case e.Kind == ledger.Deferred:
		how = "it said \"not now\" (exit status 75)"
	case e.Timeout:
		how = "it took longer than its Timeout"
	case e.Signal != 0:
		how = "it was ended by signal " + strconv.Itoa(e.Signal)
	case e.Exit != 0:
		how = "exit status " + strconv.Itoa(e.Exit)
	default:
		how = "it could not be run to its end"
	}
	if e.Reason != "" {
		how += ": " + e.Reason
	}
	return how
}
