// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strconv"
	"strings"

	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/report"
	"meta-migration/target/migrate-runner/internal/statedir"
	"meta-migration/target/migrate-runner/internal/trust"
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
	if o.image == "" && complete(root) {
		what := "this bundle"
		if t, err := trust.ReadManifest(root); err == nil {
			what = "release " + t.Manifest.Release
		}
		return engine.ExitDone, report.Out("nothing to do: " + what + " is complete\n")
	}
	_, b, err := trusted(image)
	if err != nil {
		return 0, err
	}
	v, err := lookAt(root, b.OnCorrupt)
	if err != nil {
		return 0, err
	}
	lines, err := v.judge(o, b)
	if err != nil {
		return 0, err
	}
	return engine.ExitDone, report.Out(strings.Join(lines, ""))
}

// complete says what a run asks before all else: whether the anchor below root
// has its marker.
func complete(root int) bool {
	anchor, err := trust.ReadAnchor(root)
	return err == nil && statedir.HasMarker(root, anchor)
}

// A planned run: the lines that say what it would do.
type planned struct{ lines []string }

func (p *planned) say(what, about string) { p.lines = append(p.lines, what+" "+about+"\n") }

// plan lists what run would do, one line each, if nothing fails.
func plan(b *engine.Bundle, s *engine.State, freshUnless bool, hasSave func(uint64) (bool, error)) ([]string, *engine.Decision, error) {
	p := &planned{}
	s = s.Clone()
	if s.Fallback != nil {
		p.say("put-back", "of an interrupted fallback: "+names(s.Fallback))
		e := engine.RevertedEvent(s.Fallback)
		s.Apply(&e)
	}
	if s.Open != nil {
		p.say("interrupted", string(s.Open.ID))
		e := engine.EndedEvent(s.Open, ledger.Interrupted)
		s.Apply(&e)
	}
	d, err := engine.DecideWith(b, s, freshUnless, hasSave)
	if err != nil || d.Refusal != nil {
		return nil, d, err
	}
	if d.Fresh != nil {
		p.say("baseline", "of a fresh device: "+names(d.Fresh))
	}
	if d.Fallback != nil {
		p.say("put-back", "of a fallback: "+names(d.Fallback))
		for _, id := range d.Lost {
			p.say("lost", "the save of "+string(id))
		}
	}
	if d.Rearm != nil {
		p.say("re-arm", names(d.Rearm))
	}
	p.migrations(b, d.After.Clone())
	return p.lines, d, nil
}

func names(e *ledger.Event) string {
	ids := make([]string, len(e.Items))
	for i := range e.Items {
		ids[i] = string(e.Items[i].ID)
	}
	return strings.Join(ids, " ")
}

// migrations plays a run in which every attempt succeeds.
func (p *planned) migrations(b *engine.Bundle, s *engine.State) {
	x := engine.Play(b, s, func(step engine.Step) {
		m := &b.Migrations[step.Position]
		switch {
		case step.Kind == engine.StepBaseline:
			p.say("baseline", string(m.ID))
		case step.Attempt > 1:
			p.say("run", string(m.ID)+" (attempt "+strconv.Itoa(step.Attempt)+" of "+strconv.Itoa(m.EffectiveAttempts())+")")
		default:
			p.say("run", string(m.ID))
		}
	})
	for i, out := range x.Outcomes {
		id := string(b.Migrations[i].ID)
		switch out {
		case engine.OutFailed:
			p.say("failed", id+" (no attempts left)")
		case engine.OutBlocked:
			p.say("blocked", id)
		case engine.OutPending:
			p.say("wait", id)
		}
	}
}
