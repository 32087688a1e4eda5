// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

const packagesTitle = "`mkmigrations build`"

// packages compares a build with the floor, with rpm's own query, and with
// shell loops over the formats' tools.
func (b *bench) packages() error {
	for _, format := range []string{"rpm", "deb", "ipk"} {
		f, err := b.feed(format)
		if err != nil {
			b.skip(packagesTitle+" of "+format, err)
			continue
		}
		if err := b.packagesOf(f); err != nil {
			return err
		}
	}
	return nil
}

// buildOf is a build over directories of packages. The bundle is written to a
// tmpfs where there is one: the peers write nothing.
func (b *bench) buildOf(dirs []string, flags ...string) command {
	if b.out == nil {
		m, err := b.mountTmpfs("out")
		if err != nil {
			b.skip("writing bundles to a tmpfs", err)
		}
		b.out = m
	}
	args := []string{b.program("mkmigrations"), "build", "--release", "1.0", "--output", filepath.Join(b.dir, "out", "bundle")}
	args = append(args, flags...)
	for _, dir := range dirs {
		args = append(args, "--packages", dir)
	}
	return command{args: args, env: deviceEnv}
}

func (b *bench) packagesOf(f *feed) error {
	n := b.pick(5000, 500)
	dirs := f.upTo(n)
	ours := b.buildOf(dirs).candidate("build")
	floor := command{args: append([]string{b.self, floorFlag}, dirs...)}.candidate("open, stat, read 64 KiB of each")
	all := []*candidate{ours, floor}
	var query *candidate
	if f.format == "rpm" {
		var err error
		if query, err = rpmQuery(dirs); err != nil {
			b.skip("rpm -qp", err)
		} else {
			all = append(all, query)
		}
	}
	if err := interleave(b.rounds, all...); err != nil {
		return err
	}
	t := b.report.comparison(packagesTitle)
	what := fmt.Sprintf("%d %s, %d with migrations", n, f.format, migrationsIn(len(dirs)))
	byTime, byProcessor := limits{1, 1.0 / 3}, limits{}
	if b.quick {
		// What a build costs however few the packages are weighs more here.
		byTime, byProcessor = limits{}, limits{2.5, 0}
	}
	b.report.compare(t, what, ours.wall, floor.name, floor.wall, seconds, limits{0, 2})
	b.report.compare(t, what+": processor time", ours.cpu, floor.name, floor.cpu, seconds, limits{})
	if query != nil {
		b.report.compare(t, what, ours.wall, query.name, query.wall, seconds, byTime)
		b.report.compare(t, what+": processor time", ours.cpu, query.name, query.cpu, seconds, byProcessor)
	}
	return b.loops(t, f, ours, what, n)
}

func migrationsIn(parts int) int {
	n := 0
	for _, a := range announcing[:parts] {
		n += a
	}
	return n
}

// rpmQuery is one process that asks all rpms what the build wants to know.
func rpmQuery(dirs []string) (*candidate, error) {
	rpm, err := tool("rpm")
	if err != nil {
		return nil, err
	}
	all, err := files(dirs)
	if err != nil {
		return nil, err
	}
	args := append([]string{rpm, "-qp", "--qf", "%{NAME} %{EVR} %{ARCH} %{SOURCERPM} [%{PROVIDENAME} ]\n"}, all...)
	return command{args: args, env: []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=/"}}.candidate("one `rpm -qp --qf`"), nil
}

// loops are what users have today, over a sample: a process or more for each
// package. Their time is scaled to the whole feed.
func (b *bench) loops(t *table, f *feed, ours *candidate, what string, n int) error {
	all, err := files(f.upTo(n))
	if err != nil {
		return err
	}
	sample := all[:0:0]
	count := b.pick(100, 20)
	for i := 0; i < len(all); i += len(all) / count {
		sample = append(sample, all[i])
	}
	for _, l := range []struct {
		format, name, script string
		limits
	}{
		{"deb", "a loop of `dpkg-deb -f`", `for f; do dpkg-deb -f "$f" Package Version Provides; done`, limits{0.01, 0}},
		{"deb", "a loop of `dpkg-deb --fsys-tarfile` and tar", `for f; do dpkg-deb --fsys-tarfile "$f" | tar -t; done`, limits{}},
		{"ipk", "a loop of `ar p`, zstd and tar", `for f; do ar p "$f" control.tar.zst | zstd -dc | tar -xO ./control; done`, limits{0.01, 0}},
		{"rpm", "a loop of `rpm2cpio` and cpio", `for f; do rpm2cpio "$f" | cpio -t --quiet; done`, limits{}},
	} {
		if l.format != f.format {
			continue
		}
		needed := strings.Fields(map[string]string{"deb": "dpkg-deb tar", "ipk": "ar zstd tar", "rpm": "rpm2cpio cpio"}[l.format])
		if err := haveTools(needed); err != nil {
			b.skip(l.name, err)
			continue
		}
		loop := command{args: append([]string{"/bin/sh", "-c", l.script, "sh"}, sample...), env: []string{"PATH=/usr/bin:/bin:/usr/sbin", "LC_ALL=C"}}.candidate(l.name)
		again := &candidate{name: ours.name, run: ours.run}
		if err := interleave(b.pick(5, 3), again, loop); err != nil {
			return err
		}
		scale := float64(len(all)) / float64(len(sample))
		if b.quick && l.must > 0 {
			l.limits = limits{0.05, 0}
		}
		b.report.compare(t, what, again.wall, fmt.Sprintf("%s (%d packages, scaled)", l.name, len(sample)), loop.wall.times(scale), seconds, l.limits)
	}
	return nil
}

func haveTools(names []string) error {
	for _, name := range names {
		if _, err := tool(name); err != nil {
			return err
		}
	}
	return nil
}
