// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"meta-migration/tests/packages"
)

// A feed is the packages of one format, in directories that add up: the first
// holds 50, the first two 500, then 5,000 and 10,000.
type feed struct {
	format string
	parts  []string
	counts []int // of packages in the parts up to this one
}

var makers = map[string]func(string, packages.Compression, ...packages.Package) ([]string, error){
	"ipk": packages.MakeIpk, "deb": packages.MakeDeb, "rpm": packages.MakeRpm,
}

// announcing is how many packages of each part hold a migration: 100 of the
// first 5,000.
var announcing = []int{10, 40, 50, 0}

// feed makes the packages of a format, once. They are packed as oe-core packs
// them: ipk and rpm by zstd level 3, deb by xz. A few hundred are made by the
// formats' own tools and then copied by other names: none of what is measured
// looks at two packages together.
func (b *bench) feed(format string) (*feed, error) {
	if f := b.feeds[format]; f != nil {
		return f, nil
	}
	dir := filepath.Join(b.dir, "feed-"+format)
	f := &feed{format: format, counts: []int{50, 500, 5000, 10000}}
	if b.quick {
		f.counts = []int{50, 500}
	}
	pool, err := b.make(format, filepath.Join(dir, "pool"), b.contents(b.pick(200, 40)))
	if err != nil {
		return nil, err
	}
	have := 0
	for i, count := range f.counts {
		part := filepath.Join(dir, fmt.Sprint("part", i))
		f.parts = append(f.parts, part)
		if _, err := b.make(format, part, migrationPackages(i, announcing[i])); err != nil {
			return nil, err
		}
		for n := have + announcing[i]; n < count; n++ {
			from := pool[n%len(pool)]
			if err := copyFile(from, filepath.Join(part, fmt.Sprintf("%05d-%s", n, filepath.Base(from))), 0o644); err != nil {
				return nil, err
			}
		}
		have = count
	}
	b.feeds[format] = f
	return f, nil
}

func (b *bench) make(format, dir string, pkgs []packages.Package) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil || len(pkgs) == 0 {
		return nil, err
	}
	return makers[format](dir, packages.Default, pkgs...)
}

func migrationPackages(part, n int) []packages.Package {
	pkgs := make([]packages.Package, n)
	for i := range pkgs {
		recipe := fmt.Sprintf("recipe-%d-%d", part, i)
		pkgs[i] = packages.Migration(recipe, "1.0-r0", packages.Snippet(recipe, "step", "#!/bin/sh\necho "+recipe+"\n"))
	}
	return pkgs
}

// contents returns n packages: some of Debian, the others made up.
func (b *bench) contents(n int) []packages.Package {
	pkgs := b.debian(n / 10)
	random := rand.New(rand.NewSource(1))
	for i := len(pkgs); i < n; i++ {
		pkgs = append(pkgs, madeUp(random, i))
	}
	return pkgs
}

// madeUp makes a package whose size is spread as those of an image are: a
// median of some 16 KB packed, one in ten ten times as large. Half of its
// bits are noise, so that it packs as programs do.
func madeUp(random *rand.Rand, i int) packages.Package {
	name := fmt.Sprintf("library%d", i)
	p := packages.Package{
		Name: name, Recipe: fmt.Sprintf("library%d", i/4), Arch: "all",
		Provides: []string{fmt.Sprintf("virtual-%s (= 1.%d)", name, i), fmt.Sprintf("%s-common", name)},
		Fields: []string{"Homepage: https://www.example.com/" + name, "License: MIT & BSD-3-Clause",
			"Depends: libc6 (>= 2.39), libgcc1 (>= 13.3.0), update-alternatives-opkg"},
	}
	p.Provides = p.Provides[1:]
	size := min(32<<10*math.Exp(1.5*random.NormFloat64()), 8<<20)
	files := 1 + int(size/(24<<10))
	for k := range files {
		p.Files = append(p.Files, packages.File{
			Path: fmt.Sprintf("/usr/lib/%s/part%d.so", name, k), Data: noise(random, int(size)/files),
		})
	}
	return p
}

// noise is text of hexadecimal digits.
func noise(random *rand.Rand, n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%016x", random.Uint64())
	}
	return b.String()[:n]
}

// upTo returns the directories that hold the first n packages.
func (f *feed) upTo(n int) []string {
	for i, count := range f.counts {
		if count >= n {
			return f.parts[:i+1]
		}
	}
	return f.parts
}

// files lists the packages of the directories.
func files(dirs []string) ([]string, error) {
	var all []string
	for _, dir := range dirs {
		found, err := filepath.Glob(filepath.Join(dir, "*.*"))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}
