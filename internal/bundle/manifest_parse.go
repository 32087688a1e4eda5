// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"strings"
)

// ParseManifest reads a manifest. file is used for messages only. It refuses
// all that `Format: 1` does not know, and all that [Manifest.Check] refuses.
// The error is a *[ParseError].
func ParseManifest(file string, data []byte) (*Manifest, error) {
	p := manifestParser{file: file, text: string(data)}
	m, err := p.parse()
	if err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		e := err.(*ParseError)
		e.File = file
		return nil, e
	}
	return m, nil
}

type manifestParser struct {
	file string
	text string
	line int
}

// A stanzaLine is one field of a stanza.
type stanzaLine struct {
	number      int
	name, value string
	more        []string // continuation lines, without their leading blank
}

func (p *manifestParser) fault(line int, rule ...string) error {
	return &ParseError{p.file, line, strings.Join(rule, ""), ""}
}

func (p *manifestParser) parse() (*Manifest, error) {
	if p.text == "" {
		return nil, p.fault(0, "empty manifest")
	}
	if p.text[len(p.text)-1] != '\n' {
		return nil, p.fault(strings.Count(p.text, "\n")+1, "the last line is cut off")
	}
	m := &Manifest{}
	for first := true; p.text != ""; first = false {
		stanza, err := p.stanza()
		if err != nil {
			return nil, err
		}
		if first {
			err = p.readFirst(m, stanza)
		} else {
			err = p.readMigration(m, stanza)
		}
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// stanza takes the lines of one stanza and the empty line behind it.
func (p *manifestParser) stanza() ([]stanzaLine, error) {
	var stanza []stanzaLine
	seen := map[string]bool{}
	for p.text != "" {
		i := strings.IndexByte(p.text, '\n')
		line := p.text[:i]
		p.text = p.text[i+1:]
		p.line++
		switch {
		case line == "" && (len(stanza) == 0 || p.text == ""):
			return nil, p.fault(p.line, "empty line without a stanza")
		case line == "":
			return stanza, nil
		case line[0] == ' ' && len(stanza) > 0 && stanza[len(stanza)-1].value == "":
			last := &stanza[len(stanza)-1]
			last.more = append(last.more, line[1:])
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || value == " " || value != "" && value != " "+strings.Trim(value, " \t") {
			return nil, p.fault(p.line, "no `Field: value`: ", quote(line))
		}
		if seen[name] {
			return nil, p.fault(p.line, "second ", name)
		}
		seen[name] = true
		stanza = append(stanza, stanzaLine{p.line, name, strings.TrimPrefix(value, " "), nil})
	}
	return stanza, nil
}

// bundleFields are the fields of the first stanza behind Format.
var bundleFields = []struct {
	name string
	read func(m *Manifest, v string) error
}{
	{"Release", func(m *Manifest, v string) error { m.Release = v; return CheckRelease(v) }},
	{"Library", func(m *Manifest, v string) error { m.Library = Digest(v); return CheckDigest(v) }},
	{"Min-From", func(m *Manifest, v string) error { m.MinFrom = v; return CheckRelease(v) }},
	{"On-Downgrade", func(m *Manifest, v string) error { return readWord(&m.OnDowngrade, v, Tolerate, Refuse) }},
	{"Fresh-Unless", func(m *Manifest, v string) error { return readList(&m.FreshUnless, v, CheckPath) }},
	{"Keep", func(m *Manifest, v string) error { return readWord(&m.Keep, v, KeepNone, KeepGood) }},
	{"On-Corrupt", func(m *Manifest, v string) error { return readWord(&m.OnCorrupt, v, RefuseCorrupt, Rerun) }},
	{"Failure-State", func(m *Manifest, v string) error {
		return readWord(&m.FailureState, v, Degraded, Emergency, Reboot)
	}},
}

func (p *manifestParser) readFirst(m *Manifest, stanza []stanzaLine) error {
	if stanza[0].name != "Format" {
		return p.fault(1, "the manifest must begin with Format")
	}
	if stanza[0].value != Format {
		return p.fault(1, "Format is ", quote(stanza[0].value), "; only ", Format, " is known")
	}
	for _, line := range stanza[1:] {
		if line.name == "Gone" {
			if err := p.readGone(m, line); err != nil {
				return err
			}
			continue
		}
		if err := p.readBundleField(m, line); err != nil {
			return err
		}
	}
	switch {
	case m.Release == "":
		return p.fault(1, "no Release in the first stanza")
	case m.Library == "":
		return p.fault(1, "no Library in the first stanza")
	}
	return nil
}

func (p *manifestParser) readBundleField(m *Manifest, line stanzaLine) error {
	for _, f := range bundleFields {
		if f.name == line.name {
			return p.value(line, func(v string) error { return f.read(m, v) })
		}
	}
	return p.fault(line.number, "unknown field ", quote(line.name))
}

// value reads a field's value, which must stand in its own line.
func (p *manifestParser) value(line stanzaLine, read func(string) error) error {
	if line.value == "" {
		return p.fault(line.number, line.name, " has no value")
	}
	if err := read(line.value); err != nil {
		return p.inField(line.number, line.name, err)
	}
	return nil
}

// inField gives the fault of a field's value its place.
func (p *manifestParser) inField(line int, name string, err error) error {
	e := at(p.file, line, err)
	e.Rule = name + ": " + e.Rule
	return e
}

func (p *manifestParser) readGone(m *Manifest, line stanzaLine) error {
	if line.value != "" || len(line.more) == 0 {
		return p.fault(line.number, "Gone must have a line for each migration")
	}
	for i, text := range line.more {
		g, err := parseGone(text)
		if err != nil {
			return p.inField(line.number+1+i, "Gone", err)
		}
		m.Gone = append(m.Gone, g)
	}
	return nil
}

func parseGone(text string) (Gone, error) {
	parts := strings.Split(text, " ")
	if len(parts) < 3 {
		return Gone{}, broken("", "no `ID Since Digest`: ", quote(text))
	}
	g := Gone{ID: ID(parts[0]), Since: parts[1], Digest: Digest(parts[2])}
	for _, err := range []error{CheckID(parts[0]), CheckRelease(parts[1]), CheckDigest(parts[2])} {
		if err != nil {
			return Gone{}, err
		}
	}
	for _, id := range parts[3:] {
		if err := CheckID(id); err != nil {
			return Gone{}, err
		}
	}
	err := readList(&g.Supersedes, strings.Join(parts[3:], " "), CheckID)
	return g, err
}

func (p *manifestParser) readMigration(m *Manifest, stanza []stanzaLine) error {
	var one Migration
	own := map[string]func(string) error{
		"Migration": func(v string) error { one.ID = ID(v); return CheckID(v) },
		"File":      func(v string) error { one.File = v; return nil },
		"Digest":    func(v string) error { one.Digest = Digest(v); return CheckDigest(v) },
	}
	for _, line := range stanza {
		read := own[line.name]
		if f := fieldNamed(line.name); f != nil {
			read = func(v string) error { return f.read(&one.Header, v) }
		}
		if read == nil {
			return p.fault(line.number, "unknown field ", quote(line.name))
		}
		if err := p.value(line, read); err != nil {
			return err
		}
	}
	for _, need := range []struct{ name, value string }{
		{"Migration", string(one.ID)}, {"File", one.File}, {"Digest", string(one.Digest)}, {"Since", one.Since},
	} {
		if need.value == "" {
			return p.fault(stanza[0].number, "no ", need.name, " in migration ", quote(string(one.ID)))
		}
	}
	m.Migrations = append(m.Migrations, one)
	return nil
}
