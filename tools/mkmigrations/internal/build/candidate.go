// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"bytes"
	"sort"
	"strings"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/pkgfile"
)

// A Candidate is a migration as it was found, before it is known whether it
// is in the image.
type Candidate struct {
	ID      bundle.ID
	File    string           // where it was found, for messages
	Package *pkgfile.Package // that brought it; nil for a snippet without one
	Data    []byte
	Script  *bundle.Script // nil where the script does not parse
	Err     error          // why it does not
}

// newCandidate parses one snippet. The error is about its ID.
func newCandidate(recipe, name, file string, pkg *pkgfile.Package, data []byte) (*Candidate, error) {
	id := recipe + ":" + name
	if err := bundle.CheckID(id); err != nil {
		fault := faults(err)[0]
		fault.File = file
		return nil, fault
	}
	c := &Candidate{ID: bundle.ID(id), File: file, Package: pkg, Data: data}
	c.Script, c.Err = parseScript(file, data)
	return c, nil
}

// maxHeaderLines is many times the number of fields that there are, and
// maxHeaderBytes room for a thousand IDs.
const (
	maxHeaderLines = 100
	maxHeaderBytes = 64 << 10
)

// maxPackageHeaders bounds the headers of one package: each field is parsed and
// may come into the manifest, so they cost much more than other bytes.
const maxPackageHeaders = 1 << 20

// headerSize is how many bytes of a script can be its header.
func headerSize(data []byte) int {
	begin := bytes.Index(data, []byte(bundle.HeaderBegin))
	if begin < 0 {
		return 0
	}
	return max(0, bytes.LastIndex(data, []byte(bundle.HeaderEnd))-begin)
}

// parseScript is bundle.ParseScript, but for a header that is one fault as a
// whole: a hostile one could hold ten thousands, each with its message.
func parseScript(file string, data []byte) (*bundle.Script, error) {
	const begin, end = bundle.HeaderBegin, bundle.HeaderEnd
	begun, size := 0, 0
	for n, rest := 1, data; len(rest) > 0; n++ {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		switch text := string(bytes.TrimRight(line, " \t\r")); {
		case text == end:
			begun = 0
		case text == begin && begun == 0:
			begun, size = n, 0
		case begun > 0 && n-begun > maxHeaderLines:
			return nil, bundle.Faults{{File: file, Line: begun, Rule: "migration header of more than 100 lines", Cure: "end it with " + end}}
		case begun > 0 && size > maxHeaderBytes:
			return nil, bundle.Faults{{File: file, Line: begun, Rule: "migration header of more than 64 KiB", Cure: "end it with " + end + "; squash in two steps"}}
		}
		size += len(line)
	}
	return bundle.ParseScript(file, data)
}

// Recipe is PN of the recipe that the candidate comes from, with a multilib
// prefix where there is one.
func (c *Candidate) Recipe() string {
	if c.Package == nil {
		return c.ID.Recipe()
	}
	return recipeOf(c.Package)
}

// recipeOf is PN. A -migration package of a foreign tool that states no
// recipe is taken for the one that its name tells.
func recipeOf(p *pkgfile.Package) string {
	if p.Announces && p.Source == p.Name {
		return strings.TrimSuffix(p.Source, migrationSuffix)
	}
	return p.Source
}

// header is the candidate's, empty where it does not parse.
func (c *Candidate) header() *bundle.Header {
	if c.Script == nil {
		return &bundle.Header{}
	}
	return &c.Script.Header
}

// variantOf says whether pn is the recipe itself or a multilib variant of it.
func variantOf(pn, recipe string) bool {
	return pn == recipe || strings.HasSuffix(pn, "-"+recipe)
}

func sortCandidates(all []*Candidate) {
	sort.SliceStable(all, func(i, j int) bool {
		if all[i].ID != all[j].ID {
			return all[i].ID < all[j].ID
		}
		return all[i].File < all[j].File
	})
}
