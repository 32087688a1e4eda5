// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// same says whether two states are the same to a run: in all but the number
// of events, of which only whether there are any matters.
func same(a, b *State) bool {
	if a.Release != b.Release || a.Complete != b.Complete || (a.Events == 0) != (b.Events == 0) ||
		!sameEvent(a.Open, b.Open) || !sameEvent(a.Fallback, b.Fallback) || !sameEvent(a.Critical, b.Critical) ||
		len(a.Unconfirmed) != len(b.Unconfirmed) || len(a.Records) != len(b.Records) {
		return false
	}
	for i := range a.Unconfirmed {
		if !sameEvent(&a.Unconfirmed[i], &b.Unconfirmed[i]) {
			return false
		}
	}
	for id, r := range a.Records {
		if !sameRecord(r, b.Records[id]) {
			return false
		}
	}
	return true
}

func sameRecord(a, b *Record) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID && a.Standing == b.Standing && a.Through == b.Through && a.Since == b.Since &&
		a.OneWay == b.OneWay && a.Digest == b.Digest && sameIDs(a.Supersedes, b.Supersedes) &&
		a.Touched == b.Touched && a.Reverted == b.Reverted && sameEvent(a.Last, b.Last) &&
		covered(a.Attempts, b.Attempts) && covered(b.Attempts, a.Attempts)
}

// covered says whether b has all the counts of a. A count of 0 is none.
func covered(a, b map[bundle.Digest]int) bool {
	for digest, n := range a {
		if b[digest] != n {
			return false
		}
	}
	return true
}

// sameEvent compares two events of one ledger.
func sameEvent(a, b *ledger.Event) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Seq == b.Seq
}

func sameIDs(a, b []bundle.ID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
