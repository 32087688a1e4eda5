// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import "strconv"

// Format is the version of the manifest that this package reads and writes.
const Format = "1"

// A Manifest is the ordered list in a bundle, with what the image decides
// for all of its migrations. Values from [ParseManifest] are consistent;
// [Manifest.Check] says so of others.
type Manifest struct {
	Release      string
	Library      Digest // of functions.sh
	MinFrom      string // "" for none
	OnDowngrade  OnDowngrade
	FreshUnless  []string
	Keep         Keep
	OnCorrupt    OnCorrupt
	FailureState FailureState
	Gone         []Gone      // by ID
	Migrations   []Migration // in the order in which they run
}

// Gone is a migration that an earlier manifest had and this bundle has not:
// it is retired, superseded, dropped, or its package is no longer installed.
type Gone struct {
	ID         ID
	Since      string
	Digest     Digest
	Supersedes []ID
}

// A Migration is one of a bundle. Its Since is always set.
type Migration struct {
	ID     ID
	File   string // the script's name in the bundle
	Digest Digest // of the script
	Header
}

// FileName is the name in a bundle of count migrations of the one at index
// (from 0): numbers step by 10, all of one width, at least 4.
func FileName(index, count int, id ID) string {
	number := strconv.Itoa(10 * (index + 1))
	width := len(strconv.Itoa(10 * count))
	if width < 4 {
		width = 4
	}
	for len(number) < width {
		number = "0" + number
	}
	return number + "-" + string(id)
}

// An Index finds a manifest's migrations by ID. It is made once and does not
// follow later changes of the manifest.
type Index struct {
	manifest *Manifest
	position map[ID]int
	gone     map[ID]int
	by       map[ID]ID // superseded -> the one that supersedes it
}

// Index makes the index of m, in time linear in its size.
func (m *Manifest) Index() *Index {
	x := &Index{m, map[ID]int{}, map[ID]int{}, map[ID]ID{}}
	for i := range m.Migrations {
		x.position[m.Migrations[i].ID] = i
		for _, old := range m.Migrations[i].Supersedes {
			x.by[old] = m.Migrations[i].ID
		}
	}
	for i := range m.Gone {
		x.gone[m.Gone[i].ID] = i
		for _, old := range m.Gone[i].Supersedes {
			x.by[old] = m.Gone[i].ID
		}
	}
	return x
}

// Position returns the place in the order of a migration of the bundle.
func (x *Index) Position(id ID) (int, bool) {
	i, ok := x.position[id]
	return i, ok
}

// Gone returns the line of id among those that are gone, or nil.
func (x *Index) Gone(id ID) *Gone {
	if i, ok := x.gone[id]; ok {
		return &x.manifest.Gone[i]
	}
	return nil
}

// Resolve follows id to the one that stands for it: itself, or what
// supersedes it, or what supersedes that, and so on.
func (x *Index) Resolve(id ID) ID {
	for {
		next, ok := x.by[id]
		if !ok {
			return id
		}
		id = next
	}
}

// Known says whether the manifest names id at all: in the bundle, gone, or
// superseded by one of either.
func (x *Index) Known(id ID) bool {
	_, in := x.position[id]
	_, gone := x.gone[id]
	_, superseded := x.by[id]
	return in || gone || superseded
}

// Superseded returns all that id supersedes directly, whether id is in the
// bundle or gone.
func (x *Index) Superseded(id ID) []ID {
	if i, ok := x.position[id]; ok {
		return x.manifest.Migrations[i].Supersedes
	}
	if g := x.Gone(id); g != nil {
		return g.Supersedes
	}
	return nil
}

// AllSuperseded returns all that id supersedes, chains included, each once.
func (x *Index) AllSuperseded(id ID) []ID {
	all := append([]ID(nil), x.Superseded(id)...)
	for i := 0; i < len(all); i++ {
		all = append(all, x.Superseded(all[i])...)
	}
	return all
}

// Retired says whether id is gone because of Min-From: every device that may
// upgrade to this bundle has it. What a migration with `Fresh: run`
// supersedes is not: a fresh device has to run that one, whatever Min-From.
func (x *Index) Retired(id ID) bool {
	g := x.Gone(id)
	if g == nil || x.manifest.MinFrom == "" || CompareReleases(g.Since, x.manifest.MinFrom) > 0 {
		return false
	}
	place, in := x.position[x.Resolve(id)]
	return !in || x.manifest.Migrations[place].Fresh != RunFresh
}
