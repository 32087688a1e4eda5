// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package fleet

import (
	"errors"
	"fmt"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/ledger"
)

// A result says how a boot, or a command by hand, ended.
type result struct {
	cut     bool // the power went
	nothing bool // there was nothing to do
	exit    int
	refusal *engine.Refusal
	err     error
}

// open reads the ledger as the runner does.
func (d *device) open() *engine.State {
	log, err := ledger.Parse(d.ledger)
	if err != nil {
		// Only a planted fault can do that.
		d.watcher.wrong("the ledger cannot be read: %v", err)
		log = &ledger.Log{Next: 1}
	}
	d.ledger = d.ledger[:log.End]
	d.log = log
	return engine.Fold(log.Events)
}

// powered runs f until it ends or the power goes.
func (d *device) powered(f func() (int, error)) (r result) {
	defer func() {
		if thrown := recover(); thrown != nil {
			if _, ok := thrown.(powerCut); !ok {
				panic(thrown)
			}
			r.cut = true
			d.journal = append(d.journal, "  power cut")
		}
	}()
	r.exit, r.err = f()
	errors.As(r.err, &r.refusal)
	return r
}

// boot starts the image: the marker's test, then a run.
func (d *device) boot() result {
	d.journal = append(d.journal, fmt.Sprintf("boot %s (power %d, term %d)", d.image.name, d.power, d.term))
	if d.marker == d.image.bundle.Anchor {
		return result{nothing: true}
	}
	d.place = -1
	state := d.open()
	d.run = &engine.Run{Bundle: d.image.bundle, State: state, Device: d}
	r := d.powered(d.run.All)
	if r.err != nil {
		d.journal = append(d.journal, "  "+r.err.Error())
	}
	return r
}

// byHand does what a person's command does: the marker goes, an event comes.
func (d *device) byHand(what func(b *engine.Bundle, s *engine.State) ledger.Event) {
	s := d.open()
	d.powered(func() (int, error) {
		e := what(d.image.bundle, s)
		if err := d.RemoveMarkers(); err != nil {
			return 0, err
		}
		return 0, d.Record(&e)
	})
}

// confirm is what the updater's mark-good does.
func (d *device) confirm() {
	run := &engine.Run{State: d.open(), Device: d}
	if run.State.Fallback != nil {
		return
	}
	d.powered(func() (int, error) { return 0, run.Confirm() })
}

// lose is a device whose /var went: the ledger, the saves, the marker.
func (d *device) lose() {
	d.journal = append(d.journal, "lost /var/lib/migration")
	d.watcher.replay(d)
	d.ledger, d.saves, d.noted, d.marker = nil, map[uint64]data{}, map[bundle.ID]bool{}, ""
	d.watcher.anew(d)
}

// anyID picks a migration that the image knows.
func (d *device) anyID() (bundle.ID, bool) {
	m := d.image.bundle.Migrations
	if len(m) == 0 {
		return "", false
	}
	return m[d.random.Intn(len(m))].ID, true
}
