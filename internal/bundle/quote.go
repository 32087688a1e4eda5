// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import "unicode/utf8"

// Quote is %q for messages, without the tables by which strconv knows what
// is printable: quotes, backslashes, control characters and bytes that are no
// UTF-8 are escaped, everything else stays as it is.
func Quote(s string) string {
	const hex = "0123456789abcdef"
	text := []byte{'"'}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			text = append(text, '\\', byte(r))
		case r == '\n':
			text = append(text, `\n`...)
		case r == '\r':
			text = append(text, `\r`...)
		case r == '\t':
			text = append(text, `\t`...)
		case r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1:
			text = append(text, '\\', 'x', hex[s[i]>>4], hex[s[i]&15])
		case r >= 0x80 && r < 0xa0:
			text = append(text, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			text = append(text, s[i:i+size]...)
		}
		i += size
	}
	return string(append(text, '"'))
}

// Number reads a decimal number as strconv.FormatUint writes it: digits
// alone, no zero in front. ok is false for anything else, and for a number
// above 2^63-1. strconv's own parsers bring along how to say what is wrong.
func Number(s string) (n uint64, ok bool) {
	if s == "" || len(s) > 19 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = 10*n + uint64(s[i]-'0')
	}
	return n, n < 1<<63
}
