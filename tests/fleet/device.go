// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package fleet

import (
	"errors"
	"math/rand"
	"sort"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/ledger"
)

// powerCut is thrown by a device whose power goes, through all of the code
// under test.
type powerCut struct{}

// An effect is what the data of a device shows of one migration.
type effect int

const (
	absent effect = iota
	half          // begun and not ended
	whole
)

// data is the content of a device's storage: which migrations changed which
// path. The path "" is all that no Paths name.
type data map[string]map[bundle.ID]effect

func (d data) set(path string, id bundle.ID, e effect) {
	if d[path] == nil {
		d[path] = map[bundle.ID]effect{}
	}
	d[path][id] = e
}

func (d data) copyOf(paths []string) data {
	c := data{}
	for _, p := range paths {
		c[p] = map[bundle.ID]effect{}
		for id, e := range d[p] {
			c[p][id] = e
		}
	}
	return c
}

// A device is one simulated device. What is in it is durable; a script's
// effects become so when they are synced.
type device struct {
	random  *rand.Rand
	used    bool
	ledger  []byte
	data    data
	saves   map[uint64]data
	noted   map[bundle.ID]bool // applied, and what its attempts noted is there
	marker  bundle.Digest
	image   *release
	journal []string // what happened, for the report of a violation

	power int  // calls until the power goes; -1 for never
	term  int  // calls of ToldToEnd until SIGTERM comes; -1 for never
	calm  bool // nothing fails any more
	fault fault
	log   *ledger.Log
	run   *engine.Run
	place int // of the last attempt of this boot

	recorded []ledger.Event // what is durable and the watcher has not seen
	watcher  *watcher
}

var _ engine.Device = (*device)(nil)

var errNoSpace = errors.New("no space left on device")

// A fault is one that is planted into a device, to see that the watcher
// finds it.
type fault int

const (
	noFault      fault = iota
	lostRecord         // an event is not durable when Record returns
	emptyPutBack       // PutBack restores nothing
	partialSave        // Save leaves out a path
	staleMarker        // RemoveMarkers removes nothing
	unsynced           // an applied script's effect is not durable
	earlyDrop          // a save that is needed is swept
	faults
)

// call is where the power can go: before a call or, by done, behind it.
func (d *device) call() {
	if d.power == 0 {
		panic(powerCut{})
	}
	d.power--
}

func (d *device) Record(e *ledger.Event) error {
	d.call()
	e.Seq = d.log.Next
	line := ledger.Encode(e)
	if d.power == 0 && d.random.Intn(2) == 0 {
		// Torn: a part of the line is there.
		d.ledger = append(d.ledger, line[:d.random.Intn(len(line))]...)
		panic(powerCut{})
	}
	if d.fault != lostRecord || d.random.Intn(10) > 0 {
		d.ledger = append(d.ledger, line...)
	}
	d.log.Next++
	d.recorded = append(d.recorded, *e)
	if e.Kind == ledger.Applied {
		d.noted[e.ID] = true
	}
	d.journal = append(d.journal, "  "+string(e.Kind)+" "+string(e.ID))
	d.call()
	return nil
}

func (d *device) FreshUnless([]string) (bool, error) { return d.used, nil }

func (d *device) CheckSpace([][]string, bool, []uint64) error {
	if !d.calm && d.random.Intn(100) == 0 {
		return errNoSpace
	}
	return nil
}

func (d *device) Save(started *ledger.Event, paths []string) error {
	d.call()
	if !d.calm && d.random.Intn(50) == 0 {
		return errNoSpace
	}
	if d.fault == partialSave {
		paths = paths[:len(paths)-1]
	}
	d.saves[started.Seq] = d.data.copyOf(paths)
	d.call()
	return nil
}

func (d *device) PutBack(number uint64, _ bundle.ID) error {
	d.call()
	save := d.saves[number]
	paths := make([]string, 0, len(save))
	for p := range save {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	if d.fault == emptyPutBack {
		paths = nil
	}
	for _, p := range paths {
		// Power may go with some of the paths put back.
		d.call()
		d.data[p] = save.copyOf([]string{p})[p]
	}
	return nil
}

func (d *device) HasSave(number uint64) (bool, error) {
	_, whole := d.saves[number]
	return whole, nil
}

func (d *device) DropSave(number uint64) error {
	d.call()
	delete(d.saves, number)
	return nil
}

func (d *device) SweepSaves(needed map[uint64]bool) error {
	for number := range d.saves {
		if !needed[number] || d.fault == earlyDrop {
			delete(d.saves, number)
		}
	}
	d.call()
	return nil
}

// Attempt is a script: it changes each of its paths, then what it wrote is
// synced. A power cut before that leaves any part of it.
func (d *device) Attempt(position int, started *ledger.Event) (ledger.Event, error) {
	m := &d.image.bundle.Migrations[position]
	s := d.image.scripts[m.Digest]
	if d.calm {
		s = script{}
	}
	d.watcher.attempt(d, position)
	paths := m.Paths
	if len(paths) == 0 {
		paths = []string{""}
	}
	kind := ledger.Applied
	switch n := d.random.Intn(100); {
	case s.fails || n < s.flaky:
		kind = ledger.Failed
	case n < s.flaky+s.notNow:
		kind = ledger.Deferred
	case n < s.flaky+s.notNow+s.deadly:
		d.power = d.random.Intn(3)
	case d.term == 0:
		kind = ledger.Stopped
	}
	if kind == ledger.Applied || s.deviate {
		d.change(paths, m.ID, kind)
	}
	return engine.EndedEvent(started, kind), nil
}

func (d *device) change(paths []string, id bundle.ID, kind ledger.Kind) {
	cut := true
	defer func() {
		if !cut {
			return
		}
		// Not synced: any of the changes may be lost, or there in part.
		for _, p := range paths {
			if d.data[p][id] != whole || d.random.Intn(2) == 0 {
				d.data.set(p, id, pick(d.random, half, half, d.data[p][id]))
			}
		}
	}()
	for _, p := range paths {
		d.call()
		if kind == ledger.Applied && d.fault == unsynced && d.random.Intn(10) == 0 {
			d.data.set(p, id, half)
		} else if kind == ledger.Applied {
			d.data.set(p, id, whole)
		} else if d.data[p][id] != whole {
			d.data.set(p, id, half)
		}
	}
	d.call()
	cut = false
}

// Cleanup comes too late where the power goes before it.
func (d *device) Cleanup(id bundle.ID) { _ = d.CleanupAgain(id) }

func (d *device) CleanupAgain(id bundle.ID) error {
	d.call()
	delete(d.noted, id)
	return nil
}

func (d *device) RemoveMarkers() error {
	d.call()
	if d.fault == staleMarker {
		return nil
	}
	d.marker = ""
	d.call()
	return nil
}

func (d *device) SetMarker(anchor bundle.Digest) error {
	d.call()
	d.marker = anchor
	d.call()
	return nil
}

func (d *device) ToldToEnd() bool {
	d.term--
	return d.term == -1
}

func (d *device) Say(engine.Message) {}
