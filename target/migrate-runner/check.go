// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strconv"
	"strings"

	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/report"
	"meta-migration/target/migrate-runner/internal/statedir"
	"meta-migration/target/migrate-runner/ledger"
)

// check prints what run would do. With --image it is another image's bundle
// that is judged against this device, as an updater asks before it installs.
func check(o *options) (int, error) {
	root, err := openRoot(o.root)
	if err != nil {
		return 0, err
	}
	image := root
	if o.image != "" {
		if image, err = openRoot(o.image); err != nil {
			return 0, err
		}
	}
	_, b, err := trusted(image)
	if err != nil {
		return 0, err
	}
	v, err := lookAt(o, root)
	if err != nil {
		return 0, damaged(err)
	}
	if o.image == "" && statedir.HasMarker(root, b.Anchor) {
		return engine.ExitDone, report.Out("nothing to do: release " + b.Release + " is complete\n")
	}
	lines, decision := plan(b, v.state, anyExists(root, b.FreshUnless))
	if decision.Refusal != nil {
		return 0, decision.Refusal
	}
	return engine.ExitDone, report.Out(strings.Join(lines, ""))
}

// plan lists what run would do, one line each, if nothing fails.
func plan(b *engine.Bundle, s *engine.State, freshUnless bool) ([]string, *engine.Decision) {
	var lines []string
	say := func(parts ...string) { lines = append(lines, strings.Join(parts, " ")+"\n") }
	s = s.Clone()
	if s.Fallback != nil {
		say("put-back", "of an interrupted fallback:", names(s.Fallback.Items))
		e := engine.RevertedEvent(s.Fallback)
		s.Apply(&e)
	}
	if s.Open != nil {
		say("interrupted", string(s.Open.ID))
		e := engine.EndedEvent(s.Open, ledger.Interrupted)
		s.Apply(&e)
	}
	d := engine.Decide(b, s, freshUnless)
	if d.Refusal != nil {
		return nil, d
	}
	if d.Fresh != nil {
		say("baseline", "of a fresh device:", names(d.Fresh.Items))
	}
	if d.Fallback != nil {
		say("put-back", "of a fallback:", names(d.Fallback.Items))
	}
	if d.Rearm != nil {
		say("re-arm", names(d.Rearm.Items))
	}
	return append(lines, planMigrations(b, d.After.Clone())...), d
}

func names(items []ledger.Item) string {
	ids := make([]string, len(items))
	for i := range items {
		ids[i] = string(items[i].ID)
	}
	return strings.Join(ids, " ")
}

// planMigrations plays a run in which every attempt succeeds.
func planMigrations(b *engine.Bundle, s *engine.State) []string {
	var lines []string
	x := engine.NewSession(b, s)
	for step := x.Next(); step.Kind != engine.StepDone; step = x.Next() {
		m := &b.Migrations[step.Position]
		e := b.BaselineEvent(step.Position)
		if step.Kind == engine.StepBaseline {
			lines = append(lines, "baseline "+string(m.ID)+"\n")
		} else {
			line := "run " + string(m.ID)
			if step.Attempt > 1 {
				line += " (attempt " + strconv.Itoa(step.Attempt) + " of " + strconv.Itoa(m.EffectiveAttempts()) + ")"
			}
			lines = append(lines, line+"\n")
			started := b.StartedEvent(step.Position, step.Attempt)
			s.Apply(&started)
			e = engine.EndedEvent(&started, ledger.Applied)
		}
		s.Apply(&e)
		x.Ended(&e)
	}
	for i, out := range x.Outcomes {
		switch out {
		case engine.OutFailed:
			lines = append(lines, "failed "+string(b.Migrations[i].ID)+" (no attempts left)\n")
		case engine.OutBlocked:
			lines = append(lines, "blocked "+string(b.Migrations[i].ID)+"\n")
		case engine.OutPending:
			lines = append(lines, "wait "+string(b.Migrations[i].ID)+"\n")
		}
	}
	return lines
}
