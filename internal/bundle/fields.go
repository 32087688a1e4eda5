// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"strconv"
	"strings"
)

// A field of the migration header: how its text is read into a Header and
// written from it. read gets a value without leading and trailing blanks,
// never empty; write returns "" for a field that is not set.
type field struct {
	name  string
	read  func(h *Header, value string) error
	write func(h *Header) string
}

// fields are all fields of the migration header, in the order in which they
// are written.
var fields = []field{
	{"Description", readDescription, func(h *Header) string { return h.Description }},
	{"Since", func(h *Header, v string) error { h.Since = v; return CheckRelease(v) }, func(h *Header) string { return h.Since }},
	{"After", func(h *Header, v string) error { return readList(&h.After, v, checkRef) }, func(h *Header) string { return join(h.After) }},
	{"Before", func(h *Header, v string) error { return readList(&h.Before, v, checkRef) }, func(h *Header) string { return join(h.Before) }},
	{"Requires", func(h *Header, v string) error { return readList(&h.Requires, v, CheckID) }, func(h *Header) string { return join(h.Requires) }},
	{"Packages", func(h *Header, v string) error { return readList(&h.Packages, v, checkPackage) }, func(h *Header) string { return join(h.Packages) }},
	{"Paths", func(h *Header, v string) error { return readList(&h.Paths, v, CheckPath) }, func(h *Header) string { return join(h.Paths) }},
	{"Timeout", func(h *Header, v string) error { return readCount(&h.Timeout, v, MaxTimeout) }, func(h *Header) string { return count(h.Timeout) }},
	{"Attempts", func(h *Header, v string) error { return readCount(&h.Attempts, v, MaxAttempts) }, func(h *Header) string { return count(h.Attempts) }},
	{"On-Failure", func(h *Header, v string) error { return readWord(&h.OnFailure, v, Stop, Continue) }, func(h *Header) string { return string(h.OnFailure) }},
	{"One-Way", readOneWay, func(h *Header) string { return map[bool]string{true: "yes"}[h.OneWay] }},
	{"Revises", func(h *Header, v string) error { return readList(&h.Revises, v, CheckDigest) }, func(h *Header) string { return join(h.Revises) }},
	{"Fresh", func(h *Header, v string) error { return readWord(&h.Fresh, v, Skip, RunFresh) }, func(h *Header) string { return string(h.Fresh) }},
	{"Supersedes", func(h *Header, v string) error { return readList(&h.Supersedes, v, CheckID) }, func(h *Header) string { return join(h.Supersedes) }},
}

func fieldNamed(name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// unknownField tells how the field is spelt where only case or a dash is
// wrong, else which fields there are.
func unknownField(name string, known []string) error {
	fold := func(s string) string { return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s)) }
	for _, k := range known {
		if fold(k) == fold(name) {
			return broken("write "+k, "unknown field ", quote(name))
		}
	}
	return broken("the fields are "+strings.Join(known, ", "), "unknown field ", quote(name))
}

func fieldNames() []string {
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].name
	}
	return names
}

func readDescription(h *Header, v string) error {
	h.Description = v
	for _, r := range v {
		if r < ' ' || r == 0x7f || r == '\uFFFD' || r >= 0x80 && r < 0xa0 {
			return broken("write one line of UTF-8 text", "Description has a control character: ", quote(v))
		}
	}
	return nil
}

func readOneWay(h *Header, v string) error {
	h.OneWay = v == "yes"
	if v != "yes" && v != "no" {
		return broken("write yes or no", "bad value ", quote(v))
	}
	return nil
}

// readWord takes one of two or three words; the first is the default and is
// held as "".
func readWord[T ~string](to *T, v string, words ...T) error {
	for i, w := range words {
		if v == string(w) {
			*to = w
			if i == 0 {
				*to = ""
			}
			return nil
		}
	}
	return broken("write "+strings.Join(asStrings(words), " or "), "bad value ", quote(v))
}

func readCount(to *int, v string, most int) error {
	n, ok := Number(v)
	if !ok || n < 1 || n > uint64(most) {
		return broken("write a number from 1 to "+strconv.Itoa(most), "bad number ", quote(v))
	}
	*to = int(n)
	return nil
}

func readList[T ~string](to *[]T, v string, check func(string) error) error {
	seen := map[string]bool{}
	for _, item := range strings.FieldsFunc(v, isBlank) {
		if err := check(item); err != nil {
			return err
		}
		if seen[item] {
			return broken("name it once", quote(item), " is named twice")
		}
		seen[item] = true
		*to = append(*to, T(item))
	}
	return nil
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

func checkRef(s string) error {
	if strings.Contains(s, ":") {
		return CheckID(s)
	}
	return CheckRecipe(s)
}

func checkPackage(s string) error {
	for i := 0; i < len(s); i++ {
		if !isAlpha(s[i]) && !isDigit(s[i]) && (i == 0 || strings.IndexByte(".+-_", s[i]) < 0) {
			return broken("use [A-Za-z0-9] first, then [A-Za-z0-9.+_-]", "bad package name: ", quote(s))
		}
	}
	return nil
}

// CheckPath says which rule s breaks as one of Paths or Fresh-Unless: an
// absolute path below "/", clean, without blanks and control characters.
func CheckPath(s string) error {
	const cure = "write an absolute path without //, ., .., blanks or a slash at the end"
	if len(s) < 2 || s[0] != '/' || len(s) > 4095 {
		return broken(cure, "bad path: ", quote(s))
	}
	for _, part := range strings.Split(s[1:], "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 {
			return broken(cure, "bad path: ", quote(s))
		}
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == 0x7f {
			return broken(cure, "bad path: ", quote(s))
		}
	}
	return nil
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func join[T ~string](items []T) string { return strings.Join(asStrings(items), " ") }

func asStrings[T ~string](items []T) []string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return texts
}
