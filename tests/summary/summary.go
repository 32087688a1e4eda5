// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// An event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

type testName struct{ pkg, test string }

// A summary gathers events. What a test printed is kept until its end, since
// it is shown only if the test failed.
type summary struct {
	out    io.Writer
	output map[testName]*strings.Builder
	counts map[string]int // tests by how they ended
	bad    int            // packages that failed
	good   int
	skips  []skip
}

type skip struct {
	name   testName
	reason string
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, output: map[testName]*strings.Builder{}, counts: map[string]int{}}
}

// line takes one line: an event, or what the go command printed beside them.
func (s *summary) line(line []byte) {
	var e event
	if len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &e) != nil {
		fmt.Fprintf(s.out, "%s\n", line)
		return
	}
	name := testName{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "output":
		s.keep(name, e.Output)
	case "pass", "fail", "skip":
		s.end(name, e.Action)
	}
}

func (s *summary) keep(name testName, text string) {
	b := s.output[name]
	if b == nil {
		b = &strings.Builder{}
		s.output[name] = b
	}
	b.WriteString(text)
}

func (s *summary) end(name testName, how string) {
	text := ""
	if b := s.output[name]; b != nil {
		text = b.String()
	}
	delete(s.output, name)
	if name.test == "" {
		s.endPackage(how, text)
		return
	}
	s.counts[how]++
	switch how {
	case "skip":
		s.skips = append(s.skips, skip{name, reasonOf(text)})
	case "fail":
		fmt.Fprint(s.out, frameless(text))
	}
}

// endPackage prints the package's closing line, and all it printed if it
// failed: a panic, or the output of TestMain, belongs to no test.
func (s *summary) endPackage(how, text string) {
	if how == "fail" {
		s.bad++
		fmt.Fprint(s.out, frameless(text))
		return
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	last := lines[len(lines)-1]
	if strings.HasPrefix(last, "?") {
		return // no test files
	}
	s.good++
	fmt.Fprintln(s.out, last)
}

var frame = regexp.MustCompile(`^=== (RUN|PAUSE|CONT|NAME)\b`)

// frameless is text without the lines by which go test -v frames a test.
func frameless(text string) string {
	var b strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		if !frame.MatchString(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

var position = regexp.MustCompile(`^\s+[\w.-]+\.go:\d+: `)

// reasonOf finds what the test said before it was skipped.
func reasonOf(text string) string {
	for _, line := range strings.Split(text, "\n") {
		if position.MatchString(line) {
			return strings.TrimSpace(position.ReplaceAllString(line, ""))
		}
	}
	return "it gives no reason"
}

// close prints what was skipped and the totals, and says whether all is well.
func (s *summary) close() bool {
	for name, b := range s.output {
		// A package that was killed ends without an event.
		if name.test == "" {
			fmt.Fprint(s.out, frameless(b.String()))
		}
	}
	if len(s.skips) > 0 {
		fmt.Fprintln(s.out, "\nSkipped:")
	}
	for _, k := range s.skips {
		fmt.Fprintf(s.out, "  %s %s: %s\n", short(k.name.pkg), k.name.test, k.reason)
	}
	verdict := "ok"
	if s.bad > 0 || s.good == 0 || s.counts["fail"] > 0 {
		verdict = "FAIL"
	}
	fmt.Fprintf(s.out, "\n%s: %d tests passed, %d failed, %d skipped; %d packages passed, %d failed\n",
		verdict, s.counts["pass"], s.counts["fail"], s.counts["skip"], s.good, s.bad)
	return verdict == "ok"
}

func short(pkg string) string { return strings.TrimPrefix(pkg, "meta-migration/") }
