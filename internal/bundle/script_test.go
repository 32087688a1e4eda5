// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

const d1 = Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
const d2 = Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")

// withHeader is a script whose header begins in line 2.
func withHeader(lines ...string) string {
	return "#!/bin/sh\n" + HeaderBegin + "\n" + strings.Join(lines, "\n") + "\n" + HeaderEnd + "\ntrue\n"
}

// full is a header in which every field is set.
func full() Header {
	return Header{
		Description: "Move the daemons to their own users, größer als \"zuvor\"",
		Since:       "2.9.1~rc1",
		After:       []string{"base-passwd:static-groups", "base-files"},
		Before:      []string{"nginx", "web:start"},
		Requires:    []ID{"a:b", "c:d"},
		Packages:    []string{"libFoo_2.0+x-bin", "foo"},
		Paths:       []string{"/etc/passwd", "/var/lib/ünïx"},
		Timeout:     604800,
		Attempts:    1000,
		OnFailure:   Continue,
		OneWay:      true,
		Revises:     []Digest{d1, d2},
		Fresh:       RunFresh,
		Supersedes:  []ID{"old:one", "old:two"},
	}
}

func TestParseScriptFields(t *testing.T) {
	for _, c := range []struct {
		line string
		want Header
	}{
		{"# Description: Move it: now", Header{Description: "Move it: now"}},
		{"# Since: 2.9", Header{Since: "2.9"}},
		{"# After: b:c a", Header{After: []string{"b:c", "a"}}},
		{"# Before: b:c\ta", Header{Before: []string{"b:c", "a"}}},
		{"# Requires: b:c", Header{Requires: []ID{"b:c"}}},
		{"# Packages: Foo a_b", Header{Packages: []string{"Foo", "a_b"}}},
		{"# Paths: /etc/passwd   /a", Header{Paths: []string{"/etc/passwd", "/a"}}},
		{"# Timeout: 1", Header{Timeout: 1}},
		{"# Attempts: 1000", Header{Attempts: 1000}},
		{"# On-Failure: continue", Header{OnFailure: Continue}},
		{"# On-Failure: stop", Header{}},
		{"# One-Way: yes", Header{OneWay: true}},
		{"# One-Way: no", Header{}},
		{"# Revises: " + string(d1), Header{Revises: []Digest{d1}}},
		{"# Fresh: run", Header{Fresh: RunFresh}},
		{"# Fresh: skip", Header{}},
		{"# Supersedes: b:c", Header{Supersedes: []ID{"b:c"}}},
		{"#   Timeout:7  ", Header{Timeout: 7}},
		{"#\tTimeout:\t7\t", Header{Timeout: 7}},
	} {
		s, err := ParseScript("x", []byte(withHeader(c.line)))
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
		} else if !reflect.DeepEqual(s.Header, c.want) {
			t.Errorf("%s: %+v, want %+v", c.line, s.Header, c.want)
		}
	}
}

const (
	listCure = "name it once"
	lineCure = "write `# Field: value`, one line for each field; end the header with " + HeaderEnd
	pathCure = "write an absolute path without //, ., .., blanks or a slash at the end"
	crCure   = `end lines with \n alone`
)

// Each fault of one field: the message behind the file and line 3, and the
// cure.
func TestParseScriptFieldFaults(t *testing.T) {
	for _, c := range []struct{ line, rule, cure string }{
		{"# Afer: b", `unknown field "Afer"`, "the fields are " + strings.Join(fieldNames(), ", ")},
		{"# after: b", `unknown field "after"`, "write After"},
		{"# On_Failure: stop", `unknown field "On_Failure"`, "write On-Failure"},
		{"# OneWay: yes", `unknown field "OneWay"`, "write One-Way"},
		{"# After : b", `unknown field "After "`, "the fields are " + strings.Join(fieldNames(), ", ")},
		{"# Timeout:", "Timeout has no value", "give it a value or remove the line"},
		{"# Timeout: \t", "Timeout has no value", "give it a value or remove the line"},
		{"#Timeout: 7", "no field of a migration header: \"#Timeout: 7\"", lineCure},
		{"Timeout: 7", "no field of a migration header: \"Timeout: 7\"", lineCure},
		{"# a comment", "no field of a migration header: \"# a comment\"", lineCure},
		{"#", "no field of a migration header: \"#\"", lineCure},
		{"", "no field of a migration header: \"\"", lineCure},
		{"# Description: a\x01b", `Description: Description has a control character: "a\x01b"`, "write one line of UTF-8 text"},
		{"# Description: a\x80b", `Description: Description has a control character: "a\x80b"`, "write one line of UTF-8 text"},
		{"# Since: 1:2", `Since: bad release: "1:2"`, "use letters, digits and . - ~ ^ + _"},
		{"# After: A", `After: bad recipe name: "A"`, "use [a-z0-9] first, then [a-z0-9.+-]"},
		{"# After: a:", `After: bad migration name: ""`, "use [a-z0-9] first, then [a-z0-9.-]"},
		{"# Before: a:doc", `Before: migration name is a bitbake keyword or flag: "doc"`, "choose another name"},
		{"# Requires: recipe", `Requires: no migration ID: "recipe"`, "write <recipe>:<name>"},
		{"# Supersedes: recipe", `Supersedes: no migration ID: "recipe"`, "write <recipe>:<name>"},
		{"# After: a b a", `After: "a" is named twice`, listCure},
		{"# Paths: /a /b /a", `Paths: "/a" is named twice`, listCure},
		{"# Packages: -x", `Packages: bad package name: "-x"`, "use [A-Za-z0-9] first, then [A-Za-z0-9.+_-]"},
		{"# Paths: etc", `Paths: bad path: "etc"`, pathCure},
		{"# Paths: /", `Paths: bad path: "/"`, pathCure},
		{"# Paths: " + strings.Repeat("/abc", 1024), `Paths: bad path: "` + strings.Repeat("/abc", 1024) + `"`, pathCure},
		{"# Paths: /" + strings.Repeat("a", 256), `Paths: bad path: "/` + strings.Repeat("a", 256) + `"`, pathCure},
		{"# Paths: /a/", `Paths: bad path: "/a/"`, pathCure},
		{"# Paths: /a/../b", `Paths: bad path: "/a/../b"`, pathCure},
		{"# Paths: /a/./b", `Paths: bad path: "/a/./b"`, pathCure},
		{"# Paths: //a", `Paths: bad path: "//a"`, pathCure},
		{"# Paths: /a\x7f", `Paths: bad path: "/a\x7f"`, pathCure},
		{"# Timeout: 0", `Timeout: bad number "0"`, "write a number from 1 to 604800"},
		{"# Timeout: 604801", `Timeout: bad number "604801"`, "write a number from 1 to 604800"},
		{"# Timeout: 2m", `Timeout: bad number "2m"`, "write a number from 1 to 604800"},
		{"# Timeout: +7", `Timeout: bad number "+7"`, "write a number from 1 to 604800"},
		{"# Timeout: 99999999999999999999", `Timeout: bad number "99999999999999999999"`, "write a number from 1 to 604800"},
		{"# Attempts: 1001", `Attempts: bad number "1001"`, "write a number from 1 to 1000"},
		{"# Attempts: 03", `Attempts: bad number "03"`, "write a number from 1 to 1000"},
		{"# On-Failure: abort", `On-Failure: bad value "abort"`, "write stop or continue"},
		{"# On-Failure: Stop", `On-Failure: bad value "Stop"`, "write stop or continue"},
		{"# One-Way: true", `One-Way: bad value "true"`, "write yes or no"},
		{"# Revises: abc", `Revises: no digest: "abc"`, "write sha256: and 64 hexadecimal digits in lower case"},
		{"# Fresh: yes", `Fresh: bad value "yes"`, "write skip or run"},
		{"# Timeout: 7\r", "carriage return in the migration header", crCure},
	} {
		faultsAre(t, withHeader(c.line), ParseError{"dir/x", 3, c.rule, c.cure})
	}
}

// faultsAre parses a script and compares all faults that it has.
func faultsAre(t *testing.T, script string, want ...ParseError) {
	t.Helper()
	_, err := ParseScript("dir/x", []byte(script))
	var faults Faults
	if !errors.As(err, &faults) {
		t.Errorf("%q: error %v, want %v", script, err, want)
		return
	}
	got := make([]ParseError, len(faults))
	for i := range faults {
		got[i] = *faults[i]
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q:\n got %q\nwant %q", script, got, want)
	}
}

func TestParseScriptFaultsTogether(t *testing.T) {
	script := "/bin/sh\n" + HeaderBegin + "\n# Timeout: x\n# Timeout: 1\n# Foo: 1\nfoo\n# One-Way: perhaps\n" + HeaderEnd + "\n" + HeaderEnd + "\n"
	want := []string{
		"dir/x:1: a migration is a script: its first line must begin with #!",
		`dir/x:3: Timeout: bad number "x"`,
		"dir/x:4: second Timeout",
		`dir/x:5: unknown field "Foo"`,
		`dir/x:6: no field of a migration header: "foo"`,
		`dir/x:7: One-Way: bad value "perhaps"`,
		"dir/x:9: end of a migration header that was not begun",
	}
	_, err := ParseScript("dir/x", []byte(script))
	if got := text(err); got != strings.Join(want, "\n") {
		t.Errorf("faults:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	var one *ParseError
	if !errors.As(err, &one) || one.Line != 1 {
		t.Errorf("errors.As finds %v, want the fault of line 1", one)
	}
}

func TestParseScriptMarks(t *testing.T) {
	const head = "#!/bin/sh\n"
	header := HeaderBegin + "\n# Timeout: 7\n" + HeaderEnd + "\n"
	for _, c := range []struct {
		name, script string
		faults       []ParseError
	}{
		{"directly behind the first line", head + header, nil},
		{"behind comments and empty lines", head + "\n# a\n\t\n  # b\n" + header + "true\n", nil},
		{"blanks behind the marks", head + HeaderBegin + " \t\n# Timeout: 7\n" + HeaderEnd + " \n", nil},
		{"without a newline at the end", head + strings.TrimSuffix(header, "\n"), nil},
		{"a second one", head + header + header, []ParseError{{"dir/x", 5, "second migration header", "write one header"}, {"dir/x", 6, "second Timeout", "write it once, all values in one line"}}},
		{"one inside the other", head + HeaderBegin + "\n" + header, []ParseError{{"dir/x", 3, "second migration header", "write one header"}}},
		{"behind code", head + "set -u\n" + header, []ParseError{{"dir/x", 3, "migration header behind the first command", "move it up, behind the #! line"}}},
		{"no end", head + HeaderBegin + "\n# Timeout: 7\n", []ParseError{{"dir/x", 2, "migration header without an end", "end it with " + HeaderEnd}}},
		{"no end, and code", head + HeaderBegin + "\n# Timeout: x\nset -u\n# b\ntrue\n", []ParseError{
			{"dir/x", 2, "migration header without an end", "end it with " + HeaderEnd},
			{"dir/x", 3, `Timeout: bad number "x"`, "write a number from 1 to 604800"},
		}},
		{"no begin", head + HeaderEnd + "\n", []ParseError{{"dir/x", 2, "end of a migration header that was not begun", "begin the header with " + HeaderBegin}}},
		{"CRLF", strings.ReplaceAll(head+header, "\n", "\r\n"), []ParseError{
			{"dir/x", 1, `control character in the #! line: "#!/bin/sh\r"`, crCure},
			{"dir/x", 2, "carriage return in the migration header", crCure},
			{"dir/x", 3, "carriage return in the migration header", crCure},
			{"dir/x", 4, "carriage return in the migration header", crCure},
		}},
		{"CRLF at the end mark alone", head + HeaderBegin + "\n# Timeout: 7\n" + HeaderEnd + "\r\n", []ParseError{{"dir/x", 4, "carriage return in the migration header", crCure}}},
		{"empty header", head + HeaderBegin + "\n" + HeaderEnd + "\n", nil},
	} {
		if c.faults != nil {
			faultsAre(t, c.script, c.faults...)
			continue
		}
		s, err := ParseScript("dir/x", []byte(c.script))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if c.name != "empty header" && s.Header.Timeout != 7 {
			t.Errorf("%s: the header was not read: %+v", c.name, s.Header)
		}
	}
}

// A mark that is nearly right would leave Paths, On-Failure and all else
// unread without a word.
func TestParseScriptMisspeltMarks(t *testing.T) {
	for _, mark := range []string{"# BEGIN MIGRATION INFO", "###BEGIN MIGRATION INFO", "### Begin Migration Info", " ### BEGIN MIGRATION INFO", "### BEGIN MIGRATION INFO ###"} {
		script := "#!/bin/sh\n" + mark + "\n# Timeout: 7\n# done\ntrue\n"
		faultsAre(t, script, ParseError{"dir/x", 2, "misspelt mark of a migration header: " + quote(mark), "write " + HeaderBegin})
	}
	mark := "### END MIGRATION_INFO"
	script := "#!/bin/sh\n" + HeaderBegin + "\n# Timeout: 7\n" + mark + "\ntrue\n"
	faultsAre(t, script,
		ParseError{"dir/x", 4, "misspelt mark of a migration header: " + quote(mark), "write " + HeaderEnd})
	for _, fine := range []string{"# the beginning of migration info", "# end", "echo BEGIN MIGRATION INFO"} {
		if _, err := ParseScript("x", []byte("#!/bin/sh\n"+fine+"\n")); err != nil {
			t.Errorf("%q: %v", fine, err)
		}
	}
}

func TestParseScriptSize(t *testing.T) {
	script := []byte("#!/bin/sh\n" + strings.Repeat("#", MaxScript))
	if s, err := ParseScript("x", script[:MaxScript]); err != nil || s.Digest != Sum(script[:MaxScript]) {
		t.Errorf("1 MiB: %v", err)
	}
	faultsAre(t, string(script[:MaxScript+1]), ParseError{"dir/x", 0, "larger than 1 MiB", "ship data in the package, not in the migration"})
	if _, err := ParseScript("x", nil); text(err) != "x:1: a migration is a script: its first line must begin with #!" {
		t.Errorf("empty script: %v", err)
	}
}

// The block is part of what the digest of a function form is over: it must
// never change.
func TestFormatHeaderGolden(t *testing.T) {
	h := full()
	want := `### BEGIN MIGRATION INFO
# Description: Move the daemons to their own users, größer als "zuvor"
# Since: 2.9.1~rc1
# After: base-passwd:static-groups base-files
# Before: nginx web:start
# Requires: a:b c:d
# Packages: libFoo_2.0+x-bin foo
# Paths: /etc/passwd /var/lib/ünïx
# Timeout: 604800
# Attempts: 1000
# On-Failure: continue
# One-Way: yes
# Revises: ` + string(d1) + " " + string(d2) + `
# Fresh: run
# Supersedes: old:one old:two
### END MIGRATION INFO
`
	if got := FormatHeader(&h); got != want {
		t.Errorf("FormatHeader:\n%s\nwant:\n%s", got, want)
	}
	if got := FormatHeader(&Header{}); got != "" {
		t.Errorf("FormatHeader of an empty one: %q", got)
	}
}

func TestEffectiveDefaults(t *testing.T) {
	h := &Header{}
	if h.EffectiveTimeout() != 120 || h.EffectiveAttempts() != 3 {
		t.Errorf("defaults are %d s, %d attempts", h.EffectiveTimeout(), h.EffectiveAttempts())
	}
	h = &Header{Timeout: 1, Attempts: 9}
	if h.EffectiveTimeout() != 1 || h.EffectiveAttempts() != 9 {
		t.Errorf("set ones are %d s, %d attempts", h.EffectiveTimeout(), h.EffectiveAttempts())
	}
}

// TestFaultsAreBounded guards the cost of a script whose every line is wrong:
// 60,000 unknown fields once took 9 s.
func TestFaultsAreBounded(t *testing.T) {
	for name, line := range map[string]string{
		"unknown": "# Nix: x", "no field": "x", "second": "# Timeout: 1", "no value": "# Since:", "mark": HeaderBegin, "bad value": "# Paths: x",
	} {
		lines := strings.Repeat(line+"\n", 900_000/(len(line)+1))
		for _, script := range []string{withHeader(lines), "#!/bin/sh\n" + HeaderBegin + "\n" + lines} {
			var faults Faults
			_, err := ParseScript("x", []byte(script))
			if !errors.As(err, &faults) || len(faults) > maxFaults+2 {
				t.Fatalf("%s: %d faults", name, len(faults))
			}
			last := faults[len(faults)-1].Rule
			if strings.Contains(script, HeaderEnd) && last != "more than 100 faults: this and later ones are not told" {
				t.Errorf("%s: the last of %d faults is %q", name, len(faults), last)
			}
		}
	}
	many := strings.Repeat("# Nix: x\n", maxFaults)
	var faults Faults
	if _, err := ParseScript("x", []byte(withHeader(strings.TrimSpace(many)))); !errors.As(err, &faults) || len(faults) != maxFaults {
		t.Errorf("%d faults of %d are told", len(faults), maxFaults)
	}
}

// FuzzHeader: what is read of any script is written so that it is read again
// as the same.
func FuzzHeader(f *testing.F) {
	h := full()
	f.Add("#!/bin/sh\n" + FormatHeader(&h) + "true\n")
	f.Add(withHeader("# Timeout: 7"))
	f.Add(withHeader("# On-Failure: stop", "# Paths: /a\t/b"))
	f.Fuzz(func(t *testing.T, script string) {
		s, err := ParseScript("x", []byte(script))
		if err != nil {
			if len(text(err)) > 8*len(script)+400*strings.Count(script+"\n", "\n") {
				t.Fatalf("%d bytes of error for %d of script", len(text(err)), len(script))
			}
			return
		}
		again, err := ParseScript("x", []byte("#!/bin/sh\n"+FormatHeader(&s.Header)))
		if err != nil {
			t.Fatalf("written header is refused: %v", err)
		}
		if !reflect.DeepEqual(again.Header, s.Header) {
			t.Fatalf("read again as %+v, want %+v", again.Header, s.Header)
		}
	})
}
