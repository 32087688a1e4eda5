// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"strconv"
	"strings"
	"testing"
)

// What is quoted can be read back, shows no control character, and is what
// strconv writes as long as all is printable ASCII.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "plain", `a"b\c`, "\x00\x1b[31m\n\r\t\x7f", "grün", "\xff\xc3", "\u0085\u200b\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := Quote(s)
		if back, err := strconv.Unquote(q); err != nil || back != s {
			t.Fatalf("%q becomes %s, which is %q, %v", s, q, back, err)
		}
		if strings.IndexFunc(q, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) >= 0 {
			t.Fatalf("%q shows a control character", q)
		}
		if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f }) < 0 && q != strconv.Quote(s) {
			t.Fatalf("%s, want %s", q, strconv.Quote(s))
		}
	})
}

func TestNumber(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "1": 1, "10": 10, "9223372036854775807": 1<<63 - 1,
		"": -1, "00": -1, "01": -1, "-1": -1, "+1": -1, " 1": -1, "1 ": -1, "1x": -1, "0x1": -1,
		"9223372036854775808": -1, "9999999999999999999": -1, "18446744073709551616": -1,
	} {
		n, ok := Number(s)
		if ok != (want >= 0) || ok && n != uint64(want) {
			t.Errorf("Number(%q) = %d, %v", s, n, ok)
		}
	}
}
