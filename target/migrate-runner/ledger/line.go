// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

import (
	"strconv"
	"strings"

	"meta-migration/internal/bundle"
)

const version = "1"

// Encode writes e as a line, with its line feed. Seq and Kind must be set.
func Encode(e *Event) string {
	kind := string(e.Kind)
	if e.Critical {
		kind += "!"
	}
	head := version + " " + strconv.FormatUint(e.Seq, 10) + " "
	tail := kind + details(e)
	return head + checkValue(head+tail) + " " + tail + "\n"
}

func checkValue(text string) string {
	const digits = "0123456789abcdef"
	sum := checksum(text)
	var hex [8]byte
	for i := range hex {
		hex[i] = digits[sum>>(28-4*i)&15]
	}
	return string(hex[:])
}

// A pair is how one key of a line is written and read. write returns "" for
// a zero value, which is not written.
type pair struct {
	key   string
	write func(e *Event) string
	read  func(e *Event, value string) bool
}

var pairs = []pair{
	{"at", func(e *Event) string { return number(e.At) }, func(e *Event, v string) bool { return readNumber(v, &e.At) }},
	{"upto", func(e *Event) string { return number(int64(e.Upto)) }, func(e *Event, v string) bool { return readUint(v, &e.Upto) }},
	{"ref", func(e *Event) string { return number(int64(e.Ref)) }, func(e *Event, v string) bool { return readUint(v, &e.Ref) }},
	{"id", func(e *Event) string { return string(e.ID) }, func(e *Event, v string) bool { e.ID = bundle.ID(v); return bundle.CheckID(v) == nil }},
	{"digest", func(e *Event) string { return string(e.Digest) }, func(e *Event, v string) bool { return readDigest(v, &e.Digest) }},
	{"bundle", func(e *Event) string { return string(e.Bundle) }, func(e *Event, v string) bool { return readDigest(v, &e.Bundle) }},
	{"release", func(e *Event) string { return e.Release }, func(e *Event, v string) bool { e.Release = v; return bundle.CheckRelease(v) == nil }},
	{"attempt", func(e *Event) string { return number(int64(e.Attempt)) }, func(e *Event, v string) bool { return readInt(v, &e.Attempt) }},
	{"since", func(e *Event) string { return e.Since }, func(e *Event, v string) bool { e.Since = v; return bundle.CheckRelease(v) == nil }},
	{"oneway", func(e *Event) string { return flag(e.OneWay) }, func(e *Event, v string) bool { return readFlag(v, &e.OneWay) }},
	{"paths", func(e *Event) string { return flag(e.Paths) }, func(e *Event, v string) bool { return readFlag(v, &e.Paths) }},
	{"keep", func(e *Event) string { return flag(e.Keep) }, func(e *Event, v string) bool { return readFlag(v, &e.Keep) }},
	{"hand", func(e *Event) string { return flag(e.Hand) }, func(e *Event, v string) bool { return readFlag(v, &e.Hand) }},
	{"exit", func(e *Event) string { return number(int64(e.Exit)) }, func(e *Event, v string) bool { return readInt(v, &e.Exit) }},
	{"signal", func(e *Event) string { return number(int64(e.Signal)) }, func(e *Event, v string) bool { return readInt(v, &e.Signal) }},
	{"timeout", func(e *Event) string { return flag(e.Timeout) }, func(e *Event, v string) bool { return readFlag(v, &e.Timeout) }},
	{"ms", func(e *Event) string { return number(e.Millis) }, func(e *Event, v string) bool { return readNumber(v, &e.Millis) }},
	{"refs", func(e *Event) string { return writeRefs(e.Refs) }, func(e *Event, v string) bool { return readRefs(v, &e.Refs) }},
	{"items", func(e *Event) string { return writeItems(e.Items) }, func(e *Event, v string) bool { return readItems(v, &e.Items) }},
	{"reason", func(e *Event) string { return e.Reason }, func(e *Event, v string) bool { e.Reason = v; return true }},
}

func details(e *Event) string {
	var b strings.Builder
	for i := range pairs {
		if value := pairs[i].write(e); value != "" {
			b.WriteString(" " + pairs[i].key + "=" + escape(value))
		}
	}
	return b.String()
}

// decode reads one line without its line feed. written is false for a line
// whose check value is wrong or missing; ok is false for one that was written
// but that this program cannot read.
func decode(line string) (e Event, written, ok bool) {
	parts := strings.SplitN(line, " ", 4)
	if len(parts) != 4 || parts[2] != checkValue(parts[0]+" "+parts[1]+" "+parts[3]) {
		return e, false, false
	}
	if parts[0] != version || !readUint(parts[1], &e.Seq) {
		return e, true, false
	}
	kind, rest, _ := strings.Cut(parts[3], " ")
	e.Line = line
	e.Critical = strings.HasSuffix(kind, "!")
	e.Kind = Kind(strings.TrimSuffix(kind, "!"))
	if e.Kind == "" || strings.Trim(string(e.Kind), "abcdefghijklmnopqrstuvwxyz") != "" {
		return e, true, false
	}
	return e, true, !e.Kind.Known() || readDetails(&e, rest)
}

func readDetails(e *Event, rest string) bool {
	var seen uint32 // by place in pairs
	var unknown map[string]bool
	for rest != "" {
		var text string
		text, rest, _ = strings.Cut(rest, " ")
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return false
		}
		place := placeOf(key)
		if place < 0 {
			if unknown[key] {
				return false
			}
			if unknown == nil {
				unknown = map[string]bool{}
			}
			unknown[key] = true
			continue
		}
		raw, ok := unescape(value)
		if seen&(1<<place) != 0 || !ok || !pairs[place].read(e, raw) {
			return false
		}
		seen |= 1 << place
	}
	return true
}

func placeOf(key string) int {
	for i := range pairs {
		if pairs[i].key == key {
			return i
		}
	}
	return -1
}
