// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"sort"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/order"
)

// A plan is the state of a build between reading and writing. Its stages run
// in the order of make; each reads what the earlier ones have decided.
type plan struct {
	*report
	o       *Options
	in      *input
	image   *image
	history *history
	release string // what new migrations get as Since

	out     map[bundle.ID]*Candidate // found, but not in the image
	dropped map[bundle.ID]bool
	retired map[bundle.ID]bool
	blamed  map[bundle.ID]bool      // have a fault that says all there is to say
	kept    []*Candidate            // what will be the bundle, by ID
	since   map[bundle.ID]string    // of each kept one
	by      map[bundle.ID]bundle.ID // superseded -> what supersedes it
}

// makePlan decides everything that a bundle states but the order. It does no
// input or output. It returns false where Supersedes is so wrong that nothing
// can be said about the whole.
func makePlan(o *Options, in *input, r *report) (*plan, bool) {
	p := &plan{
		report: r, o: o, in: in,
		image:   newImage(in.packages, in.installed),
		history: newHistory(in.previous, o.Release),
		release: nextRelease(o.Release, in.previous),
		dropped: map[bundle.ID]bool{}, retired: map[bundle.ID]bool{}, blamed: map[bundle.ID]bool{}, since: map[bundle.ID]string{},
	}
	checkReleases(in.previous, o.Release, r)
	s := choose(in.candidates, p.image, r)
	p.kept, p.out = s.chosen, s.out
	p.drop()
	found := idSet(p.kept)
	if !p.supersede() {
		return p, false
	}
	p.setSince()
	p.retire()
	p.checkVanished(found)
	p.checkChanged()
	return p, true
}

// manifest joins the plan's decisions, in the order of IDs yet.
func (p *plan) manifest() *bundle.Manifest {
	m := &bundle.Manifest{
		Release: p.release, Library: bundle.Sum(p.in.library), MinFrom: p.o.MinFrom,
		OnDowngrade: p.o.OnDowngrade, FreshUnless: sortedSet(p.o.FreshUnless), Keep: p.o.Keep,
		OnCorrupt: p.o.OnCorrupt, FailureState: p.o.FailureState,
	}
	in := idSet(p.kept)
	for _, id := range p.history.ids {
		if !in[id] {
			m.Gone = append(m.Gone, p.history.line(id))
		}
	}
	for _, c := range p.kept {
		one := bundle.Migration{ID: c.ID, Digest: bundle.Sum(c.Data), Header: *c.header()}
		one.Since = p.since[c.ID]
		if one.Timeout == 0 {
			one.Timeout = p.o.Timeout
		}
		if one.Attempts == 0 {
			one.Attempts = p.o.Attempts
		}
		m.Migrations = append(m.Migrations, one)
	}
	return m
}

// arrange puts the migrations of m, and the kept candidates with them, into
// their order. It returns nil where there is none.
func (p *plan) arrange(m *bundle.Manifest) *order.Order {
	o, err := order.Sort(m)
	if err != nil {
		p.add(err)
		return nil
	}
	if !p.in.incomplete {
		for _, u := range o.Unknown {
			p.warnf(p.fileOf(u.ID), "", "%s %s names no migration, but there are others of recipe %q", u.Field, u.Ref, bundle.ID(u.Ref).Recipe())
		}
	}
	return o
}

// place makes o the order of m and of the kept candidates.
func (p *plan) place(m *bundle.Manifest, o *order.Order) {
	migrations := make([]bundle.Migration, len(o.Places))
	kept := make([]*Candidate, len(o.Places))
	for i, from := range o.Places {
		migrations[i], kept[i] = m.Migrations[from], p.kept[from]
		migrations[i].File = bundle.FileName(i, len(o.Places), migrations[i].ID)
	}
	m.Migrations, p.kept = migrations, kept
}

func (p *plan) fileOf(id bundle.ID) string {
	for _, c := range p.kept {
		if c.ID == id {
			return c.File
		}
	}
	return ""
}

func idSet(list []*Candidate) map[bundle.ID]bool {
	set := map[bundle.ID]bool{}
	for _, c := range list {
		set[c.ID] = true
	}
	return set
}

func sortedSet(list []string) []string {
	list = append([]string(nil), list...)
	sort.Strings(list)
	var once []string
	for i, s := range list {
		if i == 0 || s != list[i-1] {
			once = append(once, s)
		}
	}
	return once
}
