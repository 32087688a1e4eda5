// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

import "meta-migration/internal/bundle"

// A Kind says what happened. Values that are none of the constants come from
// a newer program.
type Kind string

// The kinds; the package doc says what each means.
const (
	Compacted   Kind = "compacted"
	Fresh       Kind = "fresh"
	Started     Kind = "started"
	Applied     Kind = "applied"
	Failed      Kind = "failed"
	Interrupted Kind = "interrupted"
	Stopped     Kind = "stopped"
	Deferred    Kind = "deferred"
	Baseline    Kind = "baseline"
	Rearmed     Kind = "rearmed"
	Retried     Kind = "retried"
	Forgotten   Kind = "forgotten"
	Fallback    Kind = "fallback"
	Reverted    Kind = "reverted"
	Confirmed   Kind = "confirmed"
	Completed   Kind = "completed"
)

var known = [...]Kind{
	Started, Applied, Failed, Interrupted, Stopped, Deferred, Baseline, Rearmed, Retried, Forgotten, Fallback, Reverted,
	Confirmed, Completed, Compacted, Fresh,
}

// Known says whether this program understands the kind.
func (k Kind) Known() bool {
	for _, kind := range known {
		if k == kind {
			return true
		}
	}
	return false
}

// An Event is one line of the ledger. Which fields are used depends on Kind.
type Event struct {
	Seq      uint64
	Kind     Kind
	Critical bool
	At       int64 // seconds since 1970; for people only

	ID      bundle.ID
	Digest  bundle.Digest // of the script
	Bundle  bundle.Digest // of the manifest
	Release string        // of the bundle
	Since   string
	OneWay  bool
	Paths   bool // the attempt saved its Paths
	Keep    bool // the save stays until it is confirmed
	Hand    bool // made by a person
	Attempt int  // number of the attempt, from 1

	Ref     uint64   // the event that this one ends
	Refs    []uint64 // the started events whose saves a fallback puts back
	Upto    uint64   // compacted: events up to this number may be missing
	Items   []Item
	Exit    int    // exit status of the script
	Signal  int    // the signal that ended it
	Timeout bool   // it took too long
	Millis  int64  // how long the attempt took
	Reason  string // one line for people

	// Line is the event's line as it was read, without its line feed. It is
	// how events are kept through a compaction.
	Line string
}

// An Item is a migration that an event is about beside its ID, with what an
// image that has not got the migration must know of it.
type Item struct {
	ID         bundle.ID
	Since      string // "" when not known
	OneWay     bool
	Digest     bundle.Digest // "" when not known
	Supersedes []bundle.ID
}
