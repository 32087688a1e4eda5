// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const migrationsTitle = "Migrations that do nothing, with durable records"

// migrations compares the runner, which records each migration durably, with
// shells that record nothing.
func (b *bench) migrations() error {
	counts := []int{1, 10, 100, 1000}
	if b.quick {
		counts = []int{100}
	}
	for _, n := range counts {
		tmpfs, err := b.mountTmpfs(fmt.Sprintf("tmpfs%d", n))
		if err == nil {
			err = b.migrationsOn(tmpfs, n)
		}
		if err != nil {
			b.skip(fmt.Sprintf("%d migrations on tmpfs", n), err)
		}
		if b.quick {
			continue
		}
		ext4, err := b.mountExt4(fmt.Sprintf("ext4-%d", n), 256)
		if err == nil {
			err = b.migrationsOn(ext4, n)
		}
		if err != nil {
			b.skip(fmt.Sprintf("%d migrations on ext4", n), err)
		}
	}
	return nil
}

func (b *bench) migrationsOn(m *mount, n int) error {
	defer m.umount()
	d, err := b.newDevice(m.dir, n, false)
	if err != nil {
		return err
	}
	ours := d.runner().candidate("runner")
	ours.prepare = d.forget
	loop := d.shell("for f in /peer/*; do sh \"$f\"; done").candidate("`for f; do sh $f; done`")
	parts := command{args: []string{"/bin/busybox", "run-parts", "/peer"}, root: d.root, env: deviceEnv}.candidate("run-parts")
	// A thousand take minutes on a disk.
	rounds := map[int]int{1: 60, 10: 30, 100: b.rounds, 1000: 3}[n]
	if err := interleave(rounds, ours, loop, parts); err != nil {
		return err
	}
	var l limits
	if n == 100 && m.kind == "tmpfs" {
		l = limits{1.5, 1.2}
	}
	t := b.report.comparison(migrationsTitle)
	what := fmt.Sprintf("%d on %s", n, m.kind)
	if b.quick {
		b.report.compare(t, what+": processor time", ours.cpu, loop.name, loop.cpu, seconds, limits{1.5, 0})
		return nil
	}
	b.report.compare(t, what, ours.wall, loop.name, loop.wall, seconds, l)
	b.report.compare(t, what, ours.wall, parts.name, parts.wall, seconds, limits{})
	return nil
}

const flushesTitle = "Flushes of one migration on ext4"

// flushes counts what one more migration costs: the difference between 110
// and 10 of them.
func (b *bench) flushes() error {
	for _, c := range []struct {
		what  string
		paths bool
	}{{"without Paths", false}, {"with Paths: one file saved, changed", true}} {
		few, err := b.countFlushes(10, c.paths)
		if err != nil {
			b.skip(flushesTitle, err)
			return nil
		}
		many, err := b.countFlushes(110, c.paths)
		if err != nil {
			return err
		}
		each := func(name string) float64 { return float64(many[name]-few[name]) / 100 }
		l := limits{4, 2}
		if c.paths {
			l = limits{}
		}
		t := b.report.comparison(flushesTitle)
		b.report.figure(t, c.what+": fdatasync of the ledger", each("fdatasync"), count, l)
		b.report.figure(t, c.what+": fsync (the save, directories)", each("fsync"), count, limits{})
		b.report.figure(t, c.what+": syncfs (what the script wrote)", each("syncfs"), count, limits{})
		b.report.figure(t, c.what+": flushes that the disk saw", each("disk"), count, limits{})
	}
	return nil
}

// countFlushes counts system calls and the device's flushes of a run.
func (b *bench) countFlushes(n int, paths bool) (map[string]int, error) {
	strace, err := tool("strace")
	if err != nil {
		return nil, err
	}
	m, err := b.mountExt4(fmt.Sprintf("flush%d-%v", n, paths), 256)
	if err != nil {
		return nil, err
	}
	defer m.umount()
	d, err := b.newDevice(m.dir, n, paths)
	if err != nil {
		return nil, err
	}
	log := filepath.Join(b.dir, "strace.log")
	if out, err := exec.Command("sync", "-f", m.dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("sync: %w: %s", err, out)
	}
	before, err := m.flushes()
	if err != nil {
		return nil, err
	}
	trace := command{args: []string{strace, "-f", "-qq", "-o", log, "-e", "trace=fsync,fdatasync,syncfs,sync,sync_file_range",
		"chroot", d.root, "/usr/sbin/migrate-runner", "run", "--allow-volatile"}, env: append([]string{"PATH=" + os.Getenv("PATH")}, "LC_ALL=C")}
	if _, err := trace.run(); err != nil {
		return nil, err
	}
	after, err := m.flushes()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(log)
	if err != nil {
		return nil, err
	}
	counted := map[string]int{"disk": after - before}
	for _, call := range []string{"fsync", "fdatasync", "syncfs", "sync"} {
		counted[call] = strings.Count(string(data), " "+call+"(")
	}
	return counted, nil
}
