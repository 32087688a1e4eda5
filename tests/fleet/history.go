// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package fleet

import (
	"fmt"
	"math/rand"
	"strings"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/ledger"
)

func sortGone(m *bundle.Manifest) {
	for i := range m.Gone {
		for j := i; j > 0 && m.Gone[j].ID < m.Gone[j-1].ID; j-- {
			m.Gone[j], m.Gone[j-1] = m.Gone[j-1], m.Gone[j]
		}
	}
}

// A tally counts what histories met, so that a test can see that the
// simulation reaches what it is for.
type tally struct {
	Histories, Boots, Cuts, Applied, Failed, Reverted, Rearmed, Refused, Baseline, Interrupted, Compacted int
}

func (t *tally) count(kinds []ledger.Kind) {
	for _, k := range kinds {
		switch k {
		case ledger.Applied:
			t.Applied++
		case ledger.Failed:
			t.Failed++
		case ledger.Reverted:
			t.Reverted++
		case ledger.Rearmed:
			t.Rearmed++
		case ledger.Fresh, ledger.Baseline:
			t.Baseline++
		case ledger.Interrupted:
			t.Interrupted++
		}
	}
}

// history plays one device's life from seed. It returns what was violated,
// with all that happened, or "".
func history(seed int64, planted fault, t *tally) string {
	random := rand.New(rand.NewSource(seed))
	w := newWorld(random)
	d := &device{random: random, fault: planted, used: random.Intn(3) > 0, data: data{}, saves: map[uint64]data{}, noted: map[bundle.ID]bool{}, power: -1, term: -1, watcher: newWatcher(w)}
	d.image = w.releases[random.Intn(len(w.releases))]
	t.Histories++
	for n := 3 + random.Intn(12); n > 0 && d.watcher.problem == ""; n-- {
		d.live(w, t)
	}
	if d.watcher.problem == "" {
		d.settleDown(w, t)
	}
	if d.watcher.problem == "" {
		return ""
	}
	return fmt.Sprintf("seed %d: %s\n%s", seed, d.watcher.problem, strings.Join(d.journal, "\n"))
}

// live is one turn of a device's life.
func (d *device) live(w *world, t *tally) {
	switch n := d.random.Intn(100); {
	case n < 30:
		d.image = w.releases[min(len(w.releases)-1, d.number(w)+1+d.random.Intn(2))]
	case n < 45:
		d.image = w.releases[d.random.Intn(d.number(w)+1)]
	case n < 50:
		d.hand()
	case n < 58:
		d.confirm()
	case n < 60 && d.open().Open == nil && d.open().Fallback == nil:
		d.lose()
	case n < 62:
		d.compact(t)
	}
	d.power, d.term = -1, -1
	if d.random.Intn(3) == 0 {
		d.power = d.random.Intn(40)
	}
	if d.random.Intn(8) == 0 {
		d.term = d.random.Intn(4)
	}
	d.start(t)
}

func (d *device) number(w *world) int {
	for i, r := range w.releases {
		if r == d.image {
			return i
		}
	}
	return 0
}

func (d *device) start(t *tally) result {
	marker := d.marker
	d.watcher.replay(d)
	d.watcher.kinds = nil
	r := d.boot()
	t.Boots++
	d.power, d.term = -1, -1
	if r.cut {
		t.Cuts++
		d.watcher.replay(d)
	} else {
		d.watcher.ended(d, r, marker)
	}
	if r.refusal != nil {
		t.Refused++
	}
	t.count(d.watcher.kinds)
	return r
}

func (d *device) hand() {
	id, ok := d.anyID()
	if !ok {
		return
	}
	d.journal = append(d.journal, "by hand "+string(id))
	switch d.random.Intn(4) {
	case 0:
		if old := d.image.bundle.Index.AllSuperseded(id); len(old) > 0 && d.random.Intn(2) == 0 {
			id = old[d.random.Intn(len(old))]
		}
		d.byHand(func(b *engine.Bundle, s *engine.State) ledger.Event { return b.ForgottenEvent(s, id) })
	case 1:
		d.byHand(func(b *engine.Bundle, s *engine.State) ledger.Event { return b.FreshEvent(s, true) })
	default:
		d.byHand(func(b *engine.Bundle, s *engine.State) ledger.Event {
			return ledger.Event{Kind: ledger.Retried, ID: id}
		})
	}
}

// settleDown installs one more release on the device, in which every script
// succeeds and the power stays on. It must come to an end there: complete,
// or refused because the device is too old for it.
func (d *device) settleDown(w *world, t *tally) {
	d.image = w.next(w.releases[len(w.releases)-1])
	for i := range d.image.bundle.Migrations {
		d.watcher.paths[d.image.bundle.Migrations[i].ID] = d.image.bundle.Migrations[i].Paths
	}
	d.calm = true
	r := d.start(t)
	switch {
	case d.watcher.problem != "":
	case r.refusal != nil && r.refusal.Exit == engine.ExitTooOld && d.image.bundle.MinFrom != "":
	case r.err != nil || r.exit != 0 || d.marker != d.image.bundle.Anchor:
		d.watcher.wrong("the device does not settle: exit %d, %v", r.exit, r.err)
	default:
		events := len(d.open().Records)
		if again := d.start(t); !again.nothing || len(d.open().Records) != events {
			d.watcher.wrong("a settled device does something")
		}
	}
}

func (t *tally) add(o tally) {
	t.Histories += o.Histories
	t.Boots += o.Boots
	t.Cuts += o.Cuts
	t.Applied += o.Applied
	t.Failed += o.Failed
	t.Reverted += o.Reverted
	t.Rearmed += o.Rearmed
	t.Refused += o.Refused
	t.Baseline += o.Baseline
	t.Interrupted += o.Interrupted
	t.Compacted += o.Compacted
}
