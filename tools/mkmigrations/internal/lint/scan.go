// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

const (
	maxScanDepth = 1000 // nested commands that a scan follows
	maxTexts     = 4    // scripts within scripts: sh -c, eval, trap
	maxWraps     = 8    // programs that run programs: env nice timeout …
)

// A scan walks through a script in the order in which it would run, with the
// commands that it has tested for so far.
type scan struct {
	script    *script
	functions map[string]*function
	aliases   map[string]bool
	loose     map[string]bool     // tested for, in a way that is not followed to its uses
	values    map[string]string   // of variables that are given one text only
	assigned  map[string]bool     // variables that are given any
	loops     map[string][]string // items of the for loops around a test
	looping   bool                // what is asked for is behind a loop
	calls     []scannedCall
	found     []Finding

	sources []source // what it reads with "."
	path    []string // directories that it puts into PATH
	unknown bool     // it sources, or puts into PATH, what only a run can tell

	heeded       bool // what is scanned has a status that || or a condition heeds
	depth, texts int
	wraps        int
	textTokens   int // of all texts
	steps        int // of the search for guards
	textOffset   uint
	shift        int // added to lines, within a text of another script
	in           *function
	tooDeep      bool
	spent        bool // the budget, before all was scanned
	habits       habits
}

// A scannedCall is a Call with what decides whether it is guarded. That is
// asked at the end only, when all places that call a function are known.
type scannedCall struct {
	Call
	guards *guards
	in     *function // nil: not in a function
	offset uint      // in the script, for what comes first
}

// A source is a file that the script reads with ".".
type source struct {
	name    string // "" where it is not literal
	library bool
	offset  uint
}

func newScan(s *script) *scan {
	sc := &scan{script: s, functions: map[string]*function{}, aliases: map[string]bool{}, loose: map[string]bool{},
		values: map[string]string{}, assigned: map[string]bool{}, loops: map[string][]string{}}
	sc.habits.made = map[string]bool{}
	return sc
}

// run scans a whole script.
func (sc *scan) run(tree *syntax.File) {
	sc.declare(tree)
	sc.list(tree.Stmts, nil)
	sc.found = append(sc.found, sc.habits.atEnd(sc)...)
}

// declare collects what may be used before it is met: functions, aliases.
func (sc *scan) declare(tree *syntax.File) {
	walk(tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			f := sc.functions[n.Name.Value]
			if f == nil {
				f = &function{}
				sc.functions[n.Name.Value] = f
			}
			f.body = append(f.body, n.Body)
			f.learn(n.Body)
		case *syntax.Assign:
			sc.learnValue(n)
		case *syntax.WordIter:
			sc.forgetValue(n.Name.Value)
		case *syntax.CallExpr:
			if argument(n.Args, 0) == "alias" {
				sc.learnAliases(n.Args[1:])
			}
			sc.forgetValues(n.Args)
		}
		return true
	})
}

// learnAliases takes the names of `alias name=text`. The texts are not
// followed: few scripts have any.
func (sc *scan) learnAliases(words []*syntax.Word) {
	for _, w := range words {
		// The value may be expanded, the name in front of it is not.
		lit, ok := w.Parts[0].(*syntax.Lit)
		if !ok {
			continue
		}
		if name, _, ok := strings.Cut(lit.Value, "="); ok {
			sc.aliases[name] = true
		}
	}
}

// list scans statements that run one after the other. It returns what is
// known to be there behind them.
func (sc *scan) list(stmts []*syntax.Stmt, g *guards) *guards {
	restored := lastErrexit(stmts)
	for i, s := range stmts {
		if s.Background {
			sc.habits.background(line(s), sc)
		}
		sc.stmt(s, g)
		g = g.with(sc.after(s)...)
		if i > restored {
			sc.habits.statement(s, sc)
		}
	}
	return g
}

// condition scans the list of an if or while: what its last statement tests
// for holds in one branch only, and -e does not heed it.
func (sc *scan) condition(stmts []*syntax.Stmt, g *guards) *guards {
	if len(stmts) == 0 {
		return g
	}
	last := len(stmts) - 1
	g = sc.list(stmts[:last], g)
	sc.heeding(true, func() { sc.list(stmts[last:], g) })
	return g
}

// heeding scans what || or a condition heeds, with all that is inside it: -e is
// off for that, too.
func (sc *scan) heeding(heeded bool, f func()) {
	outer := sc.heeded
	sc.heeded = outer || heeded
	f()
	sc.heeded = outer
}

// enter counts the depth. Where it returns false the scan goes no deeper.
func (sc *scan) enter() bool {
	sc.depth++
	if sc.depth > maxScanDepth {
		sc.tooDeep = true
	}
	return sc.depth <= maxScanDepth
}

// stmt scans one statement, with g known to be there. Every kind of command
// that may run one part of it after a test of another is taken apart here;
// the parts of all others are scanned one after the other.
func (sc *scan) stmt(s *syntax.Stmt, g *guards) {
	if s == nil {
		return
	}
	defer func() { sc.depth-- }()
	if !sc.enter() {
		return
	}
	for _, r := range s.Redirs {
		sc.habits.redirect(r)
		sc.nodes(children(r), g)
	}
	switch c := s.Cmd.(type) {
	case nil:
	case *syntax.CallExpr:
		sc.call(c, s.Redirs, g)
	case *syntax.BinaryCmd:
		sc.binary(s, g)
	case *syntax.IfClause:
		sc.ifClause(c, g)
	case *syntax.WhileClause:
		inner := sc.condition(c.Cond, g)
		yes, no := sc.testsOfList(c.Cond)
		if c.Until {
			yes = no
		}
		sc.list(c.Do, inner.with(yes...))
	case *syntax.Block:
		sc.list(c.Stmts, g)
	case *syntax.Subshell:
		sc.subshell(c.Stmts, g)
	case *syntax.FuncDecl:
		sc.funcDecl(c)
	case *syntax.ForClause:
		sc.nodes([]syntax.Node{c}, g)
	case *syntax.CaseClause:
		sc.caseClause(c, g)
	default:
		sc.nodes(children(c), g)
	}
}

// subshell scans a list whose settings end with it, so that set +e in it is
// no habit to warn of.
func (sc *scan) subshell(stmts []*syntax.Stmt, g *guards) {
	sc.habits.nested++
	sc.list(stmts, g)
	sc.habits.nested--
}

// funcDecl scans a body with nothing known: see entered.
func (sc *scan) funcDecl(c *syntax.FuncDecl) {
	in, heeded := sc.in, sc.heeded
	sc.in, sc.heeded = sc.functions[c.Name.Value], false
	sc.stmt(c.Body, nil)
	sc.in, sc.heeded = in, heeded
}

// binary scans "a && b || c | d" from left to right.
func (sc *scan) binary(s *syntax.Stmt, g *guards) {
	first, rest := unchain(s)
	last := lastOr(rest)
	sc.heeding(last >= 0, func() { sc.stmt(first, g) })
	yes, no := sc.testsOf(first)
	for i, c := range rest {
		inner := g
		switch c.Op {
		case syntax.AndStmt:
			inner = g.with(yes...)
			sc.assignsIn([]*syntax.Stmt{c.Y}, yes)
		case syntax.OrStmt:
			inner = g.with(no...)
		}
		sc.heeding(i < last, func() { sc.stmt(c.Y, inner) })
		moreYes, moreNo := sc.testsOf(c.Y)
		yes, no = join(yes, moreYes), join(no, moreNo)
	}
}

// lastOr is the index of the last ||, which heeds the status of all before it,
// -1 if there is none.
func lastOr(rest []*syntax.BinaryCmd) int {
	for i := len(rest) - 1; i >= 0; i-- {
		if rest[i].Op == syntax.OrStmt {
			return i
		}
	}
	return -1
}

// unchain turns the left-deep tree of "a && b || c" into a list.
func unchain(s *syntax.Stmt) (first *syntax.Stmt, rest []*syntax.BinaryCmd) {
	for {
		c, ok := s.Cmd.(*syntax.BinaryCmd)
		if !ok {
			break
		}
		rest = append(rest, c)
		s = c.X
		if s.Negated || len(s.Redirs) > 0 {
			break
		}
	}
	for i, j := 0, len(rest)-1; i < j; i, j = i+1, j-1 {
		rest[i], rest[j] = rest[j], rest[i]
	}
	return s, rest
}

// ifClause scans if, elif and else: each branch knows what its own condition
// found, and that those before it failed.
func (sc *scan) ifClause(c *syntax.IfClause, g *guards) {
	for ; c != nil; c = c.Else {
		g = sc.condition(c.Cond, g)
		yes, no := sc.testsOfList(c.Cond)
		sc.assignsIn(c.Then, yes)
		sc.list(c.Then, g.with(yes...))
		g = g.with(no...)
	}
}

// nodes scans what is neither a command nor a list: words and the like.
func (sc *scan) nodes(nodes []syntax.Node, g *guards) {
	for _, n := range nodes {
		sc.node(n, g)
	}
}

func (sc *scan) node(n syntax.Node, g *guards) {
	defer func() { sc.depth-- }()
	if !sc.enter() {
		return
	}
	switch n := n.(type) {
	case *syntax.Stmt:
		sc.stmt(n, g)
	case *syntax.Assign:
		sc.searchPath(n)
		sc.nodes(children(n), g)
	case *syntax.CmdSubst:
		sc.subshell(n.Stmts, g)
	case *syntax.ProcSubst:
		sc.subshell(n.Stmts, g)
	case *syntax.CaseItem:
		for _, w := range n.Patterns {
			sc.node(w, g)
		}
		sc.list(n.Stmts, g)
	case *syntax.ForClause:
		sc.node(n.Loop, g)
		sc.list(n.Do, g)
	default:
		sc.habits.node(n, sc)
		sc.nodes(children(n), g)
	}
}

// line is where a node stands in the script.
func (sc *scan) line(n syntax.Node) int { return line(n) + sc.shift }

func (sc *scan) warn(line int, rule, cure string) {
	sc.found = append(sc.found, sc.script.finding(line, true, rule, cure))
}

// sortCalls orders calls by line: texts and function bodies are scanned out
// of turn.
func sortCalls(calls []Call) {
	sort.SliceStable(calls, func(i, j int) bool { return calls[i].Line < calls[j].Line })
}
