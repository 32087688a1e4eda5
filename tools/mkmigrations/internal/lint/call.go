// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"meta-migration/internal/bundle"
)

// call scans one simple command: its assignments and words, then what it
// calls.
func (sc *scan) call(c *syntax.CallExpr, redirs []*syntax.Redirect, g *guards) {
	for _, a := range c.Assigns {
		sc.node(a, g)
	}
	for _, w := range c.Args {
		sc.node(w, g)
	}
	if len(c.Args) > 0 {
		sc.command(c.Args, "", g)
		sc.fed(c.Args, redirs, g)
	}
}

// maxDirs is how many directories a script may add to PATH for the check.
const maxDirs = 32

// searchPath notes the directories that an assignment to PATH adds.
func (sc *scan) searchPath(a *syntax.Assign) {
	if a.Name == nil || a.Name.Value != "PATH" || a.Value == nil {
		return
	}
	// $PATH itself is known; it is replaced so that the rest may be literal.
	word := &syntax.Word{}
	parts := a.Value.Parts
	if len(parts) == 1 {
		if q, ok := parts[0].(*syntax.DblQuoted); ok {
			parts = q.Parts
		}
	}
	for _, p := range parts {
		if e, ok := p.(*syntax.ParamExp); ok && e.Param != nil && e.Param.Value == "PATH" && e.Exp == nil {
			p = &syntax.Lit{Value: ":"}
		}
		word.Parts = append(word.Parts, p)
	}
	text, ok := literal(word)
	if !ok {
		sc.unknown = true
		return
	}
	for _, dir := range strings.Split(text, ":") {
		if strings.HasPrefix(dir, "/") && len(sc.path) < maxDirs && !slices.Contains(sc.path, dir) {
			sc.path = append(sc.path, dir)
		}
	}
}

// command scans the words of a command that by runs, "" for the shell.
func (sc *scan) command(words []*syntax.Word, by string, g *guards) {
	sc.wraps++
	defer func() { sc.wraps-- }()
	if sc.wraps > maxWraps || len(words) == 0 {
		return
	}
	name, ok := literal(words[0])
	if !ok {
		sc.computed(words[0])
		return
	}
	if name == "" {
		return
	}
	if by == "" && sc.shellCommand(name, words, g) {
		return
	}
	sc.add(Call{Name: name, Line: sc.line(words[0]), By: by}, words[0], g)
	if by == "" {
		sc.enterFunction(name, words, g)
	}
	sc.habits.command(base(name), words, sc)
	if sc.functions[name] == nil {
		sc.wrapped(base(name), words, g)
	}
}

// add notes a call. Whether it needs anything of the image is decided later,
// when all functions and aliases are known.
func (sc *scan) add(c Call, at syntax.Node, g *guards) {
	c.Heeded = sc.heeded
	sc.calls = append(sc.calls, scannedCall{Call: c, guards: g, in: sc.in, offset: sc.offset(at)})
}

// shellCommand scans the builtins whose arguments are commands. It returns
// true where there is nothing else to say about the call.
func (sc *scan) shellCommand(name string, words []*syntax.Word, g *guards) bool {
	args := words[1:]
	switch name {
	case "command", "builtin":
		if testedWords(words) == nil {
			sc.commandBuiltin(operandsFrom(args), g)
		}
	case "exec":
		sc.command(execOperands(args), "exec", g)
	case "eval":
		if text, ok := joined(args); ok {
			sc.text(sc.script.shell, text, args[0], g)
		}
	case "trap":
		if len(args) > 1 && args[0].Lit() != "--" {
			sc.trap(args[0], g)
		} else if len(args) > 2 {
			sc.trap(args[1], g)
		}
	case ".", "source":
		if len(args) > 0 {
			sc.sourced(args[0], g)
		}
	case "export", "readonly", "local":
		for _, w := range args {
			sc.exported(w)
		}
	default:
		return false
	}
	return true
}

// commandBuiltin scans `command name …`: no function is looked up, a builtin
// is.
func (sc *scan) commandBuiltin(words []*syntax.Word, g *guards) {
	sc.wraps++
	defer func() { sc.wraps-- }()
	if sc.wraps > maxWraps || len(words) == 0 {
		return
	}
	name, ok := literal(words[0])
	switch {
	case !ok:
		sc.computed(words[0])
	case sc.script.shell.builtin(name):
		sc.shellCommand(name, words, g)
	default:
		sc.command(words, "command", g)
	}
}

// trap scans the action of a trap: "-" and "" are none.
func (sc *scan) trap(w *syntax.Word, g *guards) {
	if text, ok := literal(w); ok && text != "-" {
		sc.text(sc.script.shell, text, w, g)
	}
}

// exported sees PATH in `export PATH=…`, which the POSIX dialect reads as a
// word.
func (sc *scan) exported(w *syntax.Word) {
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok || !strings.HasPrefix(lit.Value, "PATH=") {
		return
	}
	first := &syntax.Lit{Value: strings.TrimPrefix(lit.Value, "PATH=")}
	value := &syntax.Word{Parts: append([]syntax.WordPart{first}, w.Parts[1:]...)}
	if len(value.Parts) == 2 && first.Value == "" {
		value.Parts = value.Parts[1:]
	}
	sc.searchPath(&syntax.Assign{Name: &syntax.Lit{Value: "PATH"}, Value: value})
}

// sourced notes what `. file` reads. A file that only a run can name may
// define any function.
func (sc *scan) sourced(w *syntax.Word, g *guards) {
	offset := sc.offset(w)
	name, ok := literal(w)
	switch {
	case parameter(w) == "MIGRATION_LIB" || name == bundle.LibraryPath:
		sc.sources = append(sc.sources, source{library: true, offset: offset})
	case ok && name != "":
		sc.sources = append(sc.sources, source{name: name, offset: offset})
		sc.add(Call{Name: name, Line: sc.line(w), Sourced: true}, w, g)
	default:
		sc.unknown = true
	}
}

// computed warns of a command that only a run can name. A function that runs
// its own arguments is looked at where it is called.
func (sc *scan) computed(w *syntax.Word) {
	if sc.in != nil && isArgument(w) {
		return
	}
	what := "a command that only a run can name"
	if text := sc.source(w); text != "" {
		what = "command in a variable: " + text
	}
	sc.warn(sc.line(w), what+" cannot be checked", "")
}

// source is a word as it is written, "" where that is long or not at hand.
func (sc *scan) source(w *syntax.Word) string {
	from, to := w.Pos().Offset(), w.End().Offset()
	if sc.texts > 0 || from >= to || to > uint(len(sc.script.data)) || to-from > 60 {
		return ""
	}
	text := string(sc.script.data[from:to])
	if !strings.HasPrefix(strings.TrimLeft(text, `"`), "$") || strings.ContainsAny(text, "\n\r") {
		return ""
	}
	return text
}

// enterFunction notes the call of a function, and what a function that runs
// its arguments is given.
func (sc *scan) enterFunction(name string, words []*syntax.Word, g *guards) {
	f := sc.functions[name]
	if f == nil {
		return
	}
	f.sites = append(f.sites, site{sc.in, g})
	// A word that is expanded, or no name of a command, may be anything.
	if f.runs && !f.tests && !f.shifts && len(words) > 1 && looksLikeCommand(argument(words, 1)) {
		sc.command(words[1:], "", g)
	}
}

// looksLikeCommand keeps messages, numbers with signs and patterns, which a
// function may be given as well, from being taken for commands.
func looksLikeCommand(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-/[:") == "" && s[0] != '-'
}

// offset orders nodes. Those of a text stand where the text does.
func (sc *scan) offset(n syntax.Node) uint {
	if sc.texts > 0 {
		return sc.textOffset
	}
	return n.Pos().Offset()
}

// text scans a script within the script, for the shell in: the argument of
// eval, trap, sh -c.
func (sc *scan) text(in shell, text string, at syntax.Node, g *guards) {
	// All texts together may be as large as a script.
	if sc.textTokens += tokens([]byte(text)); sc.texts >= maxTexts || sc.textTokens > maxTokens {
		sc.tooDeep = true
		return
	}
	inner := script{file: sc.script.file, data: []byte(text), shell: in, budget: sc.script.budget}
	inner.load()
	if inner.tree == nil {
		sc.spent = sc.spent || errors.Is(inner.err, errSpent)
		if !unchecked(inner.err) && in != ksh {
			line, text := explain(inner.err)
			sc.found = append(sc.found, sc.script.finding(sc.line(at)+line-1, false, "syntax error in a text that is run: "+text, ""))
		}
		return
	}
	outer := sc.shift
	sc.textOffset = sc.offset(at)
	sc.shift = sc.line(at) - 1
	sc.texts++
	sc.declare(inner.tree)
	sc.list(inner.tree.Stmts, g)
	sc.texts--
	sc.shift = outer
}

// joined is the text that eval makes of its words.
func joined(words []*syntax.Word) (string, bool) {
	var texts []string
	for _, w := range words {
		text, ok := literal(w)
		if !ok {
			return "", false
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " "), len(texts) > 0
}

func quoted(s string) string { return strconv.Quote(s) }
