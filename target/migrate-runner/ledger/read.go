// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

import (
	"strconv"
	"strings"
	"unsafe"
)

// Limits of a ledger that is read, so that a forged one cannot use up the
// device's memory. Compaction keeps real ones far below them: a first run of
// 10,000 migrations writes 20,000 events in 6 MB.
const (
	MaxSize   = 32 << 20 // bytes
	MaxEvents = 1 << 17
)

// A Log is what a ledger holds.
type Log struct {
	Events []Event // without the compacted line
	Last   int     // offset of the last whole line
	End    int     // offset behind it: where the next one goes
	Torn   bool    // bytes that are no line of this program's stand at End
	Next   uint64  // the sequence number of the next event

	unknown bool // there is a critical event of an unknown kind
}

// A DamageError says where a ledger is damaged, other than by a torn last
// line.
type DamageError struct {
	Line int // counted from 1
	What string
	Last *Event // the last line, where that one can be read; else nil
}

// Error names the line and what is wrong with it.
func (e *DamageError) Error() string {
	return "line " + strconv.Itoa(e.Line) + " of the ledger " + e.What
}

// Parse reads the bytes of a ledger; an empty one is an empty Log. Behind a
// critical event of an unknown kind, which forbids to go on from there, it
// reads as far as it understands. The error is a *[DamageError]. The events
// are parts of data, which must not be changed afterwards.
func Parse(data []byte) (*Log, error) {
	log := &Log{Next: 1}
	text := strings.TrimRight(unsafe.String(unsafe.SliceData(data), len(data)), "\x00")
	err := log.read(text)
	if err == nil {
		return log, nil
	}
	if log.unknown {
		log.Torn = true
		return log, nil
	}
	err.Last = last(text)
	return nil, err
}

// read reads lines until one is torn or damaged.
func (log *Log) read(text string) *DamageError {
	// Room for lines of ordinary length: not so much that a file of line feeds
	// alone could use up the memory.
	if n := min(strings.Count(text, "\n"), len(text)/128, MaxEvents); n > 0 {
		log.Events = make([]Event, 0, n)
	}
	var upto uint64
	for line := 1; log.End < len(text); line++ {
		length := strings.IndexByte(text[log.End:], '\n')
		if length < 0 {
			length = len(text) - log.End
		}
		e, written, ok := decode(text[log.End : log.End+length])
		if log.End+length >= len(text)-1 && (!written || log.End+length == len(text)) {
			if holdsLine(text[log.End:]) {
				return &DamageError{Line: line, What: "has lost its line feed"}
			}
			log.Torn = true
			break
		}
		if !ok {
			return &DamageError{Line: line, What: "is not well formed or has a wrong check value"}
		}
		if err := log.add(e, line, &upto); err != nil {
			return err
		}
		log.Last = log.End
		log.End += length + 1
	}
	return nil
}

// holdsLine says whether what looks like a torn line holds a whole one: a
// power cut cannot leave that, but a line feed that has changed can. What
// takes as much work as a whole ledger was not written by a runner either.
func holdsLine(torn string) bool {
	work := 0
	for at := range torn {
		if strings.HasPrefix(torn[at:], version+" ") {
			if work += len(torn) - at; work > MaxSize {
				return true
			}
			if _, written, _ := decode(torn[at : len(torn)-1]); written {
				return true
			}
		}
	}
	return false
}

// last reads the last line of a ledger that is damaged elsewhere; nil where
// that cannot be read either.
func last(text string) *Event {
	end := strings.LastIndexByte(text, '\n')
	if end < 0 {
		return nil
	}
	e, _, ok := decode(text[strings.LastIndexByte(text[:end], '\n')+1 : end])
	if !ok {
		return nil
	}
	return &e
}

func (log *Log) add(e Event, line int, upto *uint64) *DamageError {
	if e.Kind == Compacted {
		if line != 1 || e.Seq != 0 {
			return &DamageError{Line: line, What: "says compacted, which only the first line can"}
		}
		*upto = e.Upto
		log.Next = e.Upto + 1
		return nil
	}
	// Up to the compaction numbers only rise; behind it none may be missing.
	last := uint64(0)
	if n := len(log.Events); n > 0 {
		last = log.Events[n-1].Seq
	}
	if e.Seq <= last || e.Seq > *upto && e.Seq != log.Next {
		return &DamageError{Line: line, What: "is out of sequence"}
	}
	if len(log.Events) == MaxEvents {
		return &DamageError{Line: line, What: "is one more than any ledger has"}
	}
	log.unknown = log.unknown || e.Critical && !e.Kind.Known()
	log.Events = append(log.Events, e)
	if e.Seq >= log.Next {
		log.Next = e.Seq + 1
	}
	return nil
}
