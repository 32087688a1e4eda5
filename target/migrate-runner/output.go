// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strings"
	"unicode/utf8"

	"meta-migration/target/migrate-runner/internal/report"
)

const (
	keptOutput  = 64 << 10 // of a script's output, in its log, in bytes
	keptReason  = 300      // of the last line on stderr, in bytes
	kernelLines = 200      // of a script's output in the kernel's log
)

// output is what a script wrote: the last part of it, and the last line that
// it wrote on stderr.
type output struct {
	id    string
	ring  []byte
	next  int  // where the oldest byte stands once the ring is full
	full  bool // the ring is
	last  lastLine
	lines int
	line  lastLine // of both streams, for the kernel's log
}

func (o *output) add(data []byte, stderr bool) {
	report.Script(data)
	o.keep(data)
	if stderr {
		o.last.add(data, nil)
	}
	// A script that floods must not be slowed down by what nobody will see.
	if o.lines < kernelLines {
		o.line.add(data, func(line string) {
			if o.lines++; o.lines <= kernelLines {
				report.ScriptLine(o.id, line)
			}
		})
	}
}

func (o *output) keep(data []byte) {
	if !o.full {
		room := keptOutput - len(o.ring)
		if len(data) <= room {
			o.ring = append(o.ring, data...)
			return
		}
		o.ring = append(o.ring, data[:room]...)
		o.full, data = true, data[room:]
	}
	for len(data) > 0 {
		n := copy(o.ring[o.next:], data)
		o.next = (o.next + n) % keptOutput
		data = data[n:]
	}
}

// bytes returns what is kept, in order.
func (o *output) bytes() []byte {
	return append(append([]byte(nil), o.ring[o.next:]...), o.ring[:o.next]...)
}

func (o *output) reason() string { return o.last.text() }

// lastLine keeps the last line that is not blank, in bounded memory.
type lastLine struct {
	whole []byte // the last ended line that is not blank, cut at keptReason
	part  []byte // the one that has not ended yet, cut at keptReason
}

func (l *lastLine) add(data []byte, each func(line string)) {
	for _, c := range data {
		switch {
		case c != '\n':
			if len(l.part) < keptReason {
				l.part = append(l.part, c)
			}
			continue
		case each != nil:
			if text := clean(l.part); text != "" {
				each(text)
			}
		}
		if !blank(l.part) {
			l.whole, l.part = l.part, l.whole
		}
		l.part = l.part[:0]
	}
}

func (l *lastLine) text() string {
	if text := clean(l.part); text != "" {
		return text
	}
	return clean(l.whole)
}

// blank says whether nothing of a line would be shown.
func blank(line []byte) bool {
	for _, c := range line {
		if c > ' ' && c < 0x7f {
			return false
		}
	}
	return clean(line) == ""
}

// clean makes a line safe to show: no control characters, no broken UTF-8.
func clean(line []byte) string {
	var b strings.Builder
	for _, r := range string(line) {
		if r < ' ' || r == 0x7f || r == utf8.RuneError || r >= 0x80 && r < 0xa0 {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), " ")
}
