// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	"meta-migration/internal/bundle"
)

// A selection is the answer to which candidates are in the image.
type selection struct {
	chosen []*Candidate // by ID, one each
	out    map[bundle.ID]*Candidate
}

// choose takes those candidates that belong into the image, one of each ID.
// candidates are sorted by ID.
func choose(candidates []*Candidate, im *image, r *report) selection {
	candidates = oneVersion(candidates, im, r)
	s := selection{out: map[bundle.ID]*Candidate{}}
	for len(candidates) > 0 {
		n := 1
		for n < len(candidates) && candidates[n].ID == candidates[0].ID {
			n++
		}
		group := candidates[:n]
		candidates = candidates[n:]
		c, in := chooseOne(group, im, r)
		if in {
			r.add(c.Err)
			s.chosen = append(s.chosen, c)
			continue
		}
		// It may be the fault of a recipe that this image has nothing to do
		// with.
		r.addWarning(c.Err)
		s.out[c.ID] = c
	}
	return s
}

// chooseOne picks one of the candidates of one ID, and says whether it is in
// the image. Equal scripts are one, wherever they come from.
func chooseOne(group []*Candidate, im *image, r *report) (c *Candidate, in bool) {
	var live []*Candidate
	for _, c := range group {
		if c.Package == nil && im.hasBase(c.Recipe(), c.header().Packages) || im.has(c.Recipe(), c.header().Packages) {
			live = append(live, c)
		}
	}
	if len(live) == 0 {
		return group[0], false
	}
	if !differ(live) {
		return live[0], true
	}
	if pns := recipesOf(live); len(pns) > 1 {
		if !allVariants(pns, live[0].ID.Recipe()) {
			r.errorf("", "rename one of them", "duplicate ID: %q comes from the recipes %s: %s", live[0].ID, names(pns), files(live))
			return live[0], true
		}
		live = ofRecipe(live, live[0].ID.Recipe())
	}
	live = ofInstalledVersion(live, im)
	if len(live) == 0 || differ(live) {
		if len(live) == 0 {
			live = group
		}
		cure := "leave one of them in the directory, or give --installed with versions"
		if anyLoose(live) {
			cure = "give each migration once, by --packages or by --snippets"
		}
		r.errorf("", cure,
			"duplicate ID: %q differs, and the installed version does not decide: %s", group[0].ID, files(live))
		return live[0], true
	}
	return live[0], true
}

// anyLoose says whether one of them is of --snippets.
func anyLoose(list []*Candidate) bool {
	for _, c := range list {
		if c.Package == nil {
			return true
		}
	}
	return false
}

func differ(list []*Candidate) bool {
	for _, c := range list[1:] {
		if !bytes.Equal(c.Data, list[0].Data) {
			return true
		}
	}
	return false
}

// recipesOf returns the PNs, sorted, each once.
func recipesOf(list []*Candidate) []string {
	seen := map[string]bool{}
	var pns []string
	for _, c := range list {
		if pn := c.Recipe(); !seen[pn] {
			seen[pn] = true
			pns = append(pns, pn)
		}
	}
	sort.Strings(pns)
	return pns
}

func allVariants(pns []string, recipe string) bool {
	for _, pn := range pns {
		if !variantOf(pn, recipe) {
			return false
		}
	}
	return true
}

// ofRecipe keeps those of the base recipe; where there is none, all.
func ofRecipe(list []*Candidate, recipe string) []*Candidate {
	var base []*Candidate
	for _, c := range list {
		if c.Recipe() == recipe {
			base = append(base, c)
		}
	}
	if base == nil {
		return list
	}
	return base
}

// ofInstalledVersion keeps those whose package has the version of an
// installed package of the same recipe, and those without a package, which
// have no version to lose by; all, where they do not differ.
func ofInstalledVersion(list []*Candidate, im *image) []*Candidate {
	if !differ(list) {
		return list
	}
	var kept []*Candidate
	for _, c := range list {
		if c.Package == nil || anyVersion(im.versions[c.Recipe()], c.Package.Version) {
			kept = append(kept, c)
		}
	}
	return kept
}

func files(list []*Candidate) string {
	var texts []string
	for _, c := range list {
		texts = append(texts, c.File)
	}
	return strings.Join(texts, ", ")
}

func names[T ~string](list []T) string {
	var texts []string
	for _, s := range list {
		texts = append(texts, fmt.Sprintf("%q", s))
	}
	return strings.Join(texts, ", ")
}
