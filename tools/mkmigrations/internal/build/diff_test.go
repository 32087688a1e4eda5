// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"math/rand"
	"testing"

	"meta-migration/internal/bundle"
)

// TestLongestRise compares with the quadratic way, and checks that what is
// marked does rise.
func TestLongestRise(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for round := 0; round < 2000; round++ {
		list := r.Perm(r.Intn(12))
		best, lengths := 0, make([]int, len(list))
		for i := range list {
			lengths[i] = 1
			for j := 0; j < i; j++ {
				if list[j] < list[i] && lengths[j]+1 > lengths[i] {
					lengths[i] = lengths[j] + 1
				}
			}
			best = max(best, lengths[i])
		}
		count, last := 0, -1
		for i, in := range longestRise(list) {
			if !in {
				continue
			}
			if list[i] <= last {
				t.Fatalf("%v: marks do not rise", list)
			}
			count, last = count+1, list[i]
		}
		if count != best {
			t.Fatalf("%v: %d marked, the longest has %d", list, count, best)
		}
	}
}

func TestDiffOfEqual(t *testing.T) {
	m, err := bundle.ParseManifest("m", []byte(flipped))
	if err != nil {
		t.Fatal(err)
	}
	if d := Diff(m, m); !d.Empty() {
		t.Errorf("a manifest differs from itself: %+v", d)
	}
}

// Every field of a migration and of the bundle is seen.
func TestDiffSeesEveryField(t *testing.T) {
	full, err := bundle.ParseManifest("m", []byte(flipped))
	if err != nil {
		t.Fatal(err)
	}
	bare := &bundle.Manifest{Release: "1"}
	for i := range full.Migrations {
		bare.Migrations = append(bare.Migrations, bundle.Migration{ID: full.Migrations[i].ID, File: full.Migrations[i].File})
	}
	fields := map[string]bool{}
	d := Diff(bare, full)
	for _, c := range d.Bundle {
		fields[c.Field] = true
	}
	for _, one := range d.Changed {
		for _, c := range one.Fields {
			fields[c.Field] = true
		}
	}
	// Of the first stanza all but Format, Gone and On-Corrupt, which has its
	// default; Digest and all fields of a header.
	if len(fields) != 7+1+14 {
		t.Errorf("%d fields are seen: %v", len(fields), fields)
	}
}
