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

// testArguments turns a test round that says "not" or "empty": ! -z, or
// [ "x$(command -v tool)" = x ].
func (sc *scan) testArguments(args, names []string) (yes, no []string) {
	for i, a := range args {
		switch a {
		case "!", "-z":
			return nil, names
		case "=", "==":
			if i > 1 && none(args[i-1]) || i+1 < len(args) && none(args[i+1]) {
				return nil, names
			}
		}
	}
	return names, nil
}

// none says whether a literal is what is left of "x$(command -v tool)" without
// the tool.
func none(arg string) bool { return arg == "" || len(arg) == 1 && arg != "\x00" }

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
	texts := []string{ending(t.word)}
	if name := parameter(t.word); name != "" {
		texts = sc.loops[name]
		if value, ok := sc.values[name]; ok && texts == nil {
			texts = []string{value}
		}
	}
	for _, text := range texts {
		if t.file && strings.HasPrefix(text, "/") {
			names = append(names, text)
		}
		if name := base(text); name != "" && (!t.file || inProgramDir(text)) {
			names = append(names, name)
		}
	}
	return names
}

// inProgramDir: a file there is a program. That /etc/passwd is there says
// nothing about the command passwd.
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
	if sc.assigned[name] {
		delete(sc.values, name)
		return
	}
	sc.assigned[name] = true
	if a.Value == nil || a.Append {
		return
	}
	if text, ok := literal(a.Value); ok {
		sc.values[name] = text
	}
}
