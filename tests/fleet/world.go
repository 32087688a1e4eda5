// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package fleet

import (
	"fmt"
	"math/rand"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
)

// A script is what a migration does when it is run.
type script struct {
	fails   bool // always, until a later release repairs it
	flaky   int  // percent of attempts that fail
	notNow  int  // percent of attempts that exit 75
	deadly  int  // percent of attempts that take the power down
	deviate bool // leaves a part of its effect behind when it fails
}

// A release is an image: its bundle and what its scripts do.
type release struct {
	name    string
	bundle  *engine.Bundle
	scripts map[bundle.Digest]script
}

// A world is the releases of one product, each made from the one before as
// mkmigrations does with --previous.
type world struct {
	random   *rand.Rand
	releases []*release
	number   int // of the next migration
	text     int // of the next script's text
}

func newWorld(random *rand.Rand) *world {
	w := &world{random: random}
	policy := bundle.Manifest{
		Library: bundle.Sum([]byte("library")),
		Keep:    pick(random, bundle.KeepNone, bundle.KeepGood), OnDowngrade: pick(random, bundle.Tolerate, bundle.Tolerate, bundle.Refuse),
	}
	if random.Intn(2) == 0 {
		policy.FreshUnless = []string{"/data/used"}
	}
	previous := &release{bundle: engine.NewBundle(&policy, ""), scripts: map[bundle.Digest]script{}}
	for n := 2 + random.Intn(4); n > 0; n-- {
		previous = w.next(previous)
		w.releases = append(w.releases, previous)
	}
	return w
}

func pick[T any](random *rand.Rand, choices ...T) T { return choices[random.Intn(len(choices))] }

func (w *world) chance(percent int) bool { return w.random.Intn(100) < percent }

// next makes the release that follows.
func (w *world) next(before *release) *release {
	r := &release{name: fmt.Sprintf("%d.0", len(w.releases)+1), scripts: map[bundle.Digest]script{}}
	for d, s := range before.scripts {
		r.scripts[d] = s
	}
	m := *before.bundle.Manifest
	m.Release = r.name
	m.Migrations = append([]bundle.Migration(nil), m.Migrations...)
	m.Gone = append([]bundle.Gone(nil), m.Gone...)
	w.repair(&m, r)
	w.retire(&m)
	if w.chance(25) {
		w.squash(&m, r)
	}
	if w.chance(10) && len(m.Migrations) > 0 {
		w.drop(&m, w.random.Intn(len(m.Migrations)))
	}
	for n := w.random.Intn(4); n > 0; n-- {
		m.Migrations = append(m.Migrations, w.migration(&m, r))
	}
	for i := range m.Migrations {
		m.Migrations[i].File = bundle.FileName(i, len(m.Migrations), m.Migrations[i].ID)
	}
	sortGone(&m)
	if err := m.Check(); err != nil {
		panic(fmt.Sprintf("the world is wrong: %v\n%s", err, m.Bytes()))
	}
	r.bundle = engine.NewBundle(&m, bundle.Sum(m.Bytes()))
	return r
}

func (w *world) newScript(r *release, s script) bundle.Digest {
	w.text++
	d := bundle.Sum([]byte(fmt.Sprint("text ", w.text)))
	r.scripts[d] = s
	return d
}

// migration makes a new one, behind all there are.
func (w *world) migration(m *bundle.Manifest, r *release) bundle.Migration {
	w.number++
	// Names fall, so that the order of names is never that of the bundle.
	one := bundle.Migration{ID: bundle.ID(fmt.Sprintf("r%c:m%03d", 'z'-rune(w.random.Intn(20)), 999-w.number))}
	one.Since = r.name
	if m.Keep == bundle.KeepGood || w.chance(60) {
		for _, p := range []string{"/p/a", "/p/b", "/p/c"} {
			if w.chance(40) {
				one.Paths = append(one.Paths, p)
			}
		}
		// One of its own, by which its effect is seen.
		one.Paths = append(one.Paths, "/own/"+string(one.ID))
	}
	one.Attempts = 1 + w.random.Intn(3)
	one.OneWay = w.chance(5)
	if w.chance(30) {
		one.OnFailure = bundle.Continue
	}
	if w.chance(10) {
		one.Fresh = bundle.RunFresh
	}
	for i := range m.Migrations {
		if w.chance(15) {
			one.Requires = append(one.Requires, m.Migrations[i].ID)
		}
	}
	one.Digest = w.newScript(r, script{fails: w.chance(10), flaky: pick(w.random, 0, 0, 0, 30), notNow: pick(w.random, 0, 0, 0, 30),
		deadly: pick(w.random, 0, 0, 0, 0, 20), deviate: w.chance(50)})
	return one
}

// repair replaces texts that fail, and now and then others.
func (w *world) repair(m *bundle.Manifest, r *release) {
	for i := range m.Migrations {
		s := r.scripts[m.Migrations[i].Digest]
		if s.fails || s.deadly > 0 || w.chance(3) {
			m.Migrations[i].Revises = append(m.Migrations[i].Revises[:len(m.Migrations[i].Revises):len(m.Migrations[i].Revises)], m.Migrations[i].Digest)
			m.Migrations[i].Digest = w.newScript(r, script{flaky: s.flaky, deviate: s.deviate})
		}
	}
}

// retire sets or raises Min-From, if the product has one.
func (w *world) retire(m *bundle.Manifest) {
	if len(m.FreshUnless) == 0 || len(w.releases) < 2 || !w.chance(20) {
		return
	}
	from := w.releases[w.random.Intn(len(w.releases))].name
	if m.MinFrom != "" && bundle.CompareReleases(from, m.MinFrom) < 0 {
		return
	}
	m.MinFrom = from
	for i := len(m.Migrations) - 1; i >= 0; i-- {
		one := &m.Migrations[i]
		if one.Fresh != bundle.RunFresh && bundle.CompareReleases(one.Since, from) <= 0 {
			w.drop(m, i)
		}
	}
}

// drop moves the migration at place i to those that are gone.
func (w *world) drop(m *bundle.Manifest, i int) {
	one := m.Migrations[i]
	m.Migrations = append(m.Migrations[:i:i], m.Migrations[i+1:]...)
	m.Gone = append(m.Gone, bundle.Gone{ID: one.ID, Since: one.Since, Digest: one.Digest, Supersedes: one.Supersedes})
}

// squash replaces up to three migrations by one at the place of the first,
// where what they require allows it.
func (w *world) squash(m *bundle.Manifest, r *release) {
	if len(m.Migrations) == 0 {
		return
	}
	first := w.random.Intn(len(m.Migrations))
	last := min(len(m.Migrations)-1, first+w.random.Intn(3))
	x := m.Index()
	one := w.migration(&bundle.Manifest{Keep: bundle.KeepGood}, r)
	for i := first; i <= last; i++ {
		one.Supersedes = append(one.Supersedes, m.Migrations[i].ID)
		one.OneWay = one.OneWay || m.Migrations[i].OneWay
		for _, id := range m.Migrations[i].Requires {
			if place, in := x.Position(x.Resolve(id)); in && place < first {
				one.Requires = appendOnce(one.Requires, id)
			}
		}
	}
	for i := last; i >= first; i-- {
		w.drop(m, i)
	}
	m.Migrations = append(m.Migrations[:first:first], append([]bundle.Migration{one}, m.Migrations[first:]...)...)
}

func appendOnce(ids []bundle.ID, id bundle.ID) []bundle.ID {
	for _, i := range ids {
		if i == id {
			return ids
		}
	}
	return append(ids, id)
}
