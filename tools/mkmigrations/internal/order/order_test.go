// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package order

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
)

// parse makes a manifest of lines `ID since [Field: value; …]`, and of lines
// `gone ID since [IDs]`.
func parse(t testing.TB, lines ...string) *bundle.Manifest {
	t.Helper()
	m := &bundle.Manifest{}
	for _, line := range lines {
		words := strings.Fields(line)
		if words[0] == "gone" {
			g := bundle.Gone{ID: bundle.ID(words[1]), Since: words[2]}
			for _, id := range words[3:] {
				g.Supersedes = append(g.Supersedes, bundle.ID(id))
			}
			m.Gone = append(m.Gone, g)
			continue
		}
		one := bundle.Migration{ID: bundle.ID(words[0])}
		one.Since = words[1]
		for _, field := range strings.Split(strings.Join(words[2:], " "), ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(field), ":")
			refs := strings.Fields(value)
			switch name {
			case "":
			case "After":
				one.After = refs
			case "Before":
				one.Before = refs
			case "Requires":
				one.Requires = ids(refs)
			case "Supersedes":
				one.Supersedes = ids(refs)
			default:
				t.Fatalf("bad field %q in %q", name, line)
			}
		}
		m.Migrations = append(m.Migrations, one)
	}
	return m
}

func ids(words []string) []bundle.ID {
	var list []bundle.ID
	for _, w := range words {
		list = append(list, bundle.ID(w))
	}
	return list
}

func sortedIDs(m *bundle.Manifest, o *Order) string {
	var list []string
	for _, place := range o.Places {
		list = append(list, string(m.Migrations[place].ID))
	}
	return strings.Join(list, " ")
}

func TestSort(t *testing.T) {
	for _, test := range []struct {
		name string
		in   []string
		want string
	}{
		{"nothing", nil, ""},
		{"byte order where nothing is said", []string{"b:x 1", "a:z 1", "a:y 1", "a.b:x 1"}, "a.b:x a:y a:z b:x"},
		{"earlier releases first", []string{"a:a 10", "b:b 9", "c:c 1.0~rc1", "d:d 1.0"}, "c:c d:d b:b a:a"},
		{"releases that compare equal are one", []string{"b:b 1+2", "a:a 1_2"}, "a:a b:b"},
		{"After", []string{"a:last 1 After: z:first", "z:first 1"}, "z:first a:last"},
		{"Before", []string{"a:last 1", "z:first 1 Before: a:last"}, "z:first a:last"},
		{"Requires", []string{"a:last 1 Requires: z:first", "z:first 1"}, "z:first a:last"},
		{"smallest of those that are ready", []string{"a:a 1 After: y:y", "b:b 1", "y:y 1", "z:z 1"}, "b:b y:y a:a z:z"},
		{"After an earlier release", []string{"a:a 2 After: z:z", "z:z 1"}, "z:z a:a"},
		{"After a recipe", []string{"a:a 1 After: z", "z:1 1", "z:2 1", "zz:3 1"}, "z:1 z:2 a:a zz:3"},
		{"After a recipe reaches no later release", []string{"a:a 1 After: z", "z:1 1", "z:2 2"}, "z:1 a:a z:2"},
		{"After a recipe that has only later ones", []string{"a:a 1 After: z", "z:2 2"}, "a:a z:2"},
		{"Before a recipe", []string{"a:1 1", "a:2 1", "z:z 1 Before: a"}, "z:z a:1 a:2"},
		{"Before a recipe reaches one release only", []string{"a:1 1", "a:2 2", "z:z 2 Before: a"}, "a:1 z:z a:2"},
		{"Before a recipe that has only earlier ones", []string{"a:1 1", "z:z 2 Before: a"}, "a:1 z:z"},
		{"After the own recipe", []string{"a:1 1 After: a", "a:2 1", "a:3 1"}, "a:2 a:3 a:1"},
		{"Before the own recipe", []string{"a:1 1", "a:2 1", "a:3 1 Before: a"}, "a:3 a:1 a:2"},
		{"both in the own recipe, in the middle", []string{"a:1 1", "a:2 1 After: a", "a:3 1"}, "a:1 a:3 a:2"},
		{"the own recipe alone", []string{"a:1 1 After: a; Before: a"}, "a:1"},
		{"unknown and gone give no edge", []string{"a:a 1 After: x:x y:y nobody; Before: x:x", "gone x:x 1"}, "a:a"},
		{"a superseded one means the other", []string{"a:a 1 After: o:o", "z:new 1 Supersedes: o:o"}, "z:new a:a"},
		{"chains of superseding", []string{"a:a 3 After: o:o", "z:new 3 Supersedes: m:m", "gone m:m 3 o:o", "gone o:o 3"}, "z:new a:a"},
		{"superseding stands at the earliest", []string{"a:a 2", "z:squash 3 Supersedes: o:o", "gone o:o 1"}, "z:squash a:a"},
		{"earliest through a chain", []string{"a:a 2", "z:squash 4 Supersedes: m:m", "gone m:m 3 o:o", "gone o:o 1"}, "z:squash a:a"},
		{"superseding moves behind what it follows", []string{"a:a 2", "b:b 3", "z:squash 4 Supersedes: o:o; After: b:b", "gone o:o 1"}, "a:a b:b z:squash"},
		{"it moves only as far as it must", []string{"a:a 2", "z:squash 4 Supersedes: o:o; After: a:a", "gone o:o 1", "b:b 3"}, "a:a z:squash b:b"},
		{"and takes others that supersede along", []string{"a:a 2", "b:s 4 Supersedes: o:1; After: z:s", "z:s 4 Supersedes: o:2; After: a:a", "gone o:1 1", "gone o:2 1"}, "a:a z:s b:s"},
		{"After a recipe compares bases", []string{"a:a 2 After: z", "z:squash 3 Supersedes: o:o", "gone o:o 2"}, "z:squash a:a"},
		{"it may name what it supersedes", []string{"a:s 2 Supersedes: o:o; After: o:o; Before: o:o", "gone o:o 1"}, "a:s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := parse(t, test.in...)
			o, err := Sort(m)
			if err != nil {
				t.Fatal(err)
			}
			if got := sortedIDs(m, o); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestSortFaults(t *testing.T) {
	for _, test := range []struct {
		name string
		in   []string
		want []string // error, hint, error, hint, …
	}{
		{"a cycle of two", []string{"b:merge 1 After: a:split", "a:split 1 After: b:merge"}, []string{
			`cycle: "a:split" -> "b:merge" -> "a:split"`,
			`drop one of these: "b:merge" says After: a:split; "a:split" says After: b:merge`,
		}},
		{"all three fields", []string{"c:c 1 After: b:b", "b:b 1 Requires: a:a", "c:d 1 Before: a:a; After: c:c", "a:a 1"}, []string{
			`cycle: "a:a" -> "b:b" -> "c:c" -> "c:d" -> "a:a"`,
			`drop one of these: "b:b" says Requires: a:a; "c:c" says After: b:b; "c:d" says After: c:c; "c:d" says Before: a:a`,
		}},
		{"itself", []string{"a:a 1 After: a:a", "b:b 1 Requires: b:b", "c:c 1 Before: c:c"}, []string{
			`cycle: "a:a" -> "a:a"`, `drop one of these: "a:a" says After: a:a`,
			`cycle: "b:b" -> "b:b"`, `drop one of these: "b:b" says Requires: b:b`,
			`cycle: "c:c" -> "c:c"`, `drop one of these: "c:c" says Before: c:c`,
		}},
		{"it requires what it supersedes", []string{"a:s 1 Requires: o:o; Supersedes: o:o"}, []string{
			`cycle: "a:s" -> "a:s"`, `drop one of these: "a:s" says Requires: o:o, which "a:s" supersedes`,
		}},
		{"through recipes' names", []string{"a:1 1", "a:2 1 After: b", "b:1 1 After: a"}, []string{
			`cycle: "a:2" -> "b:1" -> "a:2"`, `drop one of these: "b:1" says After: a; "a:2" says After: b`,
		}},
		{"Before both ways", []string{"a:1 1 Before: b", "b:1 1 Before: a"}, []string{
			`cycle: "a:1" -> "b:1" -> "a:1"`, `drop one of these: "a:1" says Before: b; "b:1" says Before: a`,
		}},
		{"two of a recipe after all of it", []string{"a:1 1 After: a", "a:2 1 After: a", "a:3 1"}, []string{
			`cycle: "a:1" -> "a:2" -> "a:1"`, `drop one of these: "a:2" says After: a; "a:1" says After: a`,
		}},
		{"each component once", []string{"a:a 1 After: b:b", "b:b 1 After: a:a c:c", "c:c 1 After: a:a", "x:x 1 After: y:y", "y:y 1 After: x:x", "z:waits 1 After: y:y"}, []string{
			`cycle: "a:a" -> "b:b" -> "a:a"`, `drop one of these: "b:b" says After: a:a; "a:a" says After: b:b`,
			`cycle: "x:x" -> "y:y" -> "x:x"`, `drop one of these: "y:y" says After: x:x; "x:x" says After: y:y`,
		}},
		{"by superseding", []string{"a:s 1 Supersedes: o:1 o:2", "m:m 1 After: o:1; Before: o:2"}, []string{
			`cycle: "a:s" -> "m:m" -> "a:s"`,
			`drop one of these: "m:m" says After: o:1, which "a:s" supersedes; "m:m" says Before: o:2, which "a:s" supersedes`,
		}},
		{"older after newer", []string{"a:old 1.0 After: b:new", "b:new 2.0"}, []string{
			`"a:old" of release 1.0 must follow "b:new" of release 2.0: "a:old" says After: b:new`,
			`earlier releases run first: drop After in "a:old"`,
		}},
		{"newer before older", []string{"a:old 1.0", "b:new 2.0 Before: a:old"}, []string{
			`"a:old" of release 1.0 must follow "b:new" of release 2.0: "b:new" says Before: a:old`,
			`earlier releases run first: drop Before in "b:new"`,
		}},
		{"older requires newer", []string{"a:old 1.0 Requires: b:new", "b:new 2.0"}, []string{
			`"a:old" of release 1.0 must follow "b:new" of release 2.0: "a:old" says Requires: b:new`,
			`earlier releases run first: drop Requires in "a:old"`,
		}},
		{"superseding moves to its own release at most", []string{"a:s 2 Supersedes: o:o; After: b:b", "b:b 3", "gone o:o 1"}, []string{
			`"a:s" of release 2 must follow "b:b" of release 3: "a:s" says After: b:b`,
			`earlier releases run first: drop After in "a:s"`,
		}},
		{"an older one waits for what has moved", []string{"b:b 2", "s:s 3 Supersedes: o:o; After: b:b", "a:a 1 After: s", "gone o:o 1"}, []string{
			`"a:a" of release 1 must follow "s:s" of release 2: "a:a" says After: s`,
			`earlier releases run first: drop After in "a:a"`,
		}},
		{"a recipe's members follow what has moved", []string{"b:b 2", "s:s 3 Supersedes: o:o; After: b:b; Before: a", "a:a 1", "a:b 1", "gone o:o 1"}, []string{
			`"a:a" of release 1 must follow "s:s" of release 2: "s:s" says Before: a`,
			`earlier releases run first: drop Before in "s:s"`,
			`"a:b" of release 1 must follow "s:s" of release 2: "s:s" says Before: a`,
			`earlier releases run first: drop Before in "s:s"`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Sort(parse(t, test.in...))
			var list Errors
			if !errors.As(err, &list) {
				t.Fatalf("no Errors: %v", err)
			}
			var got []string
			for _, e := range list {
				got = append(got, e.Error(), e.(interface{ Hint() string }).Hint())
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// A ring of any length is printed whole, from its smallest ID on.
func TestCycleWhole(t *testing.T) {
	const n = 50
	name := func(i int) string { return "r:" + string(rune('a'+(i*7)%n/26)) + string(rune('a'+(i*7)%n%26)) }
	var lines []string
	for i := 0; i < n; i++ {
		lines = append(lines, name(i)+" 1 After: "+name((i+n-1)%n))
	}
	_, err := Sort(parse(t, lines...))
	var cycle *CycleError
	if !errors.As(err, &cycle) {
		t.Fatal(err)
	}
	if len(cycle.IDs) != n || len(cycle.Reasons) != n || cycle.IDs[0] != "r:aa" || strings.Count(cycle.Error(), " -> ") != n {
		t.Errorf("%d IDs, %d reasons: %v", len(cycle.IDs), len(cycle.Reasons), cycle)
	}
	for i, r := range cycle.Reasons {
		if r.ID != cycle.IDs[(i+1)%n] || r.Ref != string(cycle.IDs[i]) {
			t.Errorf("step %d: %v does not lead from %q", i, r, cycle.IDs[i])
		}
	}
}

func TestUnknown(t *testing.T) {
	m := parse(t, "a:a 1 After: b:tpyo other:x gone:x b c; Before: b:nix; Requires: b:req", "b:typo 1", "gone gone:x 1", "gone:y 1")
	o, err := Sort(m)
	if err != nil {
		t.Fatal(err)
	}
	want := []Reason{{"a:a", "After", "b:tpyo", ""}, {"a:a", "Before", "b:nix", ""}}
	if !reflect.DeepEqual(o.Unknown, want) {
		t.Errorf("got %v, want %v", o.Unknown, want)
	}
}

func TestBehind(t *testing.T) {
	m := parse(t, "a:1 1", "a:2 1", "b:1 1 After: a", "c:1 1 After: b:1", "d:1 1", "e:1 2 Requires: d:1")
	o, err := Sort(m)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for a := range m.Migrations {
		for b := range m.Migrations {
			if o.Behind(a).Has(b) {
				got = append(got, string(m.Migrations[a].ID+"<"+m.Migrations[b].ID))
			}
		}
	}
	want := "a:1<b:1 a:1<c:1 a:2<b:1 a:2<c:1 b:1<c:1 d:1<e:1"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if !o.SamePosition(0, 4) || o.SamePosition(4, 5) {
		t.Error("SamePosition does not tell releases apart")
	}
}
