// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/report"
	"meta-migration/target/migrate-runner/internal/trust"
	"meta-migration/target/migrate-runner/ledger"
)

// byHand opens the device for a command of a person, which runs no script:
// it takes the lock and, where there is something to record, removes the
// marker first. what returns the event to record, or nil.
func byHand(o *options, what func(b *engine.Bundle, s *engine.State) (*ledger.Event, error)) (int, error) {
	root, err := openRoot(o.root)
	if err != nil {
		return 0, err
	}
	t, err := trust.ReadManifest(root)
	if err != nil {
		return 0, err
	}
	b := engine.NewBundle(t.Manifest, t.Anchor)
	d, err := openDevice(o, root, bundle.RefuseCorrupt)
	if err != nil {
		return 0, err
	}
	e, err := what(b, d.state)
	if err != nil || e == nil {
		return engine.ExitDone, err
	}
	if err := d.RemoveMarkers(); err != nil {
		return 0, err
	}
	return engine.ExitDone, d.Record(e)
}

// known refuses an ID that is neither in the bundle nor in the ledger.
func known(b *engine.Bundle, s *engine.State, id bundle.ID) error {
	if b.Index.Known(id) || s.Records[id] != nil {
		return nil
	}
	return usageError("no migration " + quote(string(id)) + ", neither in the bundle nor in the ledger")
}

func baseline(o *options) (int, error) {
	return byHand(o, func(b *engine.Bundle, s *engine.State) (*ledger.Event, error) {
		e := b.FreshEvent(s, true)
		report.Line(count(len(e.Items), "migration") + " recorded as baseline, at release " + b.Release)
		return &e, nil
	})
}

func retry(o *options) (int, error) {
	return byHand(o, func(b *engine.Bundle, s *engine.State) (*ledger.Event, error) {
		if err := known(b, s, o.id); err != nil {
			return nil, err
		}
		// What is superseded is not tried, what supersedes it is.
		id := b.Index.Resolve(o.id)
		report.Line("the attempts of " + string(id) + " start anew")
		return &ledger.Event{Kind: ledger.Retried, ID: id}, nil
	})
}

func forget(o *options) (int, error) {
	return byHand(o, func(b *engine.Bundle, s *engine.State) (*ledger.Event, error) {
		if err := known(b, s, o.id); err != nil {
			return nil, err
		}
		e := b.ForgottenEvent(s, o.id)
		report.Line(string(e.ID) + " is pending again" + andItems(e.Items))
		if b.UsedUp(s, e.ID) {
			report.Line("it has no attempts left: only `migrate-runner retry " + string(e.ID) + "` lets it run")
		}
		return &e, nil
	})
}

func andItems(items []ledger.Item) string {
	if len(items) == 0 {
		return ""
	}
	return ", with " + count(len(items), "migration") + " applied through it"
}

// confirm keeps what was applied: from now on a fallback does not put it
// back. It needs no bundle, so that it works whatever image runs.
func confirm(o *options) (int, error) {
	root, err := openRoot(o.root)
	if err != nil {
		return 0, err
	}
	d, err := openDevice(o, root, bundle.RefuseCorrupt)
	if err != nil {
		return 0, err
	}
	if d.state.Fallback != nil {
		return 0, &engine.Refusal{Exit: engine.ExitError, Reason: "a fallback is under way", Cure: "let migrate-runner run first"}
	}
	return engine.ExitDone, (&engine.Run{State: d.state, Device: &runner{device: d}}).Confirm()
}

// require answers whether a migration counts as applied, for a service that
// must not start before it.
func require(o *options) (int, error) {
	root, err := openRoot(o.root)
	if err != nil {
		return 0, err
	}
	t, err := trust.ReadManifest(root)
	if err != nil {
		return 0, err
	}
	b := engine.NewBundle(t.Manifest, t.Anchor)
	v, err := lookAt(root, bundle.RefuseCorrupt)
	if err != nil {
		return 0, err
	}
	if refusal := v.state.Unknown(); refusal != nil {
		return 0, refusal
	}
	if err := known(b, v.state, o.id); err != nil {
		return 0, err
	}
	if b.CountsAsApplied(v.state, o.id) {
		return engine.ExitDone, nil
	}
	return engine.ExitFailed, nil
}
