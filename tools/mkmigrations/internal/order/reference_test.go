// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package order

import (
	"fmt"
	"math/rand"
	"reflect"
	"testing"

	"meta-migration/internal/bundle"
)

// naive orders by the rule as it is written, with an edge for every pair and
// a search of all for every step. ok is false where there is a fault.
func naive(m *bundle.Manifest) (list []bundle.ID, ok bool) {
	n := len(m.Migrations)
	x := m.Index()
	base := make([]string, n)
	for i := range m.Migrations {
		base[i] = m.Migrations[i].Since
		for _, id := range x.AllSuperseded(m.Migrations[i].ID) {
			if g := x.Gone(id); g != nil && bundle.CompareReleases(g.Since, base[i]) < 0 {
				base[i] = g.Since
			}
		}
	}
	before := naiveEdges(m, x, base)
	position := append([]string(nil), base...)
	// Each round may move one along a path; n rounds reach all.
	for round := 0; round <= n; round++ {
		for b := range m.Migrations {
			for a := range m.Migrations {
				if !before[a][b] || bundle.CompareReleases(position[a], position[b]) <= 0 {
					continue
				}
				one := m.Migrations[b]
				if len(one.Supersedes) == 0 || bundle.CompareReleases(position[a], one.Since) > 0 {
					return nil, false
				}
				position[b] = position[a]
			}
		}
	}
	placed := make([]bool, n)
	for len(list) < n {
		best := -1
		for b := range m.Migrations {
			free := !placed[b]
			for a := range m.Migrations {
				free = free && (placed[a] || !before[a][b])
			}
			if !free {
				continue
			}
			if best < 0 || less(m, position, b, best) {
				best = b
			}
		}
		if best < 0 {
			return nil, false
		}
		placed[best] = true
		list = append(list, m.Migrations[best].ID)
	}
	return list, true
}

func less(m *bundle.Manifest, position []string, a, b int) bool {
	if c := bundle.CompareReleases(position[a], position[b]); c != 0 {
		return c < 0
	}
	return m.Migrations[a].ID < m.Migrations[b].ID
}

func naiveEdges(m *bundle.Manifest, x *bundle.Index, base []string) [][]bool {
	n := len(m.Migrations)
	before := make([][]bool, n)
	for i := range before {
		before[i] = make([]bool, n)
	}
	reaches := func(i int, ref string, j int, older bool) bool {
		if bundle.CheckID(ref) == nil {
			direct := m.Migrations[j].ID == bundle.ID(ref)
			return direct || i != j && x.Resolve(bundle.ID(ref)) == m.Migrations[j].ID
		}
		c := bundle.CompareReleases(base[j], base[i])
		return i != j && m.Migrations[j].ID.Recipe() == ref && (c == 0 || older && c < 0)
	}
	for i := range m.Migrations {
		for j := range m.Migrations {
			for _, ref := range m.Migrations[i].After {
				before[j][i] = before[j][i] || reaches(i, ref, j, true)
			}
			for _, ref := range m.Migrations[i].Before {
				before[i][j] = before[i][j] || reaches(i, ref, j, false)
			}
			for _, id := range m.Migrations[i].Requires {
				before[j][i] = before[j][i] || x.Resolve(id) == m.Migrations[j].ID
			}
		}
	}
	return before
}

// random makes a manifest of up to n migrations of a few recipes and
// releases, with few enough references that most have no circle.
func random(r *rand.Rand, n int) *bundle.Manifest {
	m := &bundle.Manifest{}
	id := func(i int) bundle.ID { return bundle.ID(fmt.Sprintf("%c:m%d", 'a'+i%4, i*7%97)) }
	superseded := 0
	for i := 0; i < 1+r.Intn(n); i++ {
		one := bundle.Migration{ID: id(i)}
		one.Since = fmt.Sprint(1 + r.Intn(3))
		ref := func() string {
			if r.Intn(2) == 0 {
				return string(rune('a' + r.Intn(4)))
			}
			return string(id(r.Intn(n)))
		}
		switch r.Intn(9) {
		case 0:
			one.After = []string{ref()}
		case 1:
			one.Before = []string{ref()}
		case 2:
			one.Requires = []bundle.ID{id(r.Intn(n))}
		case 3:
			old := bundle.ID(fmt.Sprintf("o:m%d", superseded))
			superseded++
			one.Supersedes = []bundle.ID{old}
			m.Gone = append(m.Gone, bundle.Gone{ID: old, Since: "1"})
			if r.Intn(2) == 0 {
				one.After = []string{ref()}
			}
		case 4:
			one.After = []string{fmt.Sprintf("o:m%d", r.Intn(3))}
		}
		m.Migrations = append(m.Migrations, one)
	}
	return m
}

func shuffled(r *rand.Rand, m *bundle.Manifest) *bundle.Manifest {
	c := *m
	c.Migrations = append([]bundle.Migration(nil), m.Migrations...)
	r.Shuffle(len(c.Migrations), func(i, j int) { c.Migrations[i], c.Migrations[j] = c.Migrations[j], c.Migrations[i] })
	return &c
}

// checkProperties holds what must be true of any manifest: the naive
// reference agrees, the order of the input does not matter, and every edge is
// respected. It reports whether there was an order.
func checkProperties(t *testing.T, r *rand.Rand, m *bundle.Manifest) bool {
	t.Helper()
	want, ok := naive(m)
	o, err := Sort(m)
	if ok != (err == nil) {
		t.Fatalf("reference says %v, Sort says %v for %+v", ok, err, m)
	}
	other := shuffled(r, m)
	p, again := Sort(other)
	if fmt.Sprint(err) != fmt.Sprint(again) {
		t.Fatalf("the order of the input changes the error:\n%v\n%v", err, again)
	}
	if err != nil {
		return false
	}
	if got := placedIDs(m, o); !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %v\nwant %v\nfor %+v", got, want, m)
	}
	if got := placedIDs(other, p); !reflect.DeepEqual(got, want) {
		t.Fatalf("the order of the input changes the result: %v, %v", got, want)
	}
	checkBehind(t, m, o)
	return true
}

func placedIDs(m *bundle.Manifest, o *Order) []bundle.ID {
	var list []bundle.ID
	for _, place := range o.Places {
		list = append(list, m.Migrations[place].ID)
	}
	return list
}

// checkBehind compares Behind with the closure of the naive edges.
func checkBehind(t *testing.T, m *bundle.Manifest, o *Order) {
	t.Helper()
	x := m.Index()
	base := make([]string, len(m.Migrations))
	for i := range m.Migrations {
		it := item{Migration: &m.Migrations[i]}
		base[i] = (&graph{index: x}).base(&it)
	}
	path := naiveEdges(m, x, base)
	for k := range path {
		for i := range path {
			for j := range path {
				path[i][j] = path[i][j] || path[i][k] && path[k][j]
			}
		}
	}
	for i := range path {
		for j := range path {
			if o.Behind(i).Has(j) != path[i][j] {
				t.Fatalf("Behind(%s).Has(%s) is %v in %+v", m.Migrations[i].ID, m.Migrations[j].ID, !path[i][j], m)
			}
		}
	}
}

func TestAgainstReference(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	good := 0
	const rounds = 4000
	for i := 0; i < rounds; i++ {
		if checkProperties(t, r, random(r, 12)) {
			good++
		}
	}
	if good < rounds/4 || good > rounds*9/10 {
		t.Errorf("%d of %d had an order: the generator tests one side only", good, rounds)
	}
}

func FuzzSort(f *testing.F) {
	for seed := int64(0); seed < 20; seed++ {
		f.Add(seed, uint8(seed*3))
	}
	f.Fuzz(func(t *testing.T, seed int64, n uint8) {
		r := rand.New(rand.NewSource(seed))
		checkProperties(t, r, random(r, 1+int(n)%24))
	})
}

// large has n migrations of 100 recipes and 10 releases, each with a
// reference to a recipe, to its own, and to the one before it.
func large(n int) *bundle.Manifest {
	m := &bundle.Manifest{}
	id := func(i int) bundle.ID { return bundle.ID(fmt.Sprintf("r%02d:m%d", i%100, i)) }
	for i := 0; i < n; i++ {
		one := bundle.Migration{ID: id(i)}
		one.Since = fmt.Sprint(1 + i*10/n)
		one.After = []string{fmt.Sprintf("r%02d", i%50)}
		if i%100 >= 50 && i > 100 {
			one.Requires = []bundle.ID{id(i - 100)}
		} else {
			one.After = nil
		}
		m.Migrations = append(m.Migrations, one)
	}
	return shuffled(rand.New(rand.NewSource(7)), m)
}

// The worst case for a recipe's name: one recipe, and all of another one
// after all of it, and before all of it.
func dense(n int) *bundle.Manifest {
	m := &bundle.Manifest{}
	for i := 0; i < n; i++ {
		one := bundle.Migration{ID: bundle.ID(fmt.Sprintf("b:m%d", i))}
		one.Since = "1"
		if i%2 == 0 {
			one.ID = bundle.ID(fmt.Sprintf("a:m%d", i))
			one.After = []string{"b"}
		}
		m.Migrations = append(m.Migrations, one)
	}
	return m
}

func benchmark(b *testing.B, m *bundle.Manifest) {
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		o, err := Sort(m)
		if err != nil || len(o.Places) != len(m.Migrations) {
			b.Fatal(err)
		}
	}
}

func BenchmarkSort1000(b *testing.B)   { benchmark(b, large(1000)) }
func BenchmarkSort10000(b *testing.B)  { benchmark(b, large(10000)) }
func BenchmarkDense1000(b *testing.B)  { benchmark(b, dense(1000)) }
func BenchmarkDense10000(b *testing.B) { benchmark(b, dense(10000)) }

// Everyone after everyone else is the largest circle there can be, without
// an edge for each of its hundred million pairs.
func BenchmarkCircle10000(b *testing.B) {
	m := &bundle.Manifest{}
	for i := 0; i < 10000; i++ {
		one := bundle.Migration{ID: bundle.ID(fmt.Sprintf("a:m%d", i))}
		one.Since, one.After, one.Before = "1", []string{"a"}, []string{"a"}
		m.Migrations = append(m.Migrations, one)
	}
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, err := Sort(m); err == nil {
			b.Fatal("no error")
		}
	}
}
