// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/ascending"
	"meta-migration/target/migrate-runner/ledger"
)

// Clone returns a State that changes apart from s.
func (s *State) Clone() *State {
	c := *s
	c.Records = make(map[bundle.ID]*Record, len(s.Records))
	for id, r := range s.Records {
		copied := *r
		copied.Attempts = nil
		for b, n := range r.Attempts {
			if copied.Attempts == nil {
				copied.Attempts = map[bundle.Digest]int{}
			}
			copied.Attempts[b] = n
		}
		c.Records[id] = &copied
	}
	c.Unconfirmed = append([]ledger.Event(nil), s.Unconfirmed...)
	return &c
}

func sortRecords(records []*Record) {
	// A sort of IDs shares its code with all other sorts of the runner.
	ids := make([]bundle.ID, len(records))
	byID := make(map[bundle.ID]*Record, len(records))
	for i, r := range records {
		ids[i] = r.ID
		byID[r.ID] = r
	}
	ascending.Sort(ids)
	for i, id := range ids {
		records[i] = byID[id]
	}
}
