// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// guards are the commands and files known to be there at one place of a
// script, by the last part of their names. A nil *guards knows nothing.
type guards struct {
	names []string
	up    *guards
	size  int // of the chain
}

// Limits that keep hostile scripts from taking quadratic time. No script
// tests for so much.
const (
	maxGuards = 500
	maxNames  = 64
	maxSteps  = 1 << 20
)

// with adds names. g itself stays as it is: other branches go on with it.
func (g *guards) with(names ...string) *guards {
	size := 1
	if g != nil {
		size += g.size
	}
	if len(names) == 0 || size > maxGuards {
		return g
	}
	return &guards{names, g, size}
}

// has compares the last parts: who has tested for /usr/sbin/x may call x.
func (g *guards) has(name string) bool {
	name = base(name)
	for ; g != nil; g = g.up {
		for _, n := range g.names {
			if n == name {
				return true
			}
		}
	}
	return false
}

// join never writes into a or b, which other branches may hold.
func join(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	if len(a) > maxNames {
		return a
	}
	return append(a[:len(a):len(a)], b...)
}

// maxTestDepth is how deep a test may be wrapped: { ! ( test && test ); }.
const maxTestDepth = 8

// testsOf returns what is there if the statement succeeds, and what is there
// if it fails. Where both sides of && or || test for something, both count:
// which one it was is not followed.
func (sc *scan) testsOf(s *syntax.Stmt) (yes, no []string) {
	return sc.tests(s, maxTestDepth)
}

// testsOfList is testsOf for a list: its status is that of the last one.
func (sc *scan) testsOfList(stmts []*syntax.Stmt) (yes, no []string) {
	return sc.listTests(stmts, maxTestDepth)
}

func (sc *scan) listTests(stmts []*syntax.Stmt, depth int) (yes, no []string) {
	if len(stmts) == 0 {
		return nil, nil
	}
	return sc.tests(stmts[len(stmts)-1], depth)
}

func (sc *scan) tests(s *syntax.Stmt, depth int) (yes, no []string) {
	sc.steps++
	if s == nil || depth == 0 || sc.steps > maxSteps {
		return nil, nil
	}
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		yes, no = sc.callTests(c, depth)
	case *syntax.TestClause:
		yes, no = sc.bracketTests(c, depth)
	case *syntax.Block:
		yes, no = sc.listTests(c.Stmts, depth-1)
	case *syntax.Subshell:
		yes, no = sc.listTests(c.Stmts, depth-1)
	case *syntax.BinaryCmd:
		first, rest := unchain(s)
		yes, no = sc.tests(first, depth-1)
		for _, next := range rest {
			moreYes, moreNo := sc.tests(next.Y, depth-1)
			yes, no = join(yes, moreYes), join(no, moreNo)
		}
	}
	if s.Negated {
		return no, yes
	}
	return yes, no
}

// callTests reads one simple command as a test. A function is the test that it
// ends with, and one that looks for what its arguments name tests for those.
func (sc *scan) callTests(c *syntax.CallExpr, depth int) (yes, no []string) {
	for _, w := range testedWords(c.Args) {
		if name := lastPart(w); name != "" {
			yes = append(yes, name)
		}
	}
	name := argument(c.Args, 0)
	if f := sc.functions[name]; f != nil {
		if f.tests {
			for _, w := range c.Args[1:] {
				yes = append(yes, lastPart(w))
			}
		}
		// Its own last test is its status.
		more, others := sc.listTests(f.body, depth-1)
		return join(yes, more), others
	}
	if name == "[" || name == "test" {
		return sc.testArguments(literals(c.Args), join(yes, sc.substituted(c.Args, depth)))
	}
	if len(c.Args) == 0 {
		// x=$(command -v tool): the status is that of the substitution.
		for _, a := range c.Assigns {
			if a.Value != nil {
				yes = append(yes, sc.substituted([]*syntax.Word{a.Value}, depth)...)
			}
		}
	}
	return yes, nil
}

// testArguments turns a test round that says "not" or "empty".
func (sc *scan) testArguments(args, names []string) (yes, no []string) {
	for _, a := range args {
		if a == "!" || a == "-z" {
			return nil, names
		}
	}
	return names, nil
}

// bracketTests reads [[ -x /path ]] and [[ -n $(command -v tool) ]].
func (sc *scan) bracketTests(c *syntax.TestClause, depth int) (yes, no []string) {
	negated := false
	nodes := 0
	walk(c, func(n syntax.Node) bool {
		nodes++
		switch n := n.(type) {
		case *syntax.UnaryTest:
			negated = negated || n.Op == syntax.TsNot || n.Op == syntax.TsEmpStr
			if w, ok := n.X.(*syntax.Word); ok && n.Op >= syntax.TsExists && n.Op <= syntax.TsExec {
				yes = append(yes, lastPart(w))
			}
		case *syntax.Word:
			yes = append(yes, sc.substituted([]*syntax.Word{n}, depth)...)
			return false
		}
		return nodes < maxScanDepth
	})
	if negated {
		return nil, yes
	}
	return yes, nil
}

// substituted returns what is tested for in $(command -v tool) within words.
func (sc *scan) substituted(words []*syntax.Word, depth int) (names []string) {
	for _, w := range words {
		parts := w.Parts
		if len(parts) == 1 {
			if q, ok := parts[0].(*syntax.DblQuoted); ok {
				parts = q.Parts
			}
		}
		for _, p := range parts {
			if c, ok := p.(*syntax.CmdSubst); ok {
				yes, _ := sc.listTests(c.Stmts, depth-1)
				names = append(names, yes...)
			}
		}
	}
	return names
}

// testedWords are the words that name what a simple command tests for:
// commands for command -v, type, which and hash, paths for test.
func testedWords(args []*syntax.Word) []*syntax.Word {
	switch name := base(argument(args, 0)); name {
	case "type", "which", "hash", "whence":
		return operands(args[1:])
	case "command":
		if flags := argument(args, 1); strings.HasPrefix(flags, "-") && strings.ContainsAny(flags, "vV") {
			return operands(args[2:])
		}
	case "busybox":
		if argument(args, 1) == "which" {
			return operands(args[2:])
		}
	case "[", "test":
		var words []*syntax.Word
		for i := 1; i+1 < len(args); i++ {
			switch argument(args, i) {
			case "-x", "-e", "-f", "-r", "-s", "-h", "-L":
				words = append(words, args[i+1])
			}
		}
		return words
	}
	return nil
}

// operands are the words that are no options. An expanded one counts: it is
// what most functions that test are given.
func operands(args []*syntax.Word) (words []*syntax.Word) {
	for _, w := range args {
		if text, ok := literal(w); !ok || !strings.HasPrefix(text, "-") {
			words = append(words, w)
		}
	}
	return words
}

// after returns what is there when the script goes on behind a statement:
// what a plain `command -v tool` has tested for, as the shell runs with -e,
// and what `command -v tool || exit` and the like let pass.
func (sc *scan) after(s *syntax.Stmt) []string {
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		yes, _ := sc.testsOf(s)
		if len(c.Args) == 0 {
			// A later test of the variable is not followed.
			sc.loosen(yes)
		}
		return yes
	case *syntax.TestClause:
		yes, _ := sc.testsOf(s)
		return yes
	case *syntax.BinaryCmd:
		yes, no := sc.testsOf(c.X)
		if c.Op == syntax.OrStmt && sc.ends(c.Y, maxTestDepth) {
			return yes
		}
		if c.Op == syntax.AndStmt && sc.ends(c.Y, maxTestDepth) {
			return no
		}
	case *syntax.IfClause:
		yes, no := sc.testsOfList(c.Cond)
		if len(c.Then) > 0 && sc.ends(c.Then[len(c.Then)-1], maxTestDepth) {
			return no
		}
		if e := c.Else; e != nil && len(e.Cond) == 0 && len(e.Then) > 0 && sc.ends(e.Then[len(e.Then)-1], maxTestDepth) {
			return yes
		}
	}
	return nil
}

// ends says whether a statement leaves the list that it stands in for
// certain: exit, return, a function or a block that ends so.
func (sc *scan) ends(s *syntax.Stmt, depth int) bool {
	if depth == 0 || s == nil {
		return false
	}
	var last []*syntax.Stmt
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		name := argument(c.Args, 0)
		switch name {
		case "exit", "return", "continue", "break", "exec":
			return true
		}
		if f := sc.functions[name]; f != nil && len(f.body) == 1 {
			last = f.body
		}
	case *syntax.Block:
		last = c.Stmts
	case *syntax.BinaryCmd:
		return sc.ends(c.Y, depth-1)
	}
	return len(last) > 0 && sc.ends(last[len(last)-1], depth-1)
}

// assignsIn looks for statements that keep the result of a test for later: a
// variable that is set, or a status that is returned, where it succeeded.
func (sc *scan) assignsIn(stmts []*syntax.Stmt, names []string) {
	if len(names) == 0 {
		return
	}
	for _, s := range stmts {
		switch c := s.Cmd.(type) {
		case *syntax.CallExpr:
			if len(c.Args) == 0 || argument(c.Args, 0) == "return" {
				sc.loosen(names)
			}
		case *syntax.DeclClause:
			sc.loosen(names)
		}
	}
}

// loosen gives names up: they count as tested for in all of the script. That
// may hide a missing command; the other choice would blame right scripts.
func (sc *scan) loosen(names []string) {
	for _, n := range names {
		sc.loose[n] = true
	}
}
