// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// An Outcome is what became of a migration in one run.
type Outcome int

// The outcomes. OutPending is one that waits: for one before it, or because
// it said "not now".
const (
	OutPending Outcome = iota
	OutApplied
	OutFailed
	OutBlocked
)

// A StepKind says what a run has to do next.
type StepKind int

// The steps of a run.
const (
	StepDone     StepKind = iota
	StepAttempt           // run the script: StartedEvent, then one that ends it
	StepBaseline          // record it as baseline, nothing to run
)

// A Step is one thing a run has to do.
type Step struct {
	Kind     StepKind
	Position int
	Attempt  int // number of the attempt, from 1
}

// A Session is one run through the migrations of a bundle, in their order.
// After each StepAttempt and StepBaseline the caller records an event, applies
// it to the state, and hands it to Ended. The Session itself changes nothing.
type Session struct {
	bundle   *Bundle
	state    *State
	at       int
	Outcomes []Outcome // by position; those not reached are OutPending
	halted   bool      // a migration with On-Failure: stop is not applied
	stopped  bool      // the runner was told to end
}

// NewSession starts at the first migration, on a state in which [Decide] saw
// no refusal and all of its events are applied.
func NewSession(b *Bundle, s *State) *Session {
	return &Session{bundle: b, state: s, Outcomes: make([]Outcome, len(b.Migrations))}
}

// Next returns the next step, passing by all that needs none.
func (x *Session) Next() Step {
	for ; x.at < len(x.bundle.Migrations) && !x.stopped; x.at++ {
		m := &x.bundle.Migrations[x.at]
		if x.bundle.CountsAsApplied(x.state, m.ID) {
			x.Outcomes[x.at] = OutApplied
			if standing := x.state.Standing(m.ID); standing != Applied && standing != Baseline {
				return Step{Kind: StepBaseline, Position: x.at}
			}
			continue
		}
		out := x.required(m)
		if out == OutBlocked {
			x.Outcomes[x.at] = OutBlocked
		}
		if x.halted || out != OutApplied {
			continue
		}
		used := x.state.attempts(m.ID, x.bundle.Anchor)
		if used >= m.EffectiveAttempts() {
			x.settle(OutFailed)
			continue
		}
		return Step{StepAttempt, x.at, used + 1}
	}
	return Step{Kind: StepDone}
}

func (s *State) attempts(id bundle.ID, anchor bundle.Digest) int {
	if r := s.Records[id]; r != nil {
		return r.Attempts[anchor]
	}
	return 0
}

// required says whether all that m requires lets it run: OutApplied, or
// OutBlocked behind one that failed with `continue`, else OutPending. What is
// gone lets it: the image's maker decided that no device needs it any more.
func (x *Session) required(m *bundle.Migration) Outcome {
	worst := OutApplied
	for _, id := range m.Requires {
		target := x.bundle.Index.Resolve(id)
		place, in := x.bundle.Index.Position(target)
		if !in || x.bundle.CountsAsApplied(x.state, target) {
			continue
		}
		failed := x.Outcomes[place] == OutFailed && x.bundle.Migrations[place].OnFailure == bundle.Continue
		if failed || x.Outcomes[place] == OutBlocked {
			return OutBlocked
		}
		worst = OutPending
	}
	return worst
}

// settle gives the migration at hand its outcome; one that is not applied
// makes the later ones wait, if its On-Failure says so.
func (x *Session) settle(out Outcome) {
	x.Outcomes[x.at] = out
	if out != OutApplied && x.bundle.Migrations[x.at].OnFailure != bundle.Continue {
		x.halted = true
	}
}

// Ended takes the event that ended the last step, after it was applied to
// the state.
func (x *Session) Ended(e *ledger.Event) {
	switch e.Kind {
	case ledger.Applied, ledger.Baseline:
		x.settle(OutApplied)
	case ledger.Failed, ledger.Interrupted:
		x.settle(OutFailed)
	case ledger.Deferred:
		x.settle(OutPending)
	case ledger.Stopped:
		x.stopped = true
	}
	x.at++
}

// BaselineEvent records the migration at position as baseline, with what it
// supersedes as far as that has no standing yet.
func (b *Bundle) BaselineEvent(position int) ledger.Event {
	id := b.Migrations[position].ID
	return ledger.Event{Kind: ledger.Baseline, Items: b.items(append([]bundle.ID{id}, b.Index.AllSuperseded(id)...))}
}

// Complete says whether all migrations of the bundle are applied.
func (x *Session) Complete() bool {
	for _, out := range x.Outcomes {
		if out != OutApplied {
			return false
		}
	}
	return true
}

// Exit is the exit code of a run that ended as x did.
func (x *Session) Exit() int {
	if x.stopped {
		return ExitError
	}
	for _, out := range x.Outcomes {
		if out == OutFailed || out == OutBlocked {
			return ExitFailed
		}
	}
	return ExitDone
}

// Play goes through a run in which every attempt succeeds; see is called with
// each step. It changes s, and returns the Session at its end.
func Play(b *Bundle, s *State, see func(Step)) *Session {
	x := NewSession(b, s)
	for step := x.Next(); step.Kind != StepDone; step = x.Next() {
		see(step)
		e := b.BaselineEvent(step.Position)
		if step.Kind == StepAttempt {
			started := b.StartedEvent(step.Position, step.Attempt)
			s.Apply(&started)
			e = EndedEvent(&started, ledger.Applied)
		}
		s.Apply(&e)
		x.Ended(&e)
	}
	return x
}

// Planned is how many attempts a run on s makes if none of them fails.
func Planned(b *Bundle, s *State) int {
	n := 0
	Play(b, s.Clone(), func(step Step) {
		if step.Kind == StepAttempt {
			n++
		}
	})
	return n
}
