// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"fmt"
	"math/rand"
	"testing"
)

// TestStatesAreOfACorrectDisk makes random histories and checks each state by
// the definition of a flush: nothing that was written before one is lost, and
// nothing is there that was written behind the cut.
func TestStatesAreOfACorrectDisk(t *testing.T) {
	for seed := int64(0); seed < 50; seed++ {
		rng := rand.New(rand.NewSource(seed))
		entries := randomEntries(rng)
		h := newHistory(entries, fsSize)
		for _, s := range h.states(60, rng) {
			if why := wrong(entries, &s); why != "" {
				t.Fatalf("seed %d, %s, cut before %d: %s", seed, s.kind, s.cut, why)
			}
		}
	}
}

func randomEntries(rng *rand.Rand) []entry {
	var entries []entry
	for len(entries) < 40 {
		size := (1 + rng.Intn(40)) * sector
		e := entry{at: int64(rng.Intn(64)) * sector, size: int64(size), data: data(byte(len(entries)), size)}
		switch rng.Intn(8) {
		case 0:
			e = entry{flags: flagFlush}
		case 1:
			e.flags = flagFlush
		case 2:
			e.flags = flagFUA
		case 3:
			e.flags, e.data = flagDiscard, nil
		}
		entries = append(entries, e)
	}
	mark := entry{at: fsSize, size: piece, data: append([]byte(markText), data(0, piece-len(markText))...)}
	return append(entries[:30:30], append([]entry{mark}, entries[30:]...)...)
}

// wrong says why a state cannot be; "" if it can.
func wrong(entries []entry, s *state) string {
	flushed := -1
	for i, e := range entries[:s.cut] {
		if e.flags&flagFlush != 0 {
			flushed = i
		}
	}
	bytesOf, last := map[int]int{}, -1
	for _, w := range s.writes {
		bytesOf[w.entry] += len(w.data)
		if w.entry < last {
			return fmt.Sprintf("entry %d comes behind %d", w.entry, last)
		}
		last = w.entry
		if len(w.data) > piece || len(w.data) != piece && w.at/piece != (w.at+int64(len(w.data))-1)/piece {
			return fmt.Sprintf("%d bytes at %d are no piece", len(w.data), w.at)
		}
	}
	for i, e := range entries {
		safe := i < flushed || e.flags&flagFUA != 0 && i < s.cut || s.kind == "prefix" && i < s.cut
		switch {
		case e.at == fsSize || e.data == nil:
			if bytesOf[i] != 0 {
				return fmt.Sprintf("entry %d writes nothing that counts", i)
			}
		case i >= s.cut && bytesOf[i] != 0:
			return fmt.Sprintf("entry %d is from after the cut", i)
		case safe && bytesOf[i] != len(e.data):
			return fmt.Sprintf("of entry %d, which is durable, %d of %d bytes are there", i, bytesOf[i], len(e.data))
		}
	}
	if s.kind == "bare" {
		for _, w := range s.writes {
			if w.entry >= flushed && entries[w.entry].flags&flagFUA == 0 {
				return fmt.Sprintf("entry %d is not durable, a bare state has lost it", w.entry)
			}
		}
	}
	if s.claimed != (s.cut > 30) {
		return "the end of the runner is not where the mark is"
	}
	return ""
}

// TestStatesDiffer: states that are the same disk would only seem to be more.
func TestStatesDiffer(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	h := newHistory(randomEntries(rng), fsSize)
	states := h.states(500, rng)
	seen, kinds := map[[32]byte]bool{}, map[string]int{}
	for i := range states {
		if key := states[i].key(); seen[key] {
			t.Fatalf("state %d was there before", i)
		} else {
			seen[key] = true
		}
		kinds[states[i].kind]++
	}
	if kinds["prefix"] < 20 || kinds["reorder"] < 100 {
		t.Errorf("the states are %v", kinds)
	}
}

// TestLedgerIsTornInSectors guards the finer tearing of what must stand it.
func TestLedgerIsTornInSectors(t *testing.T) {
	ledger := entry{size: piece, data: append([]byte("1 1 0badc0de started"), data(0, piece-20)...)}
	other := entry{size: 2 * piece, data: data('x', 2*piece)}
	h := newHistory([]entry{ledger, other}, fsSize)
	if len(h.pieces[0]) != piece/sector || len(h.pieces[1]) != 2 {
		t.Errorf("the ledger is in %d pieces, the other write in %d", len(h.pieces[0]), len(h.pieces[1]))
	}
}
