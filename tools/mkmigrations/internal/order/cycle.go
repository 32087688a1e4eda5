// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package order

// cycles returns one CycleError for each strongly connected component:
// a shortest path from its smallest ID back to it. waits is above 0 for the
// nodes that could not be placed; no other node lies on a circle.
func (g *graph) cycles(waits []int) Errors {
	var errs Errors
	component := g.components(waits)
	done := map[int]bool{}
	for node := range g.items {
		if waits[node] == 0 || done[component[node]] {
			continue
		}
		// Nodes are in the order of IDs, so this one is the smallest.
		if err := g.circle(node, component); err != nil {
			done[component[node]] = true
			errs = append(errs, err)
		}
	}
	return errs
}

// circle walks breadth first inside node's component until it meets node
// again. It returns nil for a node that only waits for a circle.
func (g *graph) circle(node int, component []int) error {
	type step struct{ from, why int }
	came := map[int]step{}
	for open := []int{node}; len(open) > 0; open = open[1:] {
		for _, e := range g.out[open[0]] {
			if _, seen := came[e.to]; seen || component[e.to] != component[node] {
				continue
			}
			came[e.to] = step{open[0], e.why}
			if e.to == node {
				break
			}
			open = append(open, e.to)
		}
		if _, back := came[node]; back {
			break
		}
	}
	if _, back := came[node]; !back {
		return nil
	}
	var err CycleError
	for at := node; ; {
		s := came[at]
		if s.why >= 0 {
			err.Reasons = append(err.Reasons, g.reasons[s.why])
		}
		if at = s.from; !g.isJoint(at) {
			err.IDs = append(err.IDs, g.items[at].ID)
		}
		if at == node {
			break
		}
	}
	// The path was walked backwards.
	for i, j := 0, len(err.IDs)-1; i < j; i, j = i+1, j-1 {
		err.IDs[i], err.IDs[j] = err.IDs[j], err.IDs[i]
		err.Reasons[i], err.Reasons[j] = err.Reasons[j], err.Reasons[i]
	}
	return &err
}

// components numbers the strongly connected components of the nodes that
// wait, by Tarjan's algorithm (SIAM J. Comput. 1(2), 1972). It keeps its own
// stack: a chain of migrations may be longer than recursion should be deep.
func (g *graph) components(waits []int) []int {
	t := tarjan{
		g: g, number: make([]int, len(g.out)), low: make([]int, len(g.out)),
		component: make([]int, len(g.out)), next: make([]int, len(g.out)),
	}
	for node := range g.out {
		if waits[node] > 0 && t.number[node] == 0 {
			t.visit(node)
		}
	}
	return t.component
}

type tarjan struct {
	g         *graph
	number    []int // in the order of discovery, from 1; 0 is not met yet
	low       []int // smallest number on the stack that is reachable
	component []int // from 1; 0 while the node is on the stack
	next      []int // the edge to look at next
	stack     []int
	count     int
	found     int
}

func (t *tarjan) visit(root int) {
	t.enter(root)
	for path := []int{root}; len(path) > 0; {
		node := path[len(path)-1]
		if t.next[node] < len(t.g.out[node]) {
			to := t.g.out[node][t.next[node]].to
			t.next[node]++
			switch {
			case t.number[to] == 0:
				t.enter(to)
				path = append(path, to)
			case t.component[to] == 0 && t.number[to] < t.low[node]:
				t.low[node] = t.number[to]
			}
			continue
		}
		path = path[:len(path)-1]
		if len(path) > 0 {
			if above := path[len(path)-1]; t.low[node] < t.low[above] {
				t.low[above] = t.low[node]
			}
		}
		if t.low[node] == t.number[node] {
			t.leave(node)
		}
	}
}

func (t *tarjan) enter(node int) {
	t.count++
	t.number[node], t.low[node] = t.count, t.count
	t.stack = append(t.stack, node)
}

// leave takes a whole component off the stack.
func (t *tarjan) leave(node int) {
	t.found++
	for {
		top := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.component[top] = t.found
		if top == node {
			return
		}
	}
}
