// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package order

import "sort"

// A witness is the migration that gave a joint its position, and the reason
// that leads out of it, where that is known already.
type witness struct{ node, why int }

// positions finds the rank at which each node stands, walking from what has
// no predecessor. It returns all faults, nil for none.
func (g *graph) positions() Errors {
	g.position = make([]int, len(g.out))
	seen := make([]witness, len(g.out))
	for node := range g.out {
		g.position[node], seen[node] = -1, witness{-1, -1}
		if !g.isJoint(node) {
			g.position[node], seen[node] = g.items[node].base, witness{node, -1}
		}
	}
	var errs Errors
	waits := g.indegrees()
	var open []int
	for node, n := range waits {
		if n == 0 {
			open = append(open, node)
		}
	}
	placed := 0
	for ; len(open) > 0; placed++ {
		node := open[len(open)-1]
		open = open[:len(open)-1]
		for _, e := range g.out[node] {
			from := seen[node]
			if e.why >= 0 {
				from.why = e.why
			}
			if err := g.push(from, g.position[node], e.to, seen); err != nil {
				errs = append(errs, err)
			}
			if waits[e.to]--; waits[e.to] == 0 {
				open = append(open, e.to)
			}
		}
	}
	if placed < len(g.out) {
		errs = append(errs, g.cycles(waits)...)
	}
	return sorted(errs)
}

// push lets a predecessor that stands at rank move node to where it may go.
func (g *graph) push(from witness, rank, node int, seen []witness) error {
	if rank <= g.position[node] {
		return nil
	}
	if g.isJoint(node) {
		g.position[node], seen[node] = rank, from
		return nil
	}
	it := &g.items[node]
	limit := it.base
	if it.supersedes {
		limit = it.since
	}
	if rank <= limit {
		g.position[node] = rank
		return nil
	}
	return &OlderError{
		Older: it.ID, OlderRelease: g.release[limit],
		Newer: g.items[from.node].ID, NewerRelease: g.release[rank],
		Reason: g.reasons[from.why],
	}
}

func sorted(errs Errors) Errors {
	sort.SliceStable(errs, func(i, j int) bool { return errs[i].Error() < errs[j].Error() })
	var once Errors
	for i, err := range errs {
		if i == 0 || err.Error() != errs[i-1].Error() {
			once = append(once, err)
		}
	}
	return once
}
