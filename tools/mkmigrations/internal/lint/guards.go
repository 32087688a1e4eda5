// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// guards are the commands and files known to be there at one place of a
// script: commands by the last part of their names, files by their paths. A
// nil *guards knows nothing.
type guards struct {
	names []string
	up    *guards
	size  int // names in the chain
}

// Limits that keep hostile scripts from taking quadratic time. No script
// tests for so much.
const (
	maxGuards = 2000
	maxNames  = 64
	maxSteps  = 1 << 20
)

// with adds names. g itself stays as it is: other branches go on with it.
func (g *guards) with(names ...string) *guards {
	names = names[:min(len(names), maxNames)]
	size := len(names)
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
	last := base(name)
	for ; g != nil; g = g.up {
		for _, n := range g.names {
			if n == last || n == name {
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

// after returns what is there when the script goes on behind a statement:
// what a plain `command -v tool` has tested for, as the shell runs with -e,
// and what `command -v tool || exit` and the like let pass.
func (sc *scan) after(s *syntax.Stmt) []string { return sc.behind(s, maxTestDepth) }

func (sc *scan) behind(s *syntax.Stmt, depth int) []string {
	if depth == 0 {
		return nil
	}
	switch s.Cmd.(type) {
	case *syntax.Block, *syntax.ForClause, *syntax.CaseClause:
		if s.Negated {
			return nil
		}
	}
	switch c := s.Cmd.(type) {
	case *syntax.Block:
		return sc.behindAll(c.Stmts, depth-1)
	case *syntax.ForClause:
		return sc.behindFor(c, depth-1)
	case *syntax.CaseClause:
		return sc.behindCase(c)
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

func (sc *scan) behindAll(stmts []*syntax.Stmt, depth int) (names []string) {
	for _, s := range stmts {
		names = join(names, sc.behind(s, depth))
	}
	return names
}

// behindFor reads `for t in a b; do command -v "$t" || exit; done`. Who leaves
// the loop only has not passed all its tests.
func (sc *scan) behindFor(c *syntax.ForClause, depth int) []string {
	loop, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		return nil
	}
	var items []string
	for _, w := range loop.Items[:min(len(loop.Items), maxNames)] {
		if text, ok := literal(w); ok {
			items = append(items, text)
		}
	}
	outer, looping := sc.loops[loop.Name.Value], sc.looping
	sc.loops[loop.Name.Value], sc.looping = items, true
	names := sc.behindAll(c.Do, depth)
	sc.loops[loop.Name.Value], sc.looping = outer, looping
	return names
}

// behindCase reads `case $(command -v tool) in "") exit;; esac`.
func (sc *scan) behindCase(c *syntax.CaseClause) []string {
	for _, item := range c.Items {
		if n := len(item.Stmts); emptyPattern(item) && n > 0 && sc.ends(item.Stmts[n-1], maxTestDepth) {
			return sc.substituted([]*syntax.Word{c.Word}, maxTestDepth)
		}
	}
	return nil
}

// caseClause scans the branches of a case: what its word looks for is there
// where that is not empty.
func (sc *scan) caseClause(c *syntax.CaseClause, g *guards) {
	sc.node(c.Word, g)
	names := sc.substituted([]*syntax.Word{c.Word}, maxTestDepth)
	empty := false // it has been
	for _, item := range c.Items {
		inner := g
		if empty || !emptyPattern(item) && !anyPattern(item) {
			inner = g.with(names...)
		}
		empty = empty || emptyPattern(item)
		sc.node(item, inner)
	}
}

func emptyPattern(item *syntax.CaseItem) bool {
	for _, w := range item.Patterns {
		if text, ok := literal(w); ok && text == "" {
			return true
		}
	}
	return false
}

// anyPattern says whether an item takes an empty word as well.
func anyPattern(item *syntax.CaseItem) bool {
	for _, w := range item.Patterns {
		if text, ok := literal(w); ok && text != "" {
			continue
		}
		if strings.Trim(w.Lit(), "*") == "" {
			return true
		}
	}
	return false
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
		case "exit", "return", "exec":
			return true
		case "continue", "break":
			return !sc.looping
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
