// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"meta-migration/internal/bundle"
)

// A Fault is one thing that is wrong, as an error or as a warning.
type Fault struct {
	File string // what it is found in, "" where it is no single file's
	Line int    // counted from 1; 0 where the fault is the whole file's
	Rule string // what is wrong and which rule says so
	Cure string // what to do about it; empty where there is no single cure
	// Object is the file that Rule itself names, where File is empty.
	Object string
}

// Error names the place and the rule.
func (f *Fault) Error() string {
	switch {
	case f.File == "":
		return f.Rule
	case f.Line == 0:
		return f.File + ": " + f.Rule
	}
	return f.File + ":" + strconv.Itoa(f.Line) + ": " + f.Rule
}

// Hint returns the cure, for a program to print below the error.
func (f *Fault) Hint() string { return f.Cure }

// Faults are the faults of one run, sorted by place, each once.
type Faults []*Fault

// Error returns one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each fault.
func (f Faults) Unwrap() []error {
	errs := make([]error, len(f))
	for i, one := range f {
		errs[i] = one
	}
	return errs
}

// A report collects the faults of a run.
type report struct{ errors, warnings Faults }

func (r *report) errorf(file, cure, format string, args ...any) {
	r.errors = append(r.errors, &Fault{File: file, Rule: fmt.Sprintf(format, args...), Cure: cure})
}

func (r *report) warnf(file, cure, format string, args ...any) {
	r.warnings = append(r.warnings, &Fault{File: file, Rule: fmt.Sprintf(format, args...), Cure: cure})
}

// add takes an error apart into faults; nil adds none.
func (r *report) add(err error) { r.errors = append(r.errors, faults(err)...) }

// addOf is add, with the file that errors without a place are about.
func (r *report) addOf(file string, err error) {
	for _, fault := range faults(err) {
		if fault.File == "" {
			fault.Object = file
		}
		r.errors = append(r.errors, fault)
	}
}

func (r *report) addWarning(err error) { r.warnings = append(r.warnings, faults(err)...) }

func faults(err error) Faults {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all Faults
		for _, one := range many.Unwrap() {
			all = append(all, faults(one)...)
		}
		return all
	}
	var parse *bundle.ParseError
	if errors.As(err, &parse) && parse.Error() == err.Error() {
		return Faults{{File: parse.File, Line: parse.Line, Rule: parse.Rule, Cure: parse.Cure}}
	}
	fault := &Fault{Rule: err.Error()}
	var hinting interface{ Hint() string }
	if errors.As(err, &hinting) {
		fault.Cure = hinting.Hint()
	}
	return Faults{fault}
}

// result returns the warnings, and the errors as one error or nil.
func (r *report) result() (Faults, error) {
	warnings, errs := settle(r.warnings), settle(r.errors)
	if len(errs) > 0 {
		return warnings, errs
	}
	return warnings, nil
}

// settle sorts faults and drops those that are there already.
func settle(all Faults) Faults {
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		}
		return a.Rule < b.Rule
	})
	var once Faults
	for i, f := range all {
		if i == 0 || f.Error() != all[i-1].Error() {
			once = append(once, f)
		}
	}
	return once
}
