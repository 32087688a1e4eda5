// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"strings"
)

// Bytes writes the manifest. The bytes depend on m alone, and
// [ParseManifest] makes an equal m of them when m passes [Manifest.Check],
// its values are ones that the parsers of this package accept, and defaults
// and empty lists in it are zero.
func (m *Manifest) Bytes() []byte {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	line("Format", Format)
	line("Release", m.Release)
	line("Library", string(m.Library))
	line("Min-From", m.MinFrom)
	line("On-Downgrade", word(m.OnDowngrade, Tolerate))
	line("Fresh-Unless", join(m.FreshUnless))
	line("Keep", word(m.Keep, KeepNone))
	line("On-Corrupt", word(m.OnCorrupt, RefuseCorrupt))
	line("Failure-State", word(m.FailureState, Degraded))
	if len(m.Gone) > 0 {
		b.WriteString("Gone:\n")
	}
	for i := range m.Gone {
		b.WriteString(" " + m.Gone[i].line() + "\n")
	}
	for i := range m.Migrations {
		one := &m.Migrations[i]
		b.WriteString("\n")
		line("Migration", string(one.ID))
		line("File", one.File)
		line("Digest", string(one.Digest))
		for f := range fields {
			line(fields[f].name, fields[f].write(&one.Header))
		}
	}
	return []byte(b.String())
}

func word[T ~string](value, standard T) string {
	if value == "" {
		return string(standard)
	}
	return string(value)
}

func (g *Gone) line() string {
	return strings.TrimRight(string(g.ID)+" "+g.Since+" "+string(g.Digest)+" "+join(g.Supersedes), " ")
}

// AnchorText is the content of the anchor for a manifest's bytes.
func AnchorText(manifest []byte) []byte { return []byte(string(Sum(manifest)) + "\n") }

// ParseAnchor reads the anchor: one digest and a newline.
func ParseAnchor(file string, data []byte) (Digest, error) {
	text := strings.TrimSuffix(string(data), "\n")
	if CheckDigest(text) != nil || len(data) != len(text)+1 {
		return "", &ParseError{file, 1, "the anchor must be one digest in one line", ""}
	}
	return Digest(text), nil
}

// InitConf is what an init script must know without starting the runner.
type InitConf struct {
	Anchor       Digest
	FailureState FailureState
}

const (
	initMarker  = "MIGRATION_MARKER="
	initFailure = "MIGRATION_FAILURE_STATE="
)

// Bytes writes init.conf: two assignments that a shell can source.
func (c *InitConf) Bytes() []byte {
	return []byte(initMarker + MarkerPath(c.Anchor) + "\n" + initFailure + word(c.FailureState, Degraded) + "\n")
}

// ParseInitConf reads init.conf in exactly the form that Bytes writes.
func ParseInitConf(file string, data []byte) (*InitConf, error) {
	lines := strings.Split(string(data), "\n")
	var c InitConf
	if len(lines) != 3 || lines[2] != "" {
		return nil, &ParseError{file, len(lines), "init.conf must have two lines", ""}
	}
	hex := strings.TrimPrefix(lines[0], initMarker+StateDir+"/complete/")
	c.Anchor = Digest(digestPrefix + hex)
	if hex == lines[0] || CheckDigest(string(c.Anchor)) != nil {
		return nil, &ParseError{file, 1, "no marker: " + quote(lines[0]), ""}
	}
	state := strings.TrimPrefix(lines[1], initFailure)
	if state == lines[1] {
		return nil, &ParseError{file, 2, "no failure state: " + quote(lines[1]), ""}
	}
	if err := readWord(&c.FailureState, state, Degraded, Emergency, Reboot); err != nil {
		return nil, at(file, 2, err)
	}
	return &c, nil
}
