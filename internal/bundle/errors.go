// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"strconv"
	"strings"
)

// A ParseError is one fault of a script, a manifest or another file of the
// formats of this package. All parsers of this package return it, alone or
// in [Faults].
type ParseError struct {
	File string // the file's name as it was given to the parser
	Line int    // counted from 1; 0 where the fault is the whole file's
	Rule string // what is wrong and which rule says so
	Cure string // what to write instead; empty where there is no single cure
}

// Error names the place and the rule: `a.migration:3: unknown field "Afer"`.
func (e *ParseError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Rule
	}
	return e.File + ":" + strconv.Itoa(e.Line) + ": " + e.Rule
}

// Hint returns the cure, for a program to print below the error.
func (e *ParseError) Hint() string { return e.Cure }

// Faults are all faults of one file, in the order of their lines. It is
// never empty when it is returned as an error.
type Faults []*ParseError

// Error returns one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, e := range f {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each fault, for errors.As and for printing one by one.
func (f Faults) Unwrap() []error {
	errs := make([]error, len(f))
	for i, e := range f {
		errs[i] = e
	}
	return errs
}

// A ruleError is a fault of a value that does not know its place yet.
type ruleError struct{ rule, cure string }

func (e *ruleError) Error() string { return e.rule }
func (e *ruleError) Hint() string  { return e.cure }

func broken(cure string, rule ...string) error {
	return &ruleError{strings.Join(rule, ""), cure}
}

// at gives a value's fault its place.
func at(file string, line int, err error) *ParseError {
	if r, ok := err.(*ruleError); ok {
		return &ParseError{file, line, r.rule, r.cure}
	}
	return &ParseError{File: file, Line: line, Rule: err.Error()}
}

func quote(s string) string { return Quote(s) }
