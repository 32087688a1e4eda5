// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strconv"
	"strings"
)

// A jsonWriter writes JSON (RFC 8259). encoding/json would cost the runner
// more than all the rest of it.
type jsonWriter struct {
	strings.Builder
	comma bool // the next value needs one before it
}

func (j *jsonWriter) open(bracket string) {
	j.separate()
	j.WriteString(bracket)
	j.comma = false
}

func (j *jsonWriter) close(bracket string) {
	j.WriteString(bracket)
	j.comma = true
}

func (j *jsonWriter) separate() {
	if j.comma {
		j.WriteString(",")
	}
}

func (j *jsonWriter) key(name string) {
	j.separate()
	j.WriteString(jsonString(name) + ":")
	j.comma = false
}

func (j *jsonWriter) text(name, value string) {
	j.key(name)
	j.WriteString(jsonString(value))
	j.comma = true
}

func (j *jsonWriter) number(name string, value int64) {
	j.key(name)
	j.WriteString(strconv.FormatInt(value, 10))
	j.comma = true
}

// jsonString quotes s; bytes that are no UTF-8 become the replacement
// character.
func jsonString(s string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			b.WriteString("\\u00")
			b.WriteByte(hex[r>>4])
			b.WriteByte(hex[r&15])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
