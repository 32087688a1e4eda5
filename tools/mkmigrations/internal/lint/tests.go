// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

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
	for _, t := range testedWords(c.Args) {
		yes = append(yes, sc.namesOf(t)...)
	}
	name := argument(c.Args, 0)
	if f := sc.functions[name]; f != nil {
		if f.tests {
			for _, w := range c.Args[1:] {
				yes = append(yes, sc.namesOf(tested{word: w})...)
			}
		}
		// Its own last test is its status.
		more, others := sc.listTests(f.body, depth-1)
		return join(yes, more), others
	}
	if name == "[" || name == "test" {
		return sc.testArguments(c.Args, join(yes, sc.substituted(c.Args, depth)))
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

// testArguments turns a test round that says "not" or "empty": ! -z, or
// [ "x$(command -v tool)" = x ].
func (sc *scan) testArguments(args []*syntax.Word, names []string) (yes, no []string) {
	several, empty := false, false
	for i := range args {
		switch argument(args, i) {
		case "!", "-z":
			return nil, names
		case "-a", "-o":
			several = true
		case "=", "==":
			empty = empty || i > 1 && i+1 < len(args) && (sc.equalsNothing(args[i-1], args[i+1]) || sc.equalsNothing(args[i+1], args[i-1]))
		}
	}
	// What is equal beside another test decides nothing alone.
	if empty && !several {
		return nil, names
	}
	return names, nil
}

// equalsNothing says whether lit is what is left of "x$(command -v tool)"
// without the tool.
func (sc *scan) equalsNothing(lit, w *syntax.Word) bool {
	text, ok := literal(lit)
	parts := unquoted(w)
	if !ok || len(parts) == 0 || len(sc.substituted([]*syntax.Word{w}, maxTestDepth)) == 0 {
		return false
	}
	if _, last := parts[len(parts)-1].(*syntax.CmdSubst); !last {
		return false
	}
	before, ok := literalParts(parts[:len(parts)-1], true)
	return ok && before == text
}

// bracketTests reads [[ -x /path ]] and [[ -n $(command -v tool) ]].
func (sc *scan) bracketTests(c *syntax.TestClause, depth int) (yes, no []string) {
	negated := false
	nodes := 0
	walk(c, func(n syntax.Node) bool {
		nodes++
		switch n := n.(type) {
		case *syntax.BinaryTest:
			x, one := n.X.(*syntax.Word)
			y, two := n.Y.(*syntax.Word)
			if one && two && (n.Op == syntax.TsMatch || n.Op == syntax.TsMatchShort) {
				negated = negated || sc.equalsNothing(x, y) || sc.equalsNothing(y, x)
			}
		case *syntax.UnaryTest:
			negated = negated || n.Op == syntax.TsNot || n.Op == syntax.TsEmpStr
			if w, ok := n.X.(*syntax.Word); ok && n.Op >= syntax.TsExists && n.Op <= syntax.TsExec {
				yes = append(yes, sc.namesOf(tested{w, n.Op != syntax.TsExec})...)
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
		for _, p := range unquoted(w) {
			if c, ok := p.(*syntax.CmdSubst); ok {
				yes, _ := sc.listTests(c.Stmts, depth-1)
				names = append(names, yes...)
			}
		}
	}
	return names
}

// tested is a word that names what is tested for.
type tested struct {
	word *syntax.Word
	file bool // there, which does not say that it can be run
}

// testedWords are the words that name what a simple command tests for:
// commands for command -v, type, which and hash, paths for test.
func testedWords(args []*syntax.Word) []tested {
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
		var words []tested
		for i := 1; i+1 < len(args); i++ {
			switch argument(args, i) {
			case "-x":
				words = append(words, tested{args[i+1], false})
			case "-e", "-f", "-r", "-s", "-h", "-L":
				words = append(words, tested{args[i+1], true})
			}
		}
		return words
	}
	return nil
}

// operands are the words that are no options. An expanded one counts: it is
// what most functions that test are given.
func operands(args []*syntax.Word) (words []tested) {
	for _, w := range args {
		if text, ok := literal(w); !ok || !strings.HasPrefix(text, "-") {
			words = append(words, tested{word: w})
		}
	}
	return words
}

// namesOf returns what a tested word stands for: itself, each item of the loop
// whose variable it is, or the one text that the script gives the variable.
func (sc *scan) namesOf(t tested) (names []string) {
	_, whole := literal(t.word)
	texts := []string{ending(t.word)}
	if name := variable(t.word); name != "" {
		whole, texts = true, sc.loops[name]
		if value, ok := sc.values[name]; ok && texts == nil {
			texts = []string{value}
		}
	}
	for _, text := range texts {
		if t.file && whole && strings.HasPrefix(text, "/") {
			names = append(names, text)
		}
		if name := base(text); name != "" && (!t.file || inProgramDir(text) || !whole && text == "/"+name) {
			names = append(names, name)
		}
	}
	return names
}

// inProgramDir: a file there is a program. That /etc/passwd is there says
// nothing about the command passwd. What is in "$dir" may be one.
func inProgramDir(path string) bool {
	dir := base(strings.TrimSuffix(path[:len(path)-len(base(path))], "/"))
	return dir == "bin" || dir == "sbin"
}

// learnValue notes the text that a variable has for certain, as the script
// gives it one only.
func (sc *scan) learnValue(a *syntax.Assign) {
	if a.Name == nil || a.Naked {
		return
	}
	name := a.Name.Value
	again := sc.assigned[name]
	sc.forgetValue(name)
	if again || a.Value == nil || a.Append {
		return
	}
	if text, ok := literal(a.Value); ok {
		sc.values[name] = text
	}
}

// forgetValue is for a variable that is given a text in some other way.
func (sc *scan) forgetValue(name string) {
	sc.assigned[name] = true
	delete(sc.values, name)
}

// forgetValues is for the commands that give variables texts.
func (sc *scan) forgetValues(args []*syntax.Word) {
	switch argument(args, 0) {
	case "export", "getopts", "local", "read", "readonly", "typeset", "unset":
		for i := range args[1:] {
			name, _, _ := strings.Cut(argument(args, i+1), "=")
			sc.forgetValue(name)
		}
	}
}
