// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTimestampIsRFC3339(t *testing.T) {
	for sec := int64(1); sec < 8e9; sec += 86400*13 + 12345 {
		if got, want := timestamp(sec), time.Unix(sec, 0).UTC().Format(time.RFC3339); got != want {
			t.Fatalf("timestamp(%d) = %q, want %q", sec, got, want)
		}
	}
	for _, day := range []string{"2000-02-29", "2100-02-28", "2100-03-01", "2024-12-31", "1970-01-02", "2038-01-19"} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := timestamp(at.Unix()); got != day+"T00:00:00Z" {
			t.Errorf("timestamp of %s = %q", day, got)
		}
	}
	if got := timestamp(0); got != "" {
		t.Errorf("no time is %q", got)
	}
}

// What jsonString writes must mean the same text to a JSON parser.
func FuzzJSONString(f *testing.F) {
	for _, s := range []string{"", `a"b\c`, "\x00\x1f\x7f", "grün \u2028", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal([]byte(jsonString(s)), &back); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		want := s
		if !utf8.ValidString(s) {
			want = string([]rune(s))
		}
		if back != want {
			t.Fatalf("%q becomes %q", s, back)
		}
	})
}
