// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"
)

// The ring must hold exactly the last keptOutput bytes, however the output
// was cut into pieces.
func TestOutputKeepsTheEnd(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for round := 0; round < 50; round++ {
		var o output
		var all []byte
		for len(all) < random.Intn(4*keptOutput) {
			piece := make([]byte, random.Intn(20000))
			random.Read(piece)
			o.keep(piece)
			all = append(all, piece...)
		}
		want := all[max(0, len(all)-keptOutput):]
		if !bytes.Equal(o.bytes(), want) {
			t.Fatalf("round %d: %d bytes kept of %d are not its end", round, len(o.bytes()), len(all))
		}
	}
}

func TestLastLine(t *testing.T) {
	long := strings.Repeat("x", 2*keptReason)
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"one\n", "one"},
		{"one\ntwo", "two"},
		{"one\n\n \n", "one"},
		{"one\n  \t", "one"},
		{"a\x1b[31mb\x00c\n", "a [31mb c"},
		{"bad \xff utf8\n", "bad   utf8"},
		{long + "\n", long[:keptReason]},
		{"grün\n", "grün"},
	} {
		for cut := 0; cut <= len(c.in); cut += 1 + len(c.in)/7 {
			var l lastLine
			l.add([]byte(c.in[:cut]), nil)
			l.add([]byte(c.in[cut:]), nil)
			if got := l.text(); got != c.want {
				t.Errorf("last line of %q cut at %d is %q, want %q", c.in, cut, got, c.want)
			}
		}
	}
}

func TestSeconds(t *testing.T) {
	for millis, want := range map[int64]string{0: "0.0 s", 99: "0.0 s", 100: "0.1 s", 1999: "1.9 s", 61000: "61.0 s"} {
		if got := seconds(millis); got != want {
			t.Errorf("seconds(%d) = %q, want %q", millis, got, want)
		}
	}
}
