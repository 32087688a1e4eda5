// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const memoryTitle = "Memory of `mkmigrations build` (peak)"

var memoryLimits = limits{64 << 20, 32 << 20}

// memory measures builds over feeds, and over one large package.
func (b *bench) memory() error {
	t := b.report.comparison(memoryTitle)
	for _, format := range []string{"rpm", "deb", "ipk"} {
		f, err := b.feed(format)
		if err != nil {
			b.skip(memoryTitle+" of "+format, err)
			continue
		}
		for i, n := range f.counts {
			most, err := b.buildOf(f.parts[:i+1]).peak()
			if err != nil {
				return err
			}
			b.report.figure(t, fmt.Sprintf("%d %s", n, format), float64(most), bytes2, memoryLimits)
		}
	}
	return b.largest()
}

const largestTitle = "Cost against the size of the largest package"

// largest measures one package beside nothing else: passed over, as nearly
// all are, and opened by --thorough.
func (b *bench) largest() error {
	t := b.report.table(largestTitle, "package of", "time", "memory", "time with --thorough", "memory with --thorough", "must", "")
	sizes := []int64{1 << 10, 1 << 20, 32 << 20, 1 << 30}
	if b.quick {
		sizes = sizes[:3]
	}
	for _, size := range sizes {
		dir := filepath.Join(b.dir, "large")
		file := filepath.Join(dir, "large.ipk")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := writeIpk(file, size, false, false); err != nil {
			return err
		}
		quiet, thorough := b.buildOf([]string{dir}), b.buildOf([]string{dir}, "--thorough")
		one, other := quiet.candidate(""), thorough.candidate("")
		if err := interleave(3, one, other); err != nil {
			return err
		}
		memory, err := quiet.peak()
		if err != nil {
			return err
		}
		opened, err := thorough.peak()
		if err != nil {
			return err
		}
		t.add(bytes2.text(float64(size)), seconds.text(one.wall.median()), bytes2.text(float64(memory)),
			seconds.text(other.wall.median()), bytes2.text(float64(opened)), bytes2.text(memoryLimits.must), memoryLimits.verdict(float64(max(memory, opened))))
		if float64(max(memory, opened)) > memoryLimits.must {
			b.report.faults = append(b.report.faults, fmt.Sprintf("a package of %d bytes takes %s", size, bytes2.text(float64(max(memory, opened)))))
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// hostile measures a package that announces migrations and unpacks to many
// gigabytes. The fuzz tests and hostile suites have many more of them.
func (b *bench) hostile() error {
	dir := filepath.Join(b.dir, "bomb")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// A tenth of it is refused already.
	if err := writeIpk(filepath.Join(dir, "bomb.ipk"), int64(b.pick(16<<30, 1<<30)), true, true); err != nil {
		return err
	}
	bomb := b.buildOf([]string{dir})
	bomb.ok = func(code int) bool { return code == 1 }
	c := bomb.candidate("")
	if err := interleave(3, c); err != nil {
		return err
	}
	memory, err := bomb.peak()
	if err != nil {
		return err
	}
	t := b.report.comparison("A hostile package")
	what := fmt.Sprintf("announces, and unpacks to %s", bytes2.text(float64(b.pick(16<<30, 1<<30))))
	b.report.figure(t, what+": memory", float64(memory), bytes2, limits{64 << 20, 0})
	b.report.figure(t, what+": time", c.wall.median(), seconds, limits{2, 0})
	return nil
}
