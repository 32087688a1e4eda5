// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/order"
)

// A world is a product over several releases: what its recipes ship now, and
// the manifests so far.
type world struct {
	t        *testing.T
	r        *rand.Rand
	scripts  map[string]string // ID -> text
	previous []*previous
	serial   int
}

// change lets time pass: migrations come, are squashed, renamed or edited,
// and some vanish, so that some releases are refused.
func (w *world) change() {
	for i := 0; i < 1+w.r.Intn(3); i++ {
		w.serial++
		id := fmt.Sprintf("%c:m%d", 'a'+w.r.Intn(4), w.serial)
		var lines []string
		for _, field := range []string{"After", "Before", "Supersedes", "Requires"} {
			if other := w.any(); other != "" && w.r.Intn(5) == 0 {
				lines = append(lines, "# "+field+": "+other)
				if field == "Supersedes" && w.r.Intn(4) > 0 {
					delete(w.scripts, other)
				}
			}
		}
		if w.r.Intn(6) == 0 {
			lines = append(lines, "# Fresh: run")
		}
		w.scripts[id] = "#!/bin/sh\n" + block(lines) + "true " + fmt.Sprint(w.serial) + "\n"
	}
	if id := w.any(); w.r.Intn(12) == 0 {
		delete(w.scripts, id)
	}
	if id := w.any(); id != "" && w.r.Intn(20) == 0 {
		w.scripts[id] += "# edited\n"
	}
}

func block(lines []string) string {
	if lines == nil {
		return ""
	}
	return "### BEGIN MIGRATION INFO\n" + strings.Join(lines, "\n") + "\n### END MIGRATION INFO\n"
}

// any picks an ID, now and then one of the past.
func (w *world) any() string {
	var ids []string
	for id := range w.scripts {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return ""
	}
	// A map's order would make the seed useless.
	smallest := ids[0]
	pick := fmt.Sprint(w.r.Intn(1e6))
	for _, id := range ids {
		if a, b := bundle.Sum([]byte(id+pick)), bundle.Sum([]byte(smallest+pick)); a < b {
			smallest = id
		}
	}
	return smallest
}

func (w *world) input() *input {
	in := &input{previous: w.previous, library: []byte("# library\n")}
	for id, text := range w.scripts {
		recipe, name, _ := strings.Cut(id, ":")
		c, err := newCandidate(recipe, name, "s/"+recipe+"/"+name, nil, []byte(text))
		if err != nil {
			w.t.Fatal(err)
		}
		in.candidates = append(in.candidates, c)
	}
	sortCandidates(in.candidates)
	return in
}

// make is a build without reading and writing. It returns nil where the
// release is refused.
func makeManifest(o *Options, in *input) (*bundle.Manifest, []byte, Faults) {
	r := &report{}
	o.check(r)
	p, whole := makePlan(o, in, r)
	if !whole {
		return nil, nil, r.errors
	}
	tree := p.finish()
	if len(r.errors) > 0 {
		return nil, nil, r.errors
	}
	for _, f := range tree {
		if f.path == "etc/migration.d/manifest" {
			m, err := bundle.ParseManifest("manifest", f.data)
			if err != nil {
				return nil, nil, faults(err)
			}
			return m, f.data, nil
		}
	}
	return nil, nil, nil
}

// TestReleases plays the life of many products and holds after each release
// what must be true of every manifest.
func TestReleases(t *testing.T) {
	built, refused := 0, 0
	for seed := int64(0); seed < 150; seed++ {
		w := &world{t: t, r: rand.New(rand.NewSource(seed)), scripts: map[string]string{}}
		for release := 1; release <= 8; release++ {
			before := copyOf(w.scripts)
			w.change()
			o := &Options{Release: fmt.Sprintf("%d.0", release)}
			if release > 5 && w.r.Intn(2) == 0 {
				o.MinFrom, o.FreshUnless = fmt.Sprintf("%d.0", release-4), []string{"/etc/used"}
			}
			m, text, errs := makeManifest(o, w.input())
			if m == nil {
				if len(errs) == 0 {
					t.Fatalf("seed %d, release %d: neither a manifest nor a fault", seed, release)
				}
				refused++
				w.scripts = before // the maker takes it back
				continue
			}
			built++
			checkManifest(t, w, o, m, text)
			w.previous = append(w.previous, &previous{"previous", m, bundle.Sum(text)})
		}
	}
	t.Logf("%d built, %d refused", built, refused)
	if built < 300 || refused < 100 {
		t.Error("the product's life tests one side only")
	}
}

func copyOf(m map[string]string) map[string]string {
	c := map[string]string{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

func checkManifest(t *testing.T, w *world, o *Options, m *bundle.Manifest, text []byte) {
	t.Helper()
	if !bytes.Equal(m.Bytes(), text) {
		t.Fatalf("writing and parsing differ:\n%s\n%s", text, m.Bytes())
	}
	x := m.Index()
	for _, p := range w.previous {
		for i := range p.manifest.Migrations {
			checkKept(t, x, p.manifest.Migrations[i].ID, p.manifest.Migrations[i].Since)
		}
		for _, g := range p.manifest.Gone {
			checkKept(t, x, g.ID, g.Since)
		}
	}
	sorted, err := order.Sort(m)
	if err != nil {
		t.Fatal(err)
	}
	for place, from := range sorted.Places {
		if place != from {
			t.Fatalf("the order found from the manifest alone is another one:\n%s", text)
		}
	}
	// Two builds of one input, the second with its manifests turned round.
	in := w.input()
	for i, j := 0, len(in.previous)-1; i < j; i, j = i+1, j-1 {
		in.previous = append([]*previous(nil), in.previous...)
		in.previous[i], in.previous[j] = in.previous[j], in.previous[i]
	}
	if _, again, _ := makeManifest(o, in); !bytes.Equal(again, text) {
		t.Fatalf("a second build differs:\n%s\n%s", text, again)
	}
}

// checkKept: no released ID is ever forgotten, nor its release.
func checkKept(t *testing.T, x *bundle.Index, id bundle.ID, since string) {
	t.Helper()
	_, in := x.Position(id)
	gone := x.Gone(id)
	if in == (gone != nil) {
		t.Fatalf("%s is in the bundle: %v, gone: %v", id, in, gone != nil)
	}
	if gone != nil && gone.Since != since {
		t.Fatalf("%s is of release %s, was of %s", id, gone.Since, since)
	}
}

// TestBuildIsVerified: what Build writes, Verify and ParseManifest accept.
func TestBuildIsVerified(t *testing.T) {
	top := t.TempDir()
	built := 0
	for seed := int64(0); seed < 12; seed++ {
		w := &world{t: t, r: rand.New(rand.NewSource(seed)), scripts: map[string]string{}}
		dir := filepath.Join(top, fmt.Sprint("s", seed))
		for i := 0; i < 4; i++ {
			w.change()
		}
		for id, text := range w.scripts {
			path := filepath.Join(dir, strings.Replace(id, ":", "/", 1))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(top, "out")
		_, err := Build(context.Background(), Options{Snippets: []string{dir}, Release: "1.0"}, out, time.Unix(0, 0))
		if err != nil {
			t.Logf("seed %d: %v", seed, err)
			continue
		}
		built++
		if err := Verify(out); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if _, _, err := Load(out); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	// Some of what chance makes has faults.
	if built < 6 {
		t.Errorf("%d of 12 were built", built)
	}
}
