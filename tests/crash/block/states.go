// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/rand"
)

const piece = 4096

// A write is a piece of an entry that reaches the disk wholly or not at all.
type write struct {
	entry int
	at    int64
	data  []byte
}

// A state is a disk as a power cut can leave it: the base image with these
// writes, in their order.
type state struct {
	kind    string // prefix, reorder or bare
	cut     int    // the power goes before this entry of the log
	from    int    // the first entry that was not durable then
	writes  []write
	claimed bool // the runner had ended by then
}

// A history is what a disk was told, and when the runner had ended.
type history struct {
	entries []entry
	mark    int // index of the entry that says so; beyond the last for none
	pieces  [][]write
	durable []int // for a cut before entry i: entries before durable[i] are on the medium
}

// newHistory cuts the entries into pieces. Data at markAt is no data: the
// guest writes it when the runner has ended.
func newHistory(entries []entry, markAt int64) *history {
	h := &history{entries: entries, mark: len(entries), pieces: make([][]write, len(entries))}
	flushed := 0
	for i, e := range entries {
		h.durable = append(h.durable, flushed)
		if e.flags&flagFlush != 0 {
			flushed = i
			if e.size == 0 {
				flushed = i + 1
			}
		}
		switch {
		case e.at == markAt && bytes.HasPrefix(e.data, []byte(markText)):
			h.mark = min(h.mark, i)
		case e.flags&flagDiscard != 0:
			// What is discarded may be anything; here it is left as it was.
		default:
			h.pieces[i] = cut(i, e)
		}
	}
	h.durable = append(h.durable, flushed)
	return h
}

// ledgerStart begins the block that holds the ledger's first events, as long
// as it is not compacted.
var ledgerStart = []byte("1 1 ")

// cut divides a write at the multiples of the piece size; one that writes the
// ledger at those of the sector size.
func cut(number int, e entry) []write {
	size := int64(piece)
	if bytes.HasPrefix(e.data, ledgerStart) {
		size = sector
	}
	var pieces []write
	for from := int64(0); from < int64(len(e.data)); {
		to := min(from+size-(e.at+from)%size, int64(len(e.data)))
		pieces = append(pieces, write{number, e.at + from, e.data[from:to]})
		from = to
	}
	return pieces
}

// prefix is the state of a disk that writes at once: all before the cut.
func (h *history) prefix(at int) state {
	s := state{kind: "prefix", cut: at, from: h.durable[at], claimed: at > h.mark}
	for _, p := range h.pieces[:at] {
		s.writes = append(s.writes, p...)
	}
	return s
}

// reorder is a state of a disk with a cache: of what was written since the
// last flush each write is dropped (4 of 10), kept (4 of 10) or torn into any
// part of its pieces. One that bypasses the cache is kept.
func (h *history) reorder(at int, rng *rand.Rand) state {
	s := state{kind: "reorder", cut: at, from: h.durable[at], claimed: at > h.mark}
	for i, pieces := range h.pieces[:at] {
		fate := rng.Intn(10)
		if i < s.from || h.entries[i].flags&flagFUA != 0 {
			fate = 9
		}
		for _, p := range pieces {
			if fate >= 6 || fate >= 4 && rng.Intn(2) == 0 {
				s.writes = append(s.writes, p)
			}
		}
	}
	return s
}

// bare is the state of a disk that loses all that it may.
func (h *history) bare(at int) state {
	s := state{kind: "bare", cut: at, from: h.durable[at], claimed: at > h.mark}
	for i, p := range h.pieces[:at] {
		if i < s.from || h.entries[i].flags&flagFUA != 0 {
			s.writes = append(s.writes, p...)
		}
	}
	return s
}

// pending is the number of pieces that a cut there may lose.
func (h *history) pending(at int) (n int) {
	for _, p := range h.pieces[h.durable[at]:at] {
		n += len(p)
	}
	return n
}

// key tells states that are different disks apart; what was claimed counts,
// since it says what must be on the disk.
func (s *state) key() [sha256.Size]byte {
	sum := sha256.New()
	last := map[int64]int{}
	for i := range s.writes {
		last[s.writes[i].at] = i
	}
	for i, w := range s.writes {
		if last[w.at] == i {
			sum.Write(binary.LittleEndian.AppendUint64(nil, uint64(w.at)))
			sum.Write(w.data)
		}
	}
	if s.claimed {
		sum.Write([]byte("claimed"))
	}
	return [sha256.Size]byte(sum.Sum(nil))
}

// states returns n different states: the worst one when the runner has just
// ended, every prefix, then as many reorderings as are needed, spread over the
// whole history. Less where there are no more. When the prefixes alone are
// more than half of n, half of n of each kind.
func (h *history) states(n int, rng *rand.Rand) []state {
	var all []state
	seen := map[[sha256.Size]byte]bool{}
	add := func(s state) bool {
		if len(s.writes) == 0 && !s.claimed || seen[s.key()] {
			return false
		}
		seen[s.key()] = true
		all = append(all, s)
		return true
	}
	if h.mark < len(h.entries) {
		add(h.bare(h.mark + 1))
	}
	var cuts, loose []int
	for at := 1; at <= len(h.entries); at++ {
		cuts = append(cuts, at)
		if h.pending(at) > 1 {
			loose = append(loose, at)
		}
	}
	rng.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
	for _, at := range cuts {
		if len(all) < max(n/2, 1) || n >= len(cuts)*2 {
			add(h.prefix(at))
		}
	}
	for tries := 0; len(all) < n && len(loose) > 0 && tries < 20*n; tries++ {
		add(h.reorder(loose[rng.Intn(len(loose))], rng))
	}
	return all
}
