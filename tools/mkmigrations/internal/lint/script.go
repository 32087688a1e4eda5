// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"bytes"
	"errors"
	"strconv"

	"mvdan.cc/sh/v3/syntax"

	"meta-migration/internal/bundle"
)

// A script is a migration's text on its way through the checks. The parts
// are made when they are first asked for.
type script struct {
	file        string
	data        []byte
	interpreter bundle.Interpreter // zero where the #! line is bad
	shell       shell              // noShell: its language is not known here
	budget      *Budget

	parsed bool
	tree   *syntax.File // nil where nothing could be read
	// The line of a here-document that the end of the script ends, 0 for none.
	unclosed int
	err      error // why not; or, with a tree, why it is not POSIX

	scanned *scan
}

// read does not complain about a bad #! line: bundle.ParseScript does.
func read(file string, data []byte) *script {
	s := &script{file: file, data: data}
	if i, err := bundle.ParseInterpreter(file, data); err == nil {
		s.interpreter, s.shell = i, shellOf(i)
	}
	return s
}

// load parses the script. What is not POSIX is read again as bash, so that
// all that follows still sees its commands.
func (s *script) load() {
	if s.parsed || s.shell == noShell {
		return
	}
	s.parsed = true
	s.tree, s.unclosed, s.err = parse(s.data, s.shell.variant(), s.budget)
	if s.err == nil || !s.shell.posix() || unchecked(s.err) {
		return
	}
	tree, unclosed, err := parse(s.data, syntax.LangBash, s.budget)
	if err == nil {
		s.tree, s.unclosed = tree, unclosed
		return
	}
	if errors.Is(err, errSpent) {
		// It may be right in the other dialect.
		s.err = err
		return
	}
	// A syntax error in both dialects: what bash misses is the plainer one,
	// unless POSIX stopped at a plain one itself.
	if errors.As(s.err, new(syntax.LangError)) {
		s.err = err
	}
}

func (s *script) finding(line int, warning bool, rule, cure string) Finding {
	return Finding{s.file, line, warning, rule, cure}
}

// Syntax returns the syntax errors of a shell script. A script for sh, ash
// or dash must be in the POSIX dialect; what bash alone understands is an
// error, what busybox ash understands and dash does not is a warning where
// the interpreter is sh. Scripts for bash and mksh are read in their own
// dialects. For every other interpreter there are no findings. After a
// syntax error the rest of the script is not read.
func Syntax(file string, data []byte) []Finding {
	return sorted(read(file, data).syntax())
}

func (s *script) syntax() []Finding {
	s.load()
	var found []Finding
	var foreign map[int]bool
	if s.tree != nil && s.shell.posix() {
		found, foreign = s.features()
	}
	if s.err != nil {
		found = append(found, s.syntaxError(foreign)...)
	}
	if s.tree != nil && s.shell != ksh {
		found = append(found, s.emptyLists()...)
	}
	if s.unclosed > 0 {
		found = append(found, s.finding(s.unclosed, true, "here-document without its end: it reaches to the end of the script", "write its end word alone in a line"))
	}
	return append(found, s.carriageReturns()...)
}

// syntaxError says what the parser met. foreign are the lines with features
// of another shell: a finding, or none where the shell has it, says the same
// in better words.
func (s *script) syntaxError(foreign map[int]bool) []Finding {
	if unchecked(s.err) {
		return []Finding{s.finding(0, true, "not checked: "+s.err.Error(), "")}
	}
	line, text := explain(s.err)
	if foreign[line] {
		return nil
	}
	// The parser knows mksh, and the name may say ksh only; of bash it knows
	// all but quoted names of functions.
	warning := s.shell == ksh || s.shell == bash && text == "invalid func name"
	return []Finding{s.finding(line, warning, "syntax error: "+text, "")}
}

// unchecked tells the limits of the check from errors in the script.
func unchecked(err error) bool {
	return errors.Is(err, errLarge) || errors.Is(err, errWords) || errors.Is(err, errDeep) || errors.Is(err, errPanic) || errors.Is(err, errSpent)
}

// explain takes the parser's error apart.
func explain(err error) (line int, text string) {
	var plain syntax.ParseError
	if errors.As(err, &plain) {
		return int(plain.Pos.Line()), plain.Text
	}
	var foreign syntax.LangError
	if errors.As(err, &foreign) {
		return int(foreign.Pos.Line()), strconv.Quote(foreign.Feature) + " in another shell's syntax"
	}
	return 0, err.Error()
}

// carriageReturns finds lines that end in CR LF: the parser takes them as
// other lines, a shell takes the CR as a part of the last word.
func (s *script) carriageReturns() []Finding {
	if s.shell == noShell {
		return nil
	}
	at := bytes.Index(s.data, []byte("\r\n"))
	if at < 0 {
		return nil
	}
	line := 1 + bytes.Count(s.data[:at], []byte("\n"))
	return []Finding{s.finding(line, true, "carriage return at the end of the line: the shell takes it as a part of the last word", `end lines with \n alone`)}
}
