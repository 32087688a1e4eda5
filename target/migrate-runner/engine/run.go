// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// A Run is one run of a bundle on a device: the order in which things are
// done, recorded and undone. Everything durable goes through its Device.
type Run struct {
	Bundle *Bundle
	State  *State // of the device's ledger; Run changes it
	Device Device

	planned, tried int
}

// record makes an event durable, and only then takes it into the state.
func (r *Run) record(e ledger.Event) (*ledger.Event, error) {
	if err := r.Device.Record(&e); err != nil {
		return nil, err
	}
	r.State.Apply(&e)
	return &e, nil
}

// All is a whole run: [Run.FinishOpen], the decision, the migrations, the
// marker. It returns the exit code, or the error that ended it: a *[Refusal]
// or one of the Device.
func (r *Run) All() (exit int, err error) {
	// What an event means that this program does not know, but must, could
	// be about what is open.
	if r.State.Critical == nil {
		if err := r.FinishOpen(); err != nil {
			return 0, err
		}
	}
	// Behind the first event nobody asks any more.
	used := true
	if r.State.Events == 0 {
		var err error
		if used, err = r.Device.FreshUnless(r.Bundle.FreshUnless); err != nil {
			return 0, err
		}
	}
	d, err := DecideWith(r.Bundle, r.State, used, r.Device.HasSave)
	if err != nil {
		return 0, err
	}
	if d.Refusal != nil {
		return 0, d.Refusal
	}
	if err := r.checkSpace(d.After); err != nil {
		return 0, err
	}
	if err := r.Device.RemoveMarkers(); err != nil {
		return 0, err
	}
	if err := r.carryOut(d); err != nil {
		return 0, err
	}
	return r.migrate()
}

// FinishOpen ends what a crash left open, whatever the bundle: a fallback is
// carried on, an attempt is put back and counted as interrupted, and saves
// that nothing needs any more are removed.
func (r *Run) FinishOpen() error {
	if f := r.State.Fallback; f != nil {
		if err := r.finishFallback(f); err != nil {
			return err
		}
	}
	if open := r.State.Open; open != nil {
		r.Device.Say(Message{Kind: SayInterrupted, Event: open})
		if _, err := r.end(open, EndedEvent(open, ledger.Interrupted)); err != nil {
			return err
		}
	}
	return r.sweep()
}

// sweep removes the saves that nothing needs.
func (r *Run) sweep() error {
	return r.Device.SweepSaves(r.State.Needed())
}

// finishFallback puts back every save that a fallback names, in its order,
// then records that it is done, then drops the saves.
func (r *Run) finishFallback(f *ledger.Event) error {
	ids := map[uint64]bundle.ID{}
	for i := range r.State.Unconfirmed {
		ids[r.State.Unconfirmed[i].Ref] = r.State.Unconfirmed[i].ID
	}
	for _, number := range f.Refs {
		if err := r.Device.PutBack(number, ids[number]); err != nil {
			return err
		}
	}
	if _, err := r.record(RevertedEvent(f)); err != nil {
		return err
	}
	r.Device.Say(Message{Kind: SayFallback, Event: f})
	for _, number := range f.Refs {
		if err := r.Device.DropSave(number); err != nil {
			return err
		}
	}
	return nil
}

// Confirm keeps what was applied for good: its saves go.
func (r *Run) Confirm() error {
	if len(r.State.Unconfirmed) > 0 {
		if _, err := r.record(ledger.Event{Kind: ledger.Confirmed}); err != nil {
			return err
		}
	}
	return r.sweep()
}

func (r *Run) checkSpace(after *State) error {
	sets := r.Bundle.ToSave(after)
	if len(sets) == 0 {
		return nil
	}
	return r.Device.CheckSpace(sets, r.Bundle.Keep == bundle.KeepGood, Dropped(r.State, after))
}

// ToSave returns the Paths of each migration that may run and has some.
func (b *Bundle) ToSave(s *State) (sets [][]string) {
	for i := range b.Migrations {
		m := &b.Migrations[i]
		if len(m.Paths) > 0 && !b.CountsAsApplied(s, m.ID) && s.attempts(m.ID, b.Anchor) < m.EffectiveAttempts() {
			sets = append(sets, m.Paths)
		}
	}
	return sets
}

// Dropped lists the saves that a decision makes needless: confirmed, or put
// back.
func Dropped(before, after *State) (numbers []uint64) {
	kept := after.Needed()
	for i := range before.Unconfirmed {
		if number := before.Unconfirmed[i].Ref; !kept[number] {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// carryOut records what was decided, and puts back what a fallback undoes.
func (r *Run) carryOut(d *Decision) error {
	for _, id := range d.Lost {
		r.Device.Say(Message{Kind: SayLost, ID: id})
	}
	if d.Fresh != nil {
		if _, err := r.record(*d.Fresh); err != nil {
			return err
		}
		r.Device.Say(Message{Kind: SayFresh, Event: d.Fresh})
	}
	if d.Confirm != nil {
		if err := r.Confirm(); err != nil {
			return err
		}
	}
	if d.Fallback != nil {
		begun, err := r.record(*d.Fallback)
		if err != nil {
			return err
		}
		if err := r.finishFallback(begun); err != nil {
			return err
		}
	}
	if d.Rearm != nil {
		if _, err := r.record(*d.Rearm); err != nil {
			return err
		}
		r.Device.Say(Message{Kind: SayRearmed, Event: d.Rearm})
	}
	return nil
}

// migrate goes through the migrations and, when all are applied, sets the
// marker.
func (r *Run) migrate() (int, error) {
	r.planned = Planned(r.Bundle, r.State)
	x := NewSession(r.Bundle, r.State)
	for step := x.Next(); step.Kind != StepDone; step = x.Next() {
		if r.Device.ToldToEnd() {
			r.Device.Say(Message{Kind: SayStopped})
			return ExitError, nil
		}
		e, err := r.step(step)
		if err != nil {
			return 0, err
		}
		x.Ended(e)
	}
	if !x.Complete() {
		r.notComplete()
		return x.Exit(), nil
	}
	if r.State.Complete != r.Bundle.Anchor || r.State.Release != r.Bundle.Release {
		if _, err := r.record(ledger.Event{Kind: ledger.Completed, Bundle: r.Bundle.Anchor, Release: r.Bundle.Release}); err != nil {
			return 0, err
		}
	}
	if err := r.Device.SetMarker(r.Bundle.Anchor); err != nil {
		return 0, err
	}
	r.Device.Say(Message{Kind: SayComplete, N: r.tried})
	return ExitDone, nil
}

func (r *Run) notComplete() {
	rows := Rows(r.Bundle, r.State)
	left := 0
	for i := range rows {
		if rows[i].State != StateApplied && rows[i].State != StateBaseline {
			left++
		}
	}
	r.Device.Say(Message{Kind: SayNotComplete, N: left, Rows: rows})
}

// step carries out one step and returns the event that ended it.
func (r *Run) step(step Step) (*ledger.Event, error) {
	if step.Kind == StepBaseline {
		return r.record(r.Bundle.BaselineEvent(step.Position))
	}
	r.tried++
	m := &r.Bundle.Migrations[step.Position]
	if old := r.State.Records[m.ID]; old != nil && (old.Last == nil || old.Last.Kind == ledger.Applied) {
		if err := r.Device.CleanupAgain(m.ID); err != nil {
			return nil, err
		}
	}
	started, err := r.record(r.Bundle.StartedEvent(step.Position, step.Attempt))
	if err != nil {
		return nil, err
	}
	r.Device.Say(Message{Kind: SayAttempt, Event: started, Migration: m, N: r.tried, Of: r.planned})
	e, err := r.attempt(step.Position, started)
	if err == nil {
		r.Device.Say(Message{Kind: SayEnded, Event: e, Migration: m, N: r.tried, Of: r.planned})
	}
	return e, err
}

// attempt saves the Paths, runs the script and records how that ended.
// Whatever is not applied is put back first; a put-back that does not succeed
// leaves the attempt open, for the next start.
func (r *Run) attempt(position int, started *ledger.Event) (*ledger.Event, error) {
	if started.Paths {
		if err := r.Device.Save(started, r.Bundle.Migrations[position].Paths); err != nil {
			e := EndedEvent(started, ledger.Failed)
			e.Reason = err.Error()
			return r.end(started, e)
		}
	}
	e, err := r.Device.Attempt(position, started)
	if err != nil {
		return nil, err
	}
	return r.end(started, e)
}

// end puts back what did not succeed, records e, and drops the save unless
// it is kept until it is confirmed.
func (r *Run) end(started *ledger.Event, e ledger.Event) (*ledger.Event, error) {
	if e.Kind != ledger.Applied && started.Paths {
		if err := r.Device.PutBack(started.Seq, started.ID); err != nil {
			return nil, err
		}
	}
	ended, err := r.record(e)
	if err != nil {
		return nil, err
	}
	if ended.Kind == ledger.Applied {
		r.Device.Cleanup(ended.ID)
	}
	if !started.Paths || ended.Kind == ledger.Applied && ended.Keep {
		return ended, nil
	}
	return ended, r.Device.DropSave(started.Seq)
}
