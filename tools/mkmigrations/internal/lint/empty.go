// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import "mvdan.cc/sh/v3/syntax"

// emptyLists finds what the parser takes and dash, busybox ash and bash all
// refuse: a list without a command, as in "then", a comment, "fi".
func (s *script) emptyLists() []Finding {
	var found []Finding
	walk(s.tree, func(n syntax.Node) bool {
		if at, word := emptyList(n); word != "" {
			found = append(found, s.finding(int(at.Line()), false, "syntax error: no command behind "+quoted(word), "write : where nothing is to be done"))
		}
		return true
	})
	return found
}

// emptyList returns the word behind which a command is missing, "" for none.
func emptyList(n syntax.Node) (at syntax.Pos, word string) {
	switch n := n.(type) {
	case *syntax.IfClause:
		// The parser makes "else" an IfClause without "then".
		switch {
		case !n.ThenPos.IsValid() && len(n.Then) == 0:
			return n.Position, "else"
		case n.ThenPos.IsValid() && len(n.Cond) == 0:
			return n.Position, "if"
		case n.ThenPos.IsValid() && len(n.Then) == 0:
			return n.ThenPos, "then"
		}
	case *syntax.WhileClause:
		switch {
		case len(n.Cond) == 0:
			return n.WhilePos, "while"
		case len(n.Do) == 0:
			return n.DoPos, "do"
		}
	case *syntax.ForClause:
		if len(n.Do) == 0 {
			return n.DoPos, "do"
		}
	case *syntax.Block:
		if len(n.Stmts) == 0 {
			return n.Lbrace, "{"
		}
	case *syntax.Subshell:
		if len(n.Stmts) == 0 {
			return n.Lparen, "("
		}
	}
	return syntax.Pos{}, ""
}
