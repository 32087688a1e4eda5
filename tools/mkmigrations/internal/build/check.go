// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"context"
	"fmt"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/lint"
	"meta-migration/tools/mkmigrations/internal/pkgfile"
)

// check looks at the kept candidates one by one and at the bundle as a whole.
// m is in the order of the kept candidates.
func (p *plan) check(m *bundle.Manifest) {
	p.checkRequires(m)
	for _, c := range p.kept {
		p.checkPaths(c)
		p.checkKeep(c)
		p.checkOneWay(c)
	}
}

func (p *plan) checkPaths(c *Candidate) {
	for _, f := range lint.Paths(c.File, c.Data, c.header().Paths) {
		p.addFinding(f)
	}
}

// checkKeep: what cannot be put back leaves a fallback with changed data. A
// migration that is out already cannot be mended.
func (p *plan) checkKeep(c *Candidate) {
	if p.o.Keep == bundle.KeepGood && c.Script != nil && len(c.header().Paths) == 0 && p.history.records[c.ID] == nil {
		p.errorf(c.File, "state what it changes in Paths", "%q is new and has no Paths, so --keep good could not put anything back", c.ID)
	}
}

func (p *plan) checkOneWay(c *Candidate) {
	if c.header().OneWay && (p.o.FailureState == "" || p.o.FailureState == bundle.Degraded) {
		p.warnf(c.File, "--failure-state emergency or reboot",
			"One-Way with failure state degraded: services start even where the data is newer than the image")
	}
}

// checkRequires reports what is required and will never be there.
func (p *plan) checkRequires(m *bundle.Manifest) {
	x := m.Index()
	for i := range m.Migrations {
		one := &m.Migrations[i]
		for _, id := range one.Requires {
			target := x.Resolve(id)
			if _, in := x.Position(target); in || x.Gone(target) != nil || p.in.incomplete {
				continue
			}
			p.missing(one.ID, id)
		}
	}
}

func (p *plan) missing(id, required bundle.ID) {
	cure := "install the package that brings it, or drop Requires"
	switch c := p.out[required]; {
	case c != nil:
		cure = fmt.Sprintf("its recipe is not installed: %s", c.File)
	case p.dropped[required]:
		cure = "--drop leaves it out"
	case p.retired[required]:
		cure = "--min-from retires it before it was released"
	}
	if p.o.partial() && !p.hasOthers(required.Recipe()) {
		p.warnf(p.fileOf(id), "", "%q requires %q, which is not among what is looked at", id, required)
		return
	}
	p.errorf(p.fileOf(id), cure, "%q requires %q, which is neither in the bundle nor gone from it", id, required)
}

// hasOthers says whether migrations of the recipe were found.
func (p *plan) hasOthers(recipe string) bool {
	for _, c := range p.in.candidates {
		if c.ID.Recipe() == recipe {
			return true
		}
	}
	return false
}

// checkLoose looks at single scripts, which are part of no bundle.
func checkLoose(list []*Candidate, r *report) {
	for _, c := range list {
		r.add(c.Err)
		for _, f := range lint.Paths(c.File, c.Data, c.header().Paths) {
			r.addFinding(f)
		}
	}
}

// checkScripts runs the script lint over the candidates.
func checkScripts(ctx context.Context, list []*Candidate, in *input, dir string, r *report) error {
	var rootfs *lint.Rootfs
	if dir != "" {
		var err error
		if rootfs, err = lint.OpenRootfs(dir, in.library); err != nil {
			r.add(err)
			return nil
		}
	}
	budgets := map[*pkgfile.Package]*lint.Budget{nil: nil} // what is no package's is the caller's own
	for _, c := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.Script == nil {
			continue
		}
		if _, known := budgets[c.Package]; !known {
			budgets[c.Package] = lint.NewBudget()
		}
		for _, f := range lint.Script(c.File, c.Data, in.library, rootfs, budgets[c.Package]) {
			r.addFinding(f)
		}
	}
	return nil
}

func (r *report) addFinding(f lint.Finding) {
	fault := &Fault{File: f.File, Line: f.Line, Rule: f.Rule, Cure: f.Cure}
	if f.Warning {
		r.warnings = append(r.warnings, fault)
	} else {
		r.errors = append(r.errors, fault)
	}
}
