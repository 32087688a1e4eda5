// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// made is a manifest of a few words: "b>a" supersedes a, "b!a" requires a,
// a word behind "|" is gone, in its order.
func made(text string) *Manifest {
	m := &Manifest{Release: "9", Library: d1}
	list, gone, _ := strings.Cut(text, "|")
	words := strings.Fields(list)
	read := func(word string) (h Header, id ID) {
		id = ID(word)
		if i := strings.IndexAny(word, ">!"); i >= 0 {
			id = ID(word[:i])
			for _, part := range strings.Split(strings.NewReplacer(">", " >", "!", " !").Replace(word[i:]), " ")[1:] {
				if part[0] == '>' {
					h.Supersedes = append(h.Supersedes, ID("r:"+part[1:]))
				} else {
					h.Requires = append(h.Requires, ID("r:"+part[1:]))
				}
			}
		}
		h.Since = "1"
		return h, "r:" + id
	}
	for i, word := range words {
		h, id := read(word)
		m.Migrations = append(m.Migrations, Migration{ID: id, File: FileName(i, len(words), id), Digest: d1, Header: h})
	}
	for _, word := range strings.Fields(gone) {
		h, id := read(word)
		m.Gone = append(m.Gone, Gone{ID: id, Since: "1", Digest: d1, Supersedes: h.Supersedes})
	}
	return m
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ manifest, fault string }{
		{"", ""},
		{"c a b", ""},
		{"c a!c b!a!c", ""},
		{"c>x a!x", ""},
		{"c>x | x>y y>z", ""},
		{"c>x a!z | x>y y>z", ""},
		{"a!x | x", ""},
		{"a!y | x>y", ""},
		{"a>x>y b>z", ""},

		{"a b a", `migration stands twice: "r:a"`},
		{"a | a", `migration stands twice: "r:a"`},
		{"a | b b", `migration stands twice: "r:b"`},
		{"a | c b", `Gone is not sorted at "r:b"`},
		{"a>x b>x", `"r:x" is superseded by "r:a" and by "r:b"`},
		{"a>x | b>x", `"r:x" is superseded by "r:a" and by "r:b"`},
		{"a>b b", `"r:b" is in the bundle and superseded by "r:a"`},
		{"a>a", `"r:a" is in the bundle and superseded by "r:a"`},
		{"a | b>a", `"r:a" is in the bundle and superseded by "r:b"`},
		{"a | b>b", `"r:b" supersedes itself`},
		{"a | b>c c>d d>b", `"r:c" supersedes itself`},
		{"a | a1>b b>c c>d d>c", `"r:c" is superseded by "r:b" and by "r:d"`},
		{"a!b b", `"r:a" requires "r:b", which does not stand before it`},
		{"a!a", `"r:a" requires "r:a", which does not stand before it`},
		{"a!x b>x", `"r:a" requires "r:x", which does not stand before it`},
		{"a!x", `"r:a" requires "r:x", which is not in the bundle`},
		{"a!z b>y | x", `"r:a" requires "r:z", which is not in the bundle`},
	} {
		m := made(c.manifest)
		want := c.fault
		if want != "" {
			want = "manifest: " + want
		}
		if got := text(m.Check()); got != want {
			t.Errorf("%s: Check() = %s, want %s", c.manifest, got, want)
		}
		_, err := ParseManifest("manifest", m.Bytes())
		if got := text(err); got != want {
			t.Errorf("%s: ParseManifest: %s, want %s", c.manifest, got, want)
		}
	}
}

func TestIndex(t *testing.T) {
	m := made("a c>x>y b>v | t>q v>u w x>t>s")
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	x := m.Index()
	for _, c := range []struct {
		id, resolved, all string
		place             int // -1 for one that is not in the bundle
		gone, known       bool
	}{
		{"a", "a", "", 0, false, true},
		{"c", "c", "x y t s q", 1, false, true},
		{"x", "c", "t s q", -1, true, true},
		{"y", "c", "", -1, false, true},
		{"t", "c", "q", -1, true, true},
		{"s", "c", "", -1, false, true},
		{"q", "c", "", -1, false, true},
		{"b", "b", "v u", 2, false, true},
		{"u", "b", "", -1, false, true},
		{"w", "w", "", -1, true, true},
		{"nobody", "nobody", "", -1, false, false},
	} {
		id := ID("r:" + c.id)
		if got := x.Resolve(id); got != ID("r:"+c.resolved) {
			t.Errorf("Resolve(%s) = %s, want %s", id, got, c.resolved)
		}
		var all []ID
		for _, s := range strings.Fields(c.all) {
			all = append(all, ID("r:"+s))
		}
		if got := x.AllSuperseded(id); !reflect.DeepEqual(got, all) {
			t.Errorf("AllSuperseded(%s) = %s, want %s", id, got, all)
		}
		place, in := x.Position(id)
		if in != (c.place >= 0) || in && place != c.place {
			t.Errorf("Position(%s) = %d, %v", id, place, in)
		}
		if g := x.Gone(id); (g != nil) != c.gone || g != nil && g.ID != id {
			t.Errorf("Gone(%s) = %v", id, g)
		}
		if x.Known(id) != c.known {
			t.Errorf("Known(%s) = %v", id, !c.known)
		}
	}
}

// The answer belongs to the caller: appending to it must not change the
// manifest.
func TestAllSupersededIsACopy(t *testing.T) {
	m := made("c>x>y | x>t")
	m.Migrations[0].Supersedes = append(make([]ID, 0, 9), m.Migrations[0].Supersedes...)
	before := string(m.Bytes())
	all := append(m.Index().AllSuperseded("r:c"), "r:more")
	all[0] = "r:other"
	if string(m.Bytes()) != before || len(m.Migrations[0].Supersedes[:3][2]) != 0 {
		t.Errorf("the manifest changed to\n%s", m.Bytes())
	}
}

func TestRetired(t *testing.T) {
	m := made("a c>x | old x young")
	m.MinFrom = "2.0"
	m.Gone[0].Since, m.Gone[1].Since, m.Gone[2].Since = "2.0", "1.9", "2.1"
	m.Migrations[0].Since = "1.0"
	for id, want := range map[ID]bool{
		"r:old": true, "r:young": false, "r:a": false, "r:c": false, "r:x": true, "r:nobody": false,
	} {
		if got := m.Index().Retired(id); got != want {
			t.Errorf("Retired(%s) = %v, want %v", id, got, want)
		}
	}
	m.MinFrom = ""
	if m.Index().Retired("r:old") {
		t.Error("without Min-From something is retired")
	}
}

// A migration that runs on fresh devices too stays in the bundle whatever
// Min-From says; so what it supersedes says nothing about a fresh device.
func TestRetiredNotBehindFreshRun(t *testing.T) {
	m := made("c>x | old x>y y")
	m.MinFrom = "2.0"
	m.Migrations[0].Fresh = RunFresh
	for id, want := range map[ID]bool{"r:x": false, "r:y": false, "r:old": true} {
		if got := m.Index().Retired(id); got != want {
			t.Errorf("Retired(%s) = %v, want %v", id, got, want)
		}
	}
}

// big has n migrations, n that are gone, and one chain through all of the
// latter.
func big(n int) *Manifest {
	m := &Manifest{Release: "9", Library: d1}
	for i := 0; i < n; i++ {
		id := ID(fmt.Sprintf("recipe-%d:split-users", i))
		h := Header{Since: "2.9", Paths: []string{"/etc/passwd", "/etc/group"}, Description: "Move the daemons to their own users"}
		if i > 0 {
			h.Requires = []ID{m.Migrations[i-1].ID}
		} else {
			h.Supersedes = []ID{"gone:0000000"}
		}
		m.Migrations = append(m.Migrations, Migration{ID: id, File: FileName(i, n, id), Digest: d1, Header: h})
		g := Gone{ID: ID(fmt.Sprintf("gone:%07d", i)), Since: "1", Digest: d2}
		if i < n-1 {
			g.Supersedes = []ID{ID(fmt.Sprintf("gone:%07d", i+1))}
		}
		m.Gone = append(m.Gone, g)
	}
	return m
}

func BenchmarkManifest(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		m := big(n)
		data := m.Bytes()
		b.Run(fmt.Sprintf("parse-%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				if _, err := ParseManifest("manifest", data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("check-%d", n), func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				if err := m.Check(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("index-%d", n), func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				x := m.Index()
				if len(x.AllSuperseded(m.Migrations[0].ID)) != n || x.Resolve("gone:0000000") == "" {
					b.Fatal("wrong index")
				}
			}
		})
		b.Run(fmt.Sprintf("write-%d", n), func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				m.Bytes()
			}
		})
	}
}
