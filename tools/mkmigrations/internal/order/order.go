// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package order

import (
	"container/heap"
	"sort"

	"meta-migration/internal/bundle"
)

// An Order is the result of [Sort].
type Order struct {
	// Places holds, for each place in the order, the index of its migration
	// in the manifest's Migrations.
	Places []int
	// Unknown are references of After and Before that name no migration,
	// while their recipe has others: most likely typing errors.
	Unknown []Reason

	graph *graph
	node  []int // index in Migrations -> node
}

// Sort finds the order of m's migrations. It reads their IDs, Since, After,
// Before, Requires and Supersedes, and m's Gone; it does not change m. IDs
// must be unique and Supersedes without circles. A Requires that nothing in
// the bundle fulfils is not its business. The error is [Errors].
func Sort(m *bundle.Manifest) (*Order, error) {
	g := newGraph(m)
	o := &Order{graph: g, Unknown: g.unknown, node: make([]int, len(m.Migrations))}
	for node := range g.items {
		o.node[g.items[node].index] = node
	}
	if errs := g.positions(); errs != nil {
		return nil, errs
	}
	o.place()
	return o, nil
}

// place runs Kahn's algorithm with a heap. One heap over all positions is
// enough: what a migration waits for never stands at a later position, so
// the earliest unfinished position always has a migration that is ready.
func (o *Order) place() {
	g := o.graph
	waits := g.indegrees()
	ready := &readyHeap{rank: g.position}
	release := func(node int) {
		// A joint has no place of its own: it is passed at once.
		for open := []int{node}; len(open) > 0; {
			node, open = open[len(open)-1], open[:len(open)-1]
			for _, e := range g.out[node] {
				if waits[e.to]--; waits[e.to] > 0 {
					continue
				}
				if g.isJoint(e.to) {
					open = append(open, e.to)
				} else {
					heap.Push(ready, e.to)
				}
			}
		}
	}
	var joints []int
	for node := range g.out {
		switch {
		case waits[node] > 0:
		case g.isJoint(node):
			joints = append(joints, node)
		default:
			ready.nodes = append(ready.nodes, node)
		}
	}
	heap.Init(ready)
	for _, node := range joints {
		release(node)
	}
	for ready.Len() > 0 {
		node := heap.Pop(ready).(int)
		o.Places = append(o.Places, g.items[node].index)
		release(node)
	}
}

// A Behind is what After, Before and Requires, and not the smaller ID or the
// earlier release, put behind one migration.
type Behind struct {
	order *Order
	seen  []bool
	Steps int // that finding it took
}

// Behind returns what is behind the migration at index a in m.Migrations.
func (o *Order) Behind(a int) Behind {
	b := Behind{order: o, seen: make([]bool, len(o.graph.out))}
	for open := []int{o.node[a]}; len(open) > 0; {
		node := open[len(open)-1]
		open = open[:len(open)-1]
		for _, e := range o.graph.out[node] {
			b.Steps++
			if !b.seen[e.to] {
				b.seen[e.to] = true
				open = append(open, e.to)
			}
		}
	}
	return b
}

// Has says whether the migration at index a in m.Migrations is one of them.
func (b Behind) Has(a int) bool { return b.seen[b.order.node[a]] }

// SamePosition says whether two migrations, by their index in m.Migrations,
// stand at the same release in the order.
func (o *Order) SamePosition(a, b int) bool {
	return o.graph.position[o.node[a]] == o.graph.position[o.node[b]]
}

// A readyHeap holds nodes; the earliest position comes first, then the
// smallest node, which is the smallest ID.
type readyHeap struct {
	nodes []int
	rank  []int
}

func (h *readyHeap) Len() int      { return len(h.nodes) }
func (h *readyHeap) Swap(i, j int) { h.nodes[i], h.nodes[j] = h.nodes[j], h.nodes[i] }
func (h *readyHeap) Push(x any)    { h.nodes = append(h.nodes, x.(int)) }
func (h *readyHeap) Pop() any {
	last := h.nodes[len(h.nodes)-1]
	h.nodes = h.nodes[:len(h.nodes)-1]
	return last
}

func (h *readyHeap) Less(i, j int) bool {
	a, b := h.nodes[i], h.nodes[j]
	if h.rank[a] != h.rank[b] {
		return h.rank[a] < h.rank[b]
	}
	return a < b
}

// ranks numbers releases by age; releases that compare equal have one rank.
func ranks(releases []string) map[string]int {
	rank := map[string]int{}
	var distinct []string
	for _, r := range releases {
		if _, ok := rank[r]; !ok {
			rank[r] = 0
			distinct = append(distinct, r)
		}
	}
	sort.Slice(distinct, func(i, j int) bool { return bundle.CompareReleases(distinct[i], distinct[j]) < 0 })
	for i := 1; i < len(distinct); i++ {
		rank[distinct[i]] = rank[distinct[i-1]]
		if bundle.CompareReleases(distinct[i-1], distinct[i]) != 0 {
			rank[distinct[i]]++
		}
	}
	return rank
}
