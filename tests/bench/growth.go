// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// growth measures cost against number: of packages, of migrations and of
// events.
func (b *bench) growth() error {
	for _, grow := range []func() error{b.packageGrowth, b.migrationGrowth, b.ledgerGrowth} {
		if err := grow(); err != nil {
			return err
		}
	}
	return nil
}

// steps adds a row a step: the time, that for one, and how it grew.
func (b *bench) steps(t *table, format string, counts []int, at func(i int) *candidate, judge limits) error {
	all := make([]*candidate, len(counts))
	for i := range counts {
		all[i] = at(i)
	}
	if err := interleave(b.pick(7, 3), all...); err != nil {
		return err
	}
	for i, c := range all {
		growth := ""
		if i > 0 {
			// How the time grew, as a power of how the number grew.
			growth = fmt.Sprintf("%.0fx the number, %.1fx the time", float64(counts[i])/float64(counts[i-1]),
				c.wall.over(all[i-1].wall).median())
		}
		verdict := ""
		if i == len(all)-1 {
			verdict = judge.verdict(c.wall.median())
		}
		t.add(fmt.Sprintf("%d %s", counts[i], format), seconds.spread(c.wall),
			seconds.text(c.wall.median()/float64(counts[i])), growth, verdict)
	}
	return nil
}

var growthHead = []string{"what", "time (10–90 %)", "for one", "growth", ""}

func (b *bench) packageGrowth() error {
	t := b.report.table("Cost against the number of packages", growthHead...)
	for _, format := range []string{"rpm", "deb", "ipk"} {
		f, err := b.feed(format)
		if err != nil {
			b.skip("growth of "+format, err)
			continue
		}
		err = b.steps(t, format, f.counts, func(i int) *candidate { return b.buildOf(f.parts[:i+1]).candidate("") }, limits{})
		if err != nil {
			return err
		}
	}
	return nil
}

// migrationGrowth builds bundles of more and more migrations: order, checks,
// manifest, and all files written and synced; and lets the runner read them.
func (b *bench) migrationGrowth() error {
	counts := []int{10, 100, 1000, 10000}
	t := b.report.table("Cost against the number of migrations (must: 10,000 under 1 s)", growthHead...)
	at := func(i int) string { return filepath.Join(b.dir, fmt.Sprint("snippets", counts[i])) }
	for i, n := range counts {
		for k := range n {
			text := "#!/bin/sh\n:\n"
			if k > 0 && k%3 == 0 {
				text = fmt.Sprintf("#!/bin/sh\n### BEGIN MIGRATION INFO\n# After: recipe%d:step%d\n### END MIGRATION INFO\n:\n", (k-1)%100, k-1)
			}
			if err := writeFile(filepath.Join(at(i), fmt.Sprintf("recipe%d", k%100), fmt.Sprintf("step%d", k)), text, 0o644); err != nil {
				return err
			}
		}
	}
	err := b.steps(t, "migrations, build", counts, func(i int) *candidate {
		return command{args: []string{b.program("mkmigrations"), "build", "--release", "1.0", "--snippets", at(i),
			"--output", filepath.Join(b.dir, fmt.Sprint("bundle", counts[i]))}, env: deviceEnv}.candidate("")
	}, limits{1, 0})
	if err != nil {
		return err
	}
	return b.steps(t, "migrations, `check` on the device", counts, func(i int) *candidate {
		return command{args: []string{b.program("migrate-runner"), "check", "--allow-volatile",
			"--root", filepath.Join(b.dir, fmt.Sprint("bundle", counts[i]))}, env: deviceEnv}.candidate("")
	}, limits{1, 0})
}

// ledgerGrowth reads ledgers of more and more events: two of each migration,
// as a run writes them. Compaction keeps real ones far below the largest.
func (b *bench) ledgerGrowth() error {
	counts := []int{10, 100, 1000, 10000, 100000}
	if b.quick {
		counts = counts[:4]
	}
	t := b.report.table("Cost against the number of events in the ledger", growthHead...)
	for _, n := range counts {
		root := filepath.Join(b.dir, fmt.Sprint("ledger", n))
		if err := os.MkdirAll(root, 0o755); err != nil {
			return err
		}
		snippets := filepath.Join(root, "snippets")
		if err := writeFile(filepath.Join(snippets, "recipe0", "step"), "#!/bin/sh\n:\n", 0o644); err != nil {
			return err
		}
		if err := b.bundle(snippets, filepath.Join(root, "root")); err != nil {
			return err
		}
		state := filepath.Join(root, "root/var/lib/migration")
		if err := os.MkdirAll(state, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(state, "ledger"), events(n), 0o600); err != nil {
			return err
		}
	}
	return b.steps(t, "events, `check`", counts, func(i int) *candidate {
		return command{args: []string{b.program("migrate-runner"), "check", "--allow-volatile",
			"--root", filepath.Join(b.dir, fmt.Sprint("ledger", counts[i]), "root")}, env: deviceEnv}.candidate("")
	}, limits{})
}

// events is a ledger in which n/2 migrations of earlier images were applied.
func events(n int) []byte {
	var text []byte
	for i := 1; i < n; i += 2 {
		e := ledger.Event{
			Seq: uint64(i), Kind: ledger.Started, At: 1700000000, ID: bundle.ID(fmt.Sprintf("recipe%d:step%d", i%100, i)),
			Digest: bundle.Sum([]byte{byte(i)}), Bundle: bundle.Sum(nil), Release: "0.5", Since: "0.5", Attempt: 1,
		}
		text = append(text, ledger.Encode(&e)...)
		e.Seq, e.Kind, e.Ref, e.Millis = uint64(i+1), ledger.Applied, uint64(i), 12
		text = append(text, ledger.Encode(&e)...)
	}
	return text
}
