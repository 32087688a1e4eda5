// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package order

import (
	"sort"
	"strings"

	"meta-migration/internal/bundle"
)

// An edge says that one node runs before another. why is an index of
// graph.reasons, or -1 on the inner edges of joints.
type edge struct{ to, why int }

// An item is a migration as the order sees it.
type item struct {
	*bundle.Migration
	index      int // in the manifest
	base       int // rank of its base
	since      int // rank of its own Since
	supersedes bool
}

// A graph has a node for each migration, in the order of IDs, and behind
// them joints: nodes that bundle the edges of a recipe's name.
type graph struct {
	items    []item
	byID     map[bundle.ID]int
	index    *bundle.Index
	release  []string // rank -> a release of that rank
	recipes  map[string]*recipe
	out      [][]edge
	reasons  []Reason
	unknown  []Reason
	position []int // node -> rank at which it stands
}

func newGraph(m *bundle.Manifest) *graph {
	g := &graph{index: m.Index(), byID: map[bundle.ID]int{}, recipes: map[string]*recipe{}}
	for i := range m.Migrations {
		g.items = append(g.items, item{Migration: &m.Migrations[i], index: i})
	}
	sort.Slice(g.items, func(i, j int) bool { return g.items[i].ID < g.items[j].ID })
	g.rankItems()
	for node := range g.items {
		g.byID[g.items[node].ID] = node
	}
	g.groupRecipes()
	g.out = make([][]edge, len(g.items))
	for node := range g.items {
		g.addReferences(node)
	}
	return g
}

func (g *graph) isJoint(node int) bool { return node >= len(g.items) }

// rankItems finds every item's base, then numbers the releases.
func (g *graph) rankItems() {
	base := make([]string, len(g.items))
	var all []string
	for node := range g.items {
		it := &g.items[node]
		base[node] = g.base(it)
		all = append(all, base[node], it.Since)
	}
	rank := ranks(all)
	g.release = make([]string, len(all))
	for _, r := range all {
		// Of texts that compare equal the smallest is shown, for the same
		// message whatever the input's order.
		if at := &g.release[rank[r]]; *at == "" || r < *at {
			*at = r
		}
	}
	for node := range g.items {
		it := &g.items[node]
		it.base, it.since = rank[base[node]], rank[it.Since]
	}
}

// base is the earliest Since of the item and of all that it supersedes. What
// it supersedes and no manifest knows was never released, so it is not older.
func (g *graph) base(it *item) string {
	earliest := it.Since
	it.supersedes = len(it.Supersedes) > 0
	for _, id := range g.index.AllSuperseded(it.ID) {
		if gone := g.index.Gone(id); gone != nil && bundle.CompareReleases(gone.Since, earliest) < 0 {
			earliest = gone.Since
		}
	}
	return earliest
}

func (g *graph) addReferences(node int) {
	it := &g.items[node]
	for _, ref := range it.After {
		g.addReference(node, "After", ref)
	}
	for _, ref := range it.Before {
		g.addReference(node, "Before", ref)
	}
	for _, id := range it.Requires {
		g.addReference(node, "Requires", string(id))
	}
}

func (g *graph) addReference(node int, field, ref string) {
	reason := Reason{ID: g.items[node].ID, Field: field, Ref: ref}
	if !strings.Contains(ref, ":") {
		g.addRecipe(node, reason)
		return
	}
	id := bundle.ID(ref)
	target := g.index.Resolve(id)
	if target != id {
		reason.Means = target
	}
	other, ok := g.byID[target]
	switch {
	case !ok:
		if field != "Requires" && g.index.Gone(target) == nil && g.recipes[target.Recipe()] != nil {
			g.unknown = append(g.unknown, reason)
		}
	case other == node && target != id && field != "Requires":
		// It stands in for what it names itself: that is no demand any more.
	case field == "Before":
		g.connect(node, other, reason)
	default:
		g.connect(other, node, reason)
	}
}

func (g *graph) connect(from, to int, reason Reason) {
	g.reasons = append(g.reasons, reason)
	g.out[from] = append(g.out[from], edge{to, len(g.reasons) - 1})
}

func (g *graph) indegrees() []int {
	degrees := make([]int, len(g.out))
	for _, edges := range g.out {
		for _, e := range edges {
			degrees[e.to]++
		}
	}
	return degrees
}
