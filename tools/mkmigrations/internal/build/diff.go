// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"fmt"
	"sort"
	"strings"

	"meta-migration/internal/bundle"
)

// A Change is a field that two manifests state differently; "" is not stated.
type Change struct{ Field, Old, New string }

// A Removed is a migration that the new manifest has not, and why.
type Removed struct {
	ID     bundle.ID
	Reason string
}

// A Changed is a migration that both have and that is not the same.
type Changed struct {
	ID     bundle.ID
	Fields []Change
}

// A Reordered is a migration that stands elsewhere, seen from most of those
// that both manifests have. Old and New are the names of its script.
type Reordered struct {
	ID       bundle.ID
	Old, New string
}

// A Difference is what is not the same in two manifests. Lists of the new
// manifest's migrations are in its order.
type Difference struct {
	Bundle    []Change // fields of the first stanza
	Added     []bundle.ID
	Removed   []Removed // in the order of the old manifest
	Changed   []Changed
	Reordered []Reordered
}

// Diff compares two manifests. Numbers in file names do not count: a
// migration is reordered only where it stands elsewhere among the others.
func Diff(old, new *bundle.Manifest) *Difference {
	was, is := old.Index(), new.Index()
	d := &Difference{Bundle: compareFields(bundleFields(old), bundleFields(new))}
	for i := range old.Migrations {
		if id := old.Migrations[i].ID; !inBundle(is, id) {
			d.Removed = append(d.Removed, Removed{id, reasonGone(new, is, id)})
		}
	}
	var before []int // where the common ones stood
	var common []*bundle.Migration
	for i := range new.Migrations {
		one := &new.Migrations[i]
		place, ok := was.Position(one.ID)
		if !ok {
			d.Added = append(d.Added, one.ID)
			continue
		}
		before, common = append(before, place), append(common, one)
		if changes := compareFields(migrationFields(&old.Migrations[place]), migrationFields(one)); changes != nil {
			d.Changed = append(d.Changed, Changed{one.ID, changes})
		}
	}
	kept := longestRise(before)
	for i, one := range common {
		if !kept[i] {
			d.Reordered = append(d.Reordered, Reordered{one.ID, old.Migrations[before[i]].File, one.File})
		}
	}
	return d
}

// Empty says that there is none.
func (d *Difference) Empty() bool {
	return len(d.Bundle)+len(d.Added)+len(d.Removed)+len(d.Changed)+len(d.Reordered) == 0
}

func inBundle(x *bundle.Index, id bundle.ID) bool {
	_, in := x.Position(id)
	return in
}

func reasonGone(m *bundle.Manifest, x *bundle.Index, id bundle.ID) string {
	switch by := x.Resolve(id); {
	case by != id:
		return fmt.Sprintf("superseded by %q", by)
	case x.Gone(id) == nil:
		return "not even gone: the manifest does not know it"
	case x.Retired(id):
		return "retired by Min-From " + m.MinFrom
	}
	return "dropped, or its package is not installed"
}

// bundleFields and migrationFields read the fields out of what the format's
// own writer makes of them, so that no field can be forgotten here.
func bundleFields(m *bundle.Manifest) map[string]string {
	first := *m
	first.Migrations, first.Gone = nil, nil
	fields := map[string]string{}
	for _, line := range lines(string(first.Bytes())) {
		name, value, _ := strings.Cut(line, ": ")
		fields[name] = value
	}
	return fields
}

func migrationFields(one *bundle.Migration) map[string]string {
	fields := map[string]string{"Digest": string(one.Digest)}
	for _, line := range lines(bundle.FormatHeader(&one.Header)) {
		if name, value, ok := strings.Cut(strings.TrimPrefix(line, "# "), ": "); ok {
			fields[name] = value
		}
	}
	return fields
}

func compareFields(old, new map[string]string) []Change {
	var changes []Change
	for name, value := range old {
		if new[name] != value {
			changes = append(changes, Change{name, value, new[name]})
		}
	}
	for name, value := range new {
		if _, both := old[name]; !both {
			changes = append(changes, Change{name, "", value})
		}
	}
	sort.Slice(changes, func(i, j int) bool { return changes[i].Field < changes[j].Field })
	return changes
}

// longestRise marks a longest rising subsequence by patience sorting
// (Fredman, Discrete Mathematics 11, 1975). What is outside of it has moved.
func longestRise(list []int) []bool {
	var ends []int // ends[n]: index of the smallest end of a rise of n+1
	from := make([]int, len(list))
	for i, v := range list {
		n := sort.Search(len(ends), func(k int) bool { return list[ends[k]] >= v })
		from[i] = -1
		if n > 0 {
			from[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	in := make([]bool, len(list))
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = from[i] {
			in[i] = true
		}
	}
	return in
}
