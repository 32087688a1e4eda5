// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import "strings"

// Format is the kind of a package file.
type Format int

// The formats, by content. A file of none of them is an error.
const (
	Deb Format = iota + 1
	Ipk
	Rpm
)

// String returns the usual file name suffix without the dot.
func (f Format) String() string {
	switch f {
	case Deb:
		return "deb"
	case Ipk:
		return "ipk"
	case Rpm:
		return "rpm"
	}
	return "unknown"
}

// Announcement is what a package with migrations provides. The recipe class
// writes it into RPROVIDES, which reaches all three formats. A multilib
// variant's package has the variant's prefix in front, as all that it provides:
// lib32-migration-snippets.
const Announcement = "migration-snippets"

// SourceArch is the Arch of a source rpm. Such a package is never installed;
// Scan leaves it out.
const SourceArch = "src"

// Package is what a package file's metadata says.
type Package struct {
	File   string // path as given
	Format Format
	Name   string
	// Version is as the format writes it, for rpm [epoch:]version-release.
	Version string
	Arch    string
	// Source is PN of the recipe: the OE field of ipk and deb, else their
	// Source where it is a name; of rpm the name in SOURCERPM. Where none is
	// stated it is Name. A multilib prefix is part of it.
	Source string
	// Provides holds names in the order of the file, versions dropped. An rpm
	// provides its own name too.
	Provides []string
	// Announces says that Provides has Announcement, with a multilib prefix or
	// without one.
	Announces bool
}

func (p *Package) setProvides(names []string) {
	p.Provides = names
	for _, name := range names {
		p.Announces = p.Announces || name == Announcement || strings.HasSuffix(name, "-"+Announcement)
	}
}

// Snippet is one regular file below /usr/share/migration/<recipe>/<name>.
// Recipe and Name are plain path components of printable characters; whether
// they make a good ID is not checked.
type Snippet struct {
	Recipe, Name string
	Mode         uint32 // permission bits as packed, nothing relies on them
	Data         []byte
}
