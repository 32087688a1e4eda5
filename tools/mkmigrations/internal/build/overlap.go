// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"sort"
	"strings"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/order"
)

// A pathOwners is one of Paths and the places, in the order, of the
// migrations that state it.
type pathOwners struct {
	path   string
	places []int
}

// overlaps reports migrations of one release that change the same path, or
// one below it, where only their IDs decide which runs first. Of many that
// state one path those are compared that run next to each other: where each
// must follow the one before it, all are ordered.
func (p *plan) overlaps(m *bundle.Manifest, o *order.Order) {
	found := map[pair]string{}
	// o speaks of places in the manifest as it was sorted.
	compare := func(a, b int, above, below string) {
		if a > b {
			a, b = b, a
		}
		if a == b || found[pair{a, b}] != "" || len(found) == maxPairs || !o.SamePosition(o.Places[a], o.Places[b]) {
			return
		}
		found[pair{a, b}] = both(above, below)
	}
	var above []pathOwners
	for _, owners := range owned(m) {
		for len(above) > 0 && !strings.HasPrefix(owners.path, above[len(above)-1].path+"/") {
			above = above[:len(above)-1]
		}
		for i := 1; i < len(owners.places); i++ {
			compare(owners.places[i-1], owners.places[i], owners.path, owners.path)
		}
		for _, top := range above {
			for _, place := range owners.places {
				for _, near := range neighbours(top.places, place) {
					compare(near, place, top.path, owners.path)
				}
			}
		}
		above = append(above, owners)
	}
	p.unordered(m, o, found)
}

// A pair are two migrations by their places in the order, the earlier one first.
type pair struct{ a, b int }

// maxPairs and maxSteps bound what is compared. A product has some hundred
// pairs.
const (
	maxPairs = 1 << 18
	maxSteps = 1 << 25
)

// unordered reports the pairs that no After, Before or Requires puts in order.
// What leads from a migration is searched once for all its pairs.
func (p *plan) unordered(m *bundle.Manifest, o *order.Order, found map[pair]string) {
	pairs := make([]pair, 0, len(found))
	for one := range found {
		pairs = append(pairs, one)
	}
	sort.Slice(pairs, func(i, k int) bool {
		return pairs[i].a < pairs[k].a || pairs[i].a == pairs[k].a && pairs[i].b < pairs[k].b
	})
	var behind order.Behind
	steps := 0
	for i, one := range pairs {
		if i == 0 || one.a != pairs[i-1].a {
			behind = o.Behind(o.Places[one.a])
			steps += behind.Steps
		}
		if steps > maxSteps || len(pairs) == maxPairs {
			p.warnf("", "", "too many Paths overlap: not all of them were compared")
			return
		}
		if !behind.Has(o.Places[one.b]) {
			p.warnf("", "state After in one of them",
				"%q and %q change %s in no stated order", m.Migrations[one.a].ID, m.Migrations[one.b].ID, found[one])
		}
	}
}

// owned lists all paths, each directly behind those above it.
func owned(m *bundle.Manifest) []pathOwners {
	at := map[string]int{}
	var all []pathOwners
	for place := range m.Migrations {
		for _, path := range m.Migrations[place].Paths {
			i, ok := at[path]
			if !ok {
				i = len(all)
				at[path] = i
				all = append(all, pathOwners{path: path})
			}
			all[i].places = append(all[i].places, place)
		}
	}
	// A path has no control characters, so this puts "/" before all others.
	key := func(i int) string { return strings.ReplaceAll(all[i].path, "/", "\x01") }
	sort.Slice(all, func(i, j int) bool { return key(i) < key(j) })
	return all
}

// neighbours returns the places next to place on both sides, without itself.
func neighbours(places []int, place int) []int {
	var near []int
	i := sort.SearchInts(places, place)
	if i > 0 {
		near = append(near, places[i-1])
	}
	if i < len(places) && places[i] == place {
		i++
	}
	if i < len(places) {
		near = append(near, places[i])
	}
	return near
}

func both(above, below string) string {
	if above == below {
		return above
	}
	return above + " and " + below
}
