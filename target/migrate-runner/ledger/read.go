// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

import (
	"strconv"
	"strings"
)

// MaxSize is the largest ledger that is read, in bytes. Compaction keeps
// real ones far below it.
const MaxSize = 64 << 20

// A Log is what a ledger holds.
type Log struct {
	Events []Event // without the compacted line
	End    int     // offset behind the last whole line: where the next one goes
	Torn   bool    // bytes of a torn line stand at End
	Next   uint64  // the sequence number of the next event
}

// A DamageError says where a ledger is damaged, other than by a torn last
// line.
type DamageError struct {
	Line int // counted from 1
	What string
}

// Error names the line and what is wrong with it.
func (e *DamageError) Error() string {
	return "line " + strconv.Itoa(e.Line) + " of the ledger " + e.What
}

// Parse reads the bytes of a ledger; an empty one is an empty Log. The error
// is a *[DamageError].
func Parse(data []byte) (*Log, error) {
	log := &Log{Next: 1}
	text := strings.TrimRight(string(data), "\x00")
	// Room for lines of ordinary length: not so much that a file of line feeds
	// alone could use up the memory.
	if n := min(strings.Count(text, "\n"), len(text)/128); n > 0 {
		log.Events = make([]Event, 0, n)
	}
	var upto uint64
	for line := 1; log.End < len(text); line++ {
		length := strings.IndexByte(text[log.End:], '\n')
		if length < 0 {
			log.Torn = true
			break
		}
		e, written, ok := decode(text[log.End : log.End+length])
		if !written && log.End+length+1 == len(text) {
			log.Torn = true
			break
		}
		if !ok {
			return nil, &DamageError{line, "is not well formed or has a wrong check value"}
		}
		if err := log.add(e, line, &upto); err != nil {
			return nil, err
		}
		log.End += length + 1
	}
	return log, nil
}

func (log *Log) add(e Event, line int, upto *uint64) error {
	if e.Kind == Compacted {
		if line != 1 || e.Seq != 0 {
			return &DamageError{line, "says compacted, which only the first line can"}
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
		return &DamageError{line, "is out of sequence"}
	}
	log.Events = append(log.Events, e)
	if e.Seq >= log.Next {
		log.Next = e.Seq + 1
	}
	return nil
}
