// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import "mvdan.cc/sh/v3/syntax"

// A function is one that the script defines. One defined twice is one.
type function struct {
	body  []*syntax.Stmt
	sites []site // where it is called
	// What it does with its arguments.
	runs   bool // calls "$@" or "$1"
	shifts bool // so which argument "$@" begins with is not known
	tests  bool // tests for the commands that its arguments name
}

// A site is one place where a function is called, with what was known there.
type site struct {
	in     *function
	guards *guards
}

// learn finds out what the function does with its arguments.
func (f *function) learn(body *syntax.Stmt) {
	walk(body, func(n syntax.Node) bool {
		if _, inner := n.(*syntax.FuncDecl); inner {
			return false
		}
		c, ok := n.(*syntax.CallExpr)
		if !ok || len(c.Args) == 0 {
			return true
		}
		if isArgument(c.Args[0]) {
			f.runs = true
		}
		if argument(c.Args, 0) == "shift" {
			f.shifts = true
		}
		for _, t := range testedWords(c.Args) {
			if endsInVariable(t.word) {
				f.tests = true
			}
		}
		return true
	})
}

func isArgument(w *syntax.Word) bool {
	p := parameter(w)
	return p == "1" || p == "@" || p == "*"
}

// endsInVariable says whether what a word names is in a variable: "$1",
// "$dir/$program". A function that tests for such a thing is taken to test
// for its arguments.
func endsInVariable(w *syntax.Word) bool {
	parts := unquoted(w)
	if len(parts) == 0 {
		return false
	}
	_, ok := parts[len(parts)-1].(*syntax.ParamExp)
	return ok
}

// entered says whether name is known to be there whenever f is called: each
// place that calls it has tested for it, or is in a function of which that
// is true. A function that is never called knows nothing.
func (sc *scan) entered(f *function, name string) bool {
	return f != nil && sc.enteredVia(f, name, map[*function]bool{})
}

func (sc *scan) enteredVia(f *function, name string, asked map[*function]bool) bool {
	if asked[f] {
		return true // a circle: the way into it decides
	}
	asked[f] = true
	for _, site := range f.sites {
		if sc.steps++; sc.steps > maxSteps {
			return true
		}
		if !site.guards.has(name) && (site.in == nil || !sc.enteredVia(site.in, name, asked)) {
			return false
		}
	}
	return len(f.sites) > 0
}
