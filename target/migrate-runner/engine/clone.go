// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"sort"

	"meta-migration/internal/bundle"
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
	sort.Slice(records, func(i, j int) bool { return records[i].ID < records[j].ID })
}
