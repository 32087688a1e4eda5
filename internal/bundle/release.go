// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import "strings"

// MaxRelease is the longest release, in bytes.
const MaxRelease = 128

// CheckRelease says which rule s breaks as a release: the characters of the
// UAPI version format and the separators "+" and "_", at least one letter or
// digit.
func CheckRelease(s string) error {
	const cure = "use letters, digits and . - ~ ^ + _"
	alnum := false
	for i := 0; i < len(s); i++ {
		switch {
		case isDigit(s[i]) || isAlpha(s[i]):
			alnum = true
		case strings.IndexByte(".-~^+_", s[i]) < 0:
			return broken(cure, "bad release: ", quote(s))
		}
	}
	if !alnum || len(s) > MaxRelease {
		return broken(cure+", at most 128 in all", "bad release: ", quote(s))
	}
	return nil
}

// CompareReleases returns -1, 0 or 1 as release a is older than, the same as
// or newer than b. The order is that of the UAPI Version Format
// Specification (strverscmp_improved): segments of digits compare as
// numbers, "~" sorts lower than anything, then "-", "^" and "." in that
// order; other characters only separate. Different texts can compare equal
// ("1+2" and "1_2"). Any strings may be compared, also empty ones.
func CompareReleases(a, b string) int {
	for {
		a, b = skipSeparators(a), skipSeparators(b)
		if c := comparePrefix(&a, &b, '~'); c != 0 {
			return c
		}
		if a == "" || b == "" {
			return order(len(a), len(b))
		}
		for _, mark := range []byte("-^.") {
			if c := comparePrefix(&a, &b, mark); c != 0 {
				return c
			}
		}
		if c := compareSegment(&a, &b); c != 0 {
			return c
		}
	}
}

func skipSeparators(s string) string {
	for s != "" && !isDigit(s[0]) && !isAlpha(s[0]) && strings.IndexByte("~-^.", s[0]) < 0 {
		s = s[1:]
	}
	return s
}

// comparePrefix puts the string that begins with mark first, or takes mark
// off both.
func comparePrefix(a, b *string, mark byte) int {
	inA, inB := strings.IndexByte(*a, mark) == 0, strings.IndexByte(*b, mark) == 0
	switch {
	case inA && inB:
		*a, *b = (*a)[1:], (*b)[1:]
	case inA:
		return -1
	case inB:
		return 1
	}
	return 0
}

// compareSegment takes the leading digits off both where either has some,
// else the leading letters, and compares them. Digits are newer than none.
func compareSegment(a, b *string) int {
	kind := isAlpha
	numeric := *a != "" && isDigit((*a)[0]) || *b != "" && isDigit((*b)[0])
	if numeric {
		kind = isDigit
	}
	x, y := cutPrefix(a, kind), cutPrefix(b, kind)
	if numeric {
		if x == "" || y == "" {
			return order(len(x), len(y))
		}
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if len(x) != len(y) {
			return order(len(x), len(y))
		}
	}
	// Byte order puts capitals first and a prefix before the longer word.
	return strings.Compare(x, y)
}

func cutPrefix(s *string, kind func(byte) bool) string {
	n := 0
	for n < len(*s) && kind((*s)[n]) {
		n++
	}
	prefix := (*s)[:n]
	*s = (*s)[n:]
	return prefix
}

func order(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
