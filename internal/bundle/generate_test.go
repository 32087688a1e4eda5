// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

import (
	"math/rand"
	"strconv"
)

// randomManifest makes a valid manifest of up to a dozen migrations.
func randomManifest(random *rand.Rand) *Manifest {
	g := generator{random}
	m := &Manifest{
		Release: g.release(), Library: g.digest(), OnDowngrade: either(g, "", Refuse), Keep: either(g, "", KeepGood),
		OnCorrupt: either(g, "", Rerun), FailureState: either(g, "", Emergency, Reboot), FreshUnless: g.paths(),
	}
	if g.chance() {
		m.MinFrom = g.release()
	}
	free := g.ids(4 * random.Intn(4)) // to be superseded, each once
	take := func() (ids []ID) {
		for len(free) > 0 && random.Intn(3) == 0 {
			ids, free = append(ids, free[0]), free[1:]
		}
		return ids
	}
	for i := 0; i < random.Intn(5); i++ {
		id := ID("gone:" + strconv.Itoa(1000+i))
		m.Gone = append(m.Gone, Gone{ID: id, Since: g.release(), Digest: g.digest(), Supersedes: take()})
	}
	count := random.Intn(12)
	for i := 0; i < count; i++ {
		one := Migration{ID: ID(g.word() + ":n" + strconv.Itoa(i)), Digest: g.digest(), Header: g.header()}
		one.File = FileName(i, count, one.ID)
		one.Supersedes = take()
		if i > 0 && g.chance() {
			one.Requires = []ID{m.Migrations[random.Intn(i)].ID}
		}
		if len(m.Gone) > 0 && g.chance() {
			one.Requires = append(one.Requires, m.Gone[random.Intn(len(m.Gone))].ID)
		}
		m.Migrations = append(m.Migrations, one)
	}
	return m
}

type generator struct{ *rand.Rand }

func (g generator) chance() bool { return g.Intn(2) == 0 }

func either[T any](g generator, words ...T) T { return words[g.Intn(len(words))] }

func (g generator) word() string { return either(g, "a", "base-passwd", "gtk+3", "x.y", "0") }

func (g generator) release() string {
	return either(g, "1", "2.9.1~rc1", "2024.04", "a^b", "1_2+3") + "." + strconv.Itoa(g.Intn(9))
}

func (g generator) digest() Digest { return Sum([]byte{byte(g.Int())}) }

func (g generator) ids(n int) (ids []ID) {
	for i := 0; i < n; i++ {
		ids = append(ids, ID("old:"+strconv.Itoa(i)))
	}
	return ids
}

func (g generator) paths() (paths []string) {
	for i := 0; i < g.Intn(4); i++ {
		paths = append(paths, "/etc/"+g.word()+"/ü"+strconv.Itoa(i))
	}
	return paths
}

func (g generator) header() Header {
	h := Header{
		Since: g.release(), Paths: g.paths(), Timeout: g.Intn(3) * 60, Attempts: g.Intn(3), OneWay: g.chance(),
		OnFailure: either(g, "", Continue), Fresh: either(g, "", RunFresh), Description: either(g, "", "x", "Größe: 1", "a  b"),
	}
	if g.chance() {
		h.After, h.Before = []string{g.word(), "a:b"}, []string{"z:" + strconv.Itoa(g.Intn(9))}
		h.Packages, h.Revises = []string{"Lib_x", "y"}, []Digest{g.digest()}
	}
	return h
}
