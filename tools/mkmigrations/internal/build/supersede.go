// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"fmt"
	"sort"
	"strings"

	"meta-migration/internal/bundle"
)

// drop takes out what --drop names.
func (p *plan) drop() {
	found := idSet(p.kept)
	for _, id := range p.o.Drop {
		p.dropped[id] = true
		if !found[id] && p.out[id] == nil && p.history.records[id] == nil && !p.in.incomplete {
			p.errorf("", "", "--drop %s: no package and no previous manifest knows it", id)
		}
	}
	p.keep(func(c *Candidate) bool { return !p.dropped[c.ID] })
}

// keep throws out the kept candidates for which want is false.
func (p *plan) keep(want func(*Candidate) bool) {
	var kept []*Candidate
	for _, c := range p.kept {
		if want(c) {
			kept = append(kept, c)
		}
	}
	p.kept = kept
}

// supersede leaves out what another one replaces, and reports faults of
// Supersedes. It returns false where nothing more can be said.
//
// Who supersedes whom changes with what is left out: a migration that goes
// leaves behind what its last manifest says of it, not what its present text
// says. So it goes on until nothing more is left out.
func (p *plan) supersede() bool {
	var left []*Candidate
	for {
		var ok bool
		if p.by, ok = p.superseders(); !ok {
			return false
		}
		var more []*Candidate
		for _, c := range p.kept {
			if p.by[c.ID] != "" {
				more = append(more, c)
			}
		}
		if more == nil {
			break
		}
		left = append(left, more...)
		p.keep(func(c *Candidate) bool { return p.by[c.ID] == "" })
		for _, c := range more {
			p.warnf(c.File, "remove it from its recipe", "%q is left out: %q supersedes it", c.ID, p.by[c.ID])
		}
	}
	for _, c := range left {
		p.checkChain(c)
	}
	return true
}

// checkChain reports what only c supersedes, which is itself left out. The
// bundle will not say so, and a device that has it would run what is new.
func (p *plan) checkChain(c *Candidate) {
	for _, old := range c.header().Supersedes {
		if p.by[old] == "" {
			p.blamed[old] = true
			p.errorf(c.File, fmt.Sprintf("remove %q from its recipe and add %q to Supersedes of the one that replaces it", c.ID, old),
				"%q, which supersedes %q, is superseded itself before any release said so", c.ID, old)
		}
	}
}

// superseders maps what is superseded by the kept candidates and by what is
// gone. It reports an ID that two supersede, and circles; after one of them
// it returns false.
func (p *plan) superseders() (map[bundle.ID]bundle.ID, bool) {
	by := map[bundle.ID]bundle.ID{}
	good := true
	add := func(id bundle.ID, supersedes []bundle.ID) {
		for _, old := range supersedes {
			switch first := by[old]; {
			case first == "":
				by[old] = id
			case first != id:
				good = false
				a, b := first, id
				if b < a {
					a, b = b, a
				}
				p.errorf("", fmt.Sprintf("let one migration supersede it; another one may supersede that one instead of %q", old),
					"%q is superseded by %q and by %q", old, a, b)
			}
		}
	}
	in := idSet(p.kept)
	for _, c := range p.kept {
		add(c.ID, c.header().Supersedes)
	}
	for _, id := range p.history.ids {
		if !in[id] {
			add(id, p.history.line(id).Supersedes)
		}
	}
	return by, p.checkCircles(by) && good
}

// checkCircles follows each chain once.
func (p *plan) checkCircles(by map[bundle.ID]bundle.ID) bool {
	ids := make([]bundle.ID, 0, len(by))
	for id := range by {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	ends := map[bundle.ID]bool{}
	good := true
	for _, start := range ids {
		var walked []bundle.ID
		at := map[bundle.ID]int{}
		for id := start; id != "" && !ends[id]; id = by[id] {
			if i, circle := at[id]; circle {
				good = false
				p.errorf("", "take one of them out of Supersedes", "Supersedes goes in a circle: %s", arrows(walked[i:]))
				break
			}
			at[id] = len(walked)
			walked = append(walked, id)
		}
		for _, id := range walked {
			ends[id] = true
		}
	}
	return good
}

// arrows prints a circle of "is superseded by". Its smallest ID is first,
// since starts are sorted and a walk enters a circle once.
func arrows(circle []bundle.ID) string {
	smallest := 0
	for i, id := range circle {
		if id < circle[smallest] {
			smallest = i
		}
	}
	var b strings.Builder
	for i := range circle {
		fmt.Fprintf(&b, "%q -> ", circle[(smallest+i)%len(circle)])
	}
	fmt.Fprintf(&b, "%q", circle[smallest])
	return b.String()
}
