// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
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
	c.Script, c.Err = bundle.ParseScript(file, data)
	return c, nil
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
	if p.Source == p.Name {
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
