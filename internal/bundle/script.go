// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"sort"
	"strconv"
	"strings"
)

// MaxScript is the largest script, in bytes.
const MaxScript = 1 << 20

// maxFaults is how many faults of one script are told, so that a hostile one
// costs no more than another. Nobody mends more of them at a time.
const maxFaults = 100

// HeaderBegin and HeaderEnd are the lines around a migration's header.
const (
	HeaderBegin = "### BEGIN MIGRATION INFO"
	HeaderEnd   = "### END MIGRATION INFO"
)

// An Interpreter is what a script's first line names.
type Interpreter struct {
	Path     string // absolute
	Argument string // the one argument that a #! line can give, or ""
}

// ParseInterpreter reads the first line of a script: "#!", an absolute path,
// at most one argument. Like the kernel it takes all behind the path as that
// one argument.
func ParseInterpreter(file string, script []byte) (Interpreter, error) {
	line := string(script)
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	rest := strings.TrimPrefix(line, "#!")
	if rest == line {
		return Interpreter{}, &ParseError{file, 1, "a migration is a script: its first line must begin with #!",
			"begin it with #!/bin/sh; call a program from a script"}
	}
	rest = strings.Trim(rest, " \t")
	path, argument := rest, ""
	if i := strings.IndexFunc(rest, isBlank); i >= 0 {
		path, argument = rest[:i], strings.Trim(rest[i:], " \t")
	}
	for i := 0; i < len(line); i++ {
		if line[i] < ' ' && line[i] != '\t' || line[i] == 0x7f {
			return Interpreter{}, &ParseError{file, 1, "control character in the #! line: " + quote(line), "end lines with \\n alone"}
		}
	}
	if CheckPath(path) != nil {
		return Interpreter{}, &ParseError{file, 1, "the #! line must name an absolute path: " + quote(line), "write #!/bin/sh"}
	}
	return Interpreter{path, argument}, nil
}

// IsShell says whether the script is for a POSIX shell by its interpreter's
// name, so that its syntax can be checked.
func (i Interpreter) IsShell() bool {
	name := i.Path[strings.LastIndexByte(i.Path, '/')+1:]
	if name == "env" {
		name = i.Argument
	}
	return name == "sh" || name == "ash" || name == "dash"
}

// A Script is a migration as its recipe ships it.
type Script struct {
	Interpreter Interpreter
	Header      Header
	Digest      Digest
}

// ParseScript reads a script's #! line and its optional migration header.
// file is used for messages only. The error is [Faults] with all that is
// wrong; the Script is then not to be used.
func ParseScript(file string, data []byte) (*Script, error) {
	if len(data) > MaxScript {
		return nil, Faults{{file, 0, "larger than 1 MiB", "ship data in the package, not in the migration"}}
	}
	p := headerParser{file: file, seen: map[string]int{}}
	script := &Script{Digest: Sum(data)}
	var err error
	if script.Interpreter, err = ParseInterpreter(file, data); err != nil {
		p.faults = append(p.faults, err.(*ParseError))
	}
	rest := string(data)
	for n := 1; rest != ""; n++ {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		p.line(n, line)
	}
	p.finish()
	if p.faults != nil {
		return nil, p.faults
	}
	script.Header = p.header
	return script, nil
}

// A headerParser is fed with a script line by line.
type headerParser struct {
	file   string
	header Header
	faults Faults
	seen   map[string]int // field -> its line
	begun  int            // line of the BEGIN mark
	ended  bool
	code   int // the first line that is neither empty nor a comment
	more   int // line of the first fault beyond maxFaults
}

// full says that no further fault is told, and remembers the first such line.
func (p *headerParser) full(line int) bool {
	if len(p.faults) < maxFaults {
		return false
	}
	if p.more == 0 {
		p.more = line
	}
	return true
}

func (p *headerParser) fault(line int, cure string, rule ...string) {
	if p.full(line) {
		return
	}
	p.faults = append(p.faults, &ParseError{p.file, line, strings.Join(rule, ""), cure})
}

func (p *headerParser) line(n int, line string) {
	text := strings.TrimRight(line, " \t\r")
	inside := p.begun > 0 && !p.ended
	begin, end := text == HeaderBegin, text == HeaderEnd
	if (begin || end || inside) && strings.HasSuffix(line, "\r") {
		p.fault(n, "end lines with \\n alone", "carriage return in the migration header")
	} else if inside && !begin && !end {
		p.field(n, text)
	}
	comment := strings.HasPrefix(strings.TrimLeft(text, " \t"), "#")
	switch {
	case begin:
		p.begin(n)
	case end && inside:
		p.ended = true
	case end:
		p.fault(n, "begin the header with "+HeaderBegin, "end of a migration header that was not begun")
	case comment && !inside && p.code == 0:
		p.misspelt(n, text, HeaderBegin)
	case !comment && text != "" && n > 1 && p.code == 0:
		p.code = n
	}
}

// misspelt finds a line that is meant to be a mark: unread, the header would
// be without any effect.
func (p *headerParser) misspelt(n int, text, mark string) bool {
	if words(text) != words(mark) {
		return false
	}
	p.fault(n, "write "+mark, "misspelt mark of a migration header: ", quote(text))
	return true
}

// words leaves the letters of a line alone.
func words(line string) string {
	var letters []byte
	for i := 0; i < len(line); i++ {
		if isAlpha(line[i]) {
			letters = append(letters, line[i]|0x20)
		}
	}
	return string(letters)
}

func (p *headerParser) begin(n int) {
	switch {
	case p.begun > 0:
		p.fault(n, "write one header", "second migration header")
	case p.code > 0:
		p.fault(n, "move it up, behind the #! line", "migration header behind the first command")
	}
	p.begun, p.ended = n, false
}

func (p *headerParser) field(n int, text string) {
	if p.misspelt(n, text, HeaderEnd) {
		p.ended = true
		return
	}
	body := strings.TrimPrefix(text, "#")
	name, value, ok := strings.Cut(strings.TrimLeft(body, " \t"), ":")
	if body == text || !ok || body == strings.TrimLeft(body, " \t") {
		p.fault(n, "write `# Field: value`, one line for each field; end the header with "+HeaderEnd,
			"no field of a migration header: ", quote(text))
		return
	}
	f := fieldNamed(name)
	if f == nil && !p.full(n) {
		p.faults = append(p.faults, at(p.file, n, unknownField(name, fieldNames())))
	}
	if f == nil {
		return
	}
	if p.seen[name] > 0 {
		p.fault(n, "write it once, all values in one line", "second ", name)
		return
	}
	p.seen[name] = n
	value = strings.Trim(value, " \t")
	if value == "" {
		p.fault(n, "give it a value or remove the line", name, " has no value")
		return
	}
	if err := f.read(&p.header, value); err != nil && !p.full(n) {
		e := at(p.file, n, err)
		e.Rule = name + ": " + e.Rule
		p.faults = append(p.faults, e)
	}
}

// finish reports a header without an end, and then no line behind it that
// cannot belong to it.
func (p *headerParser) finish() {
	if p.begun > 0 && !p.ended {
		kept := p.faults[:0]
		for _, f := range p.faults {
			if p.code == 0 || f.Line < p.code {
				kept = append(kept, f)
			}
		}
		p.faults = kept
		if p.code > 0 && p.more > p.code {
			p.more = 0
		}
		p.faults = append(p.faults, &ParseError{p.file, p.begun, "migration header without an end", "end it with " + HeaderEnd})
	}
	if p.more > 0 {
		p.faults = append(p.faults, &ParseError{p.file, p.more, "more than " + strconv.Itoa(maxFaults) + " faults: this and later ones are not told", "mend those first"})
	}
	sort.SliceStable(p.faults, func(i, j int) bool { return p.faults[i].Line < p.faults[j].Line })
}

// FormatHeader writes the header block: the marks and the fields that are
// set, in the order of [Header]. It returns "" for a Header without any.
func FormatHeader(h *Header) string {
	var b strings.Builder
	for i := range fields {
		if value := fields[i].write(h); value != "" {
			b.WriteString("# " + fields[i].name + ": " + value + "\n")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return HeaderBegin + "\n" + b.String() + HeaderEnd + "\n"
}
