// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package order

import "sort"

// A recipe holds the migrations that its name stands for, by base.
type recipe struct {
	byBase map[int]*block
	blocks []*block // oldest base first
	ended  int      // so many of the oldest have their joint all
}

// A block is a recipe's migrations of one base, in the order of IDs. Its
// joints are made when a reference first needs them. Joint i of a chain
// stands for all members up to and including i of its direction, so
// "everyone but me" is two joints and not an edge for each member.
type block struct {
	base             int
	members          []int
	into, intoBack   []int // fed by the members: for After
	outOf, outOfBack []int // leading to the members: for Before
	all              int   // fed by all of this and of older blocks
}

func (g *graph) groupRecipes() {
	for node := range g.items {
		name := g.items[node].ID.Recipe()
		if g.recipes[name] == nil {
			g.recipes[name] = &recipe{byBase: map[int]*block{}}
		}
		g.recipes[name].add(node, g.items[node].base)
	}
	for _, r := range g.recipes {
		blocks := r.blocks
		sort.Slice(blocks, func(i, j int) bool { return blocks[i].base < blocks[j].base })
	}
}

func (r *recipe) add(node, base int) {
	b := r.byBase[base]
	if b == nil {
		b = &block{base: base}
		r.byBase[base] = b
		r.blocks = append(r.blocks, b)
	}
	b.members = append(b.members, node)
}

// addRecipe adds the edges of a recipe's name.
func (g *graph) addRecipe(node int, reason Reason) {
	r := g.recipes[reason.Ref]
	if r == nil {
		return
	}
	base := g.items[node].base
	// The first block that is newer.
	k := sort.Search(len(r.blocks), func(i int) bool { return r.blocks[i].base > base })
	if k == 0 {
		return
	}
	own := -1 // the node's place in the newest block
	b := r.blocks[k-1]
	if g.items[node].ID.Recipe() == reason.Ref {
		own = sort.SearchInts(b.members, node)
	}
	if reason.Field == "Before" {
		if b.base == base {
			g.leadTo(b, own, node, reason)
		}
		return
	}
	g.follow(r, k-1, own, node, reason)
}

// follow puts node behind all of block k and the older ones, without itself.
func (g *graph) follow(r *recipe, k, own, node int, reason Reason) {
	b := r.blocks[k]
	if own < 0 {
		g.connect(g.allOf(r, k), node, reason)
		return
	}
	if k > 0 {
		g.connect(g.allOf(r, k-1), node, reason)
	}
	g.fillInto(b)
	if own > 0 {
		g.connect(b.into[own-1], node, reason)
	}
	if own < len(b.members)-1 {
		g.connect(b.intoBack[len(b.members)-2-own], node, reason)
	}
}

// leadTo puts node before all of the block, without itself.
func (g *graph) leadTo(b *block, own, node int, reason Reason) {
	if b.outOf == nil {
		b.outOf, b.outOfBack = g.chain(b.members, false), g.chain(reversed(b.members), false)
	}
	last := len(b.members) - 1
	if own < 0 {
		g.connect(node, b.outOf[last], reason)
		return
	}
	if own > 0 {
		g.connect(node, b.outOf[own-1], reason)
	}
	if own < last {
		g.connect(node, b.outOfBack[last-1-own], reason)
	}
}

// allOf is the joint behind block k of a recipe and all its older blocks.
func (g *graph) allOf(r *recipe, k int) int {
	for ; r.ended <= k; r.ended++ {
		b := r.blocks[r.ended]
		g.fillInto(b)
		b.all = g.joint()
		g.inner(b.into[len(b.into)-1], b.all)
		if r.ended > 0 {
			g.inner(r.blocks[r.ended-1].all, b.all)
		}
	}
	return r.blocks[k].all
}

func (g *graph) fillInto(b *block) {
	if b.into == nil {
		b.into, b.intoBack = g.chain(b.members, true), g.chain(reversed(b.members), true)
	}
}

// chain makes a joint for each member that stands for it and those before
// it: fed by them if into is set, else leading to them.
func (g *graph) chain(members []int, into bool) []int {
	joints := make([]int, len(members))
	for i, member := range members {
		joints[i] = g.joint()
		link := func(a, b int) {
			if !into {
				a, b = b, a
			}
			g.inner(a, b)
		}
		link(member, joints[i])
		if i > 0 {
			link(joints[i-1], joints[i])
		}
	}
	return joints
}

func (g *graph) joint() int {
	g.out = append(g.out, nil)
	return len(g.out) - 1
}

func (g *graph) inner(from, to int) { g.out[from] = append(g.out[from], edge{to, -1}) }

func reversed(nodes []int) []int {
	back := make([]int, len(nodes))
	for i, node := range nodes {
		back[len(nodes)-1-i] = node
	}
	return back
}
