// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strconv"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/early"
	"meta-migration/target/migrate-runner/internal/report"
	"meta-migration/target/migrate-runner/internal/statedir"
	"meta-migration/target/migrate-runner/internal/sys"
	"meta-migration/target/migrate-runner/internal/trust"
	"meta-migration/target/migrate-runner/ledger"
)

// A runner is one run of the bundle on a device.
type runner struct {
	*device
	trusted *trust.Bundle
	bundle  *engine.Bundle
	session *engine.Session
	signals int // readable when the runner is told to end
	planned int // how many migrations wait for an attempt at the beginning
	tried   int
}

// run is the command `run`. The order of its checks is the contract: trust,
// state, lock, what a crash left open, then the decision; nothing is changed
// before the decision but what a crash left open.
func run(o *options) (int, error) {
	root, err := openRoot(o.root)
	if err != nil {
		return 0, err
	}
	if anchor, err := trust.ReadAnchor(root); err == nil && statedir.HasMarker(root, anchor) {
		report.Script([]byte(early.NothingToDo))
		return engine.ExitDone, nil
	}
	t, b, err := trusted(root)
	if err != nil {
		return 0, err
	}
	for _, line := range trust.Summary(t.Differences) {
		report.Warning(line)
	}
	d, err := openDevice(o, root, b.OnCorrupt)
	if err != nil {
		return 0, err
	}
	r := &runner{device: d, trusted: t, bundle: b}
	if r.signals, err = sys.SignalFd(endSignals...); err != nil {
		return 0, doing("listening for signals", err)
	}
	if err := r.prepare(); err != nil {
		return 0, err
	}
	return r.migrate()
}

// prepare does all that comes before the first migration.
func (r *runner) prepare() error {
	if r.state.Critical == nil {
		if err := r.finishOpen(); err != nil {
			return err
		}
	}
	decision := engine.Decide(r.bundle, r.state, freshUnless(r.bundle, r.root))
	if decision.Refusal != nil {
		return decision.Refusal
	}
	if err := r.checkSpace(decision.After); err != nil {
		return err
	}
	if err := r.dir.RemoveMarkers(); err != nil {
		return &statedir.Error{Reason: "removing the old marker: " + err.Error(), Cure: "make " + bundle.StateDir + " writable"}
	}
	return r.carryOut(decision)
}

// carryOut records what was decided, and puts back what a fallback undoes.
func (r *runner) carryOut(d *engine.Decision) error {
	if d.Fresh != nil {
		if _, err := r.record(*d.Fresh); err != nil {
			return err
		}
		report.Line("fresh device: " + count(len(d.Fresh.Items), "migration") + " recorded as baseline")
	}
	if d.Confirm != nil {
		if err := r.confirmAll(); err != nil {
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
		report.Line("older image: " + count(len(d.Rearm.Items), "migration") + " of a newer one will be pending when it returns")
	}
	return nil
}

// migrate runs the migrations and, when all are applied, sets the marker.
func (r *runner) migrate() (int, error) {
	r.planned = engine.Planned(r.bundle, r.state)
	r.session = engine.NewSession(r.bundle, r.state)
	for {
		step := r.session.Next()
		if step.Kind == engine.StepDone {
			break
		}
		if r.toldToEnd() {
			report.Line("told to end; the rest is done at the next start")
			return engine.ExitError, nil
		}
		e, err := r.step(step)
		if err != nil {
			return 0, err
		}
		r.session.Ended(e)
	}
	if !r.session.Complete() {
		return r.session.Exit(), r.explain()
	}
	if r.state.Complete != r.bundle.Anchor || r.state.Release != r.bundle.Release {
		if _, err := r.record(ledger.Event{Kind: ledger.Completed, Bundle: r.bundle.Anchor, Release: r.bundle.Release}); err != nil {
			return 0, err
		}
	}
	if err := r.dir.SetMarker(r.bundle.Anchor); err != nil {
		return 0, doing("setting the marker", err)
	}
	report.Line("complete: release " + r.bundle.Release + ", " + count(r.tried, "migration") + " run")
	report.Notify("STATUS=Complete")
	return engine.ExitDone, nil
}

// step carries out one step and returns the event that ended it.
func (r *runner) step(step engine.Step) (*ledger.Event, error) {
	if step.Kind == engine.StepBaseline {
		return r.record(r.bundle.BaselineEvent(step.Position))
	}
	r.tried++
	return r.attempt(step)
}

// explain says in one line what was left undone and what happens next.
func (r *runner) explain() error {
	rows := engine.Rows(r.bundle, r.state)
	left := 0
	for i := range rows {
		if rows[i].State != engine.StateApplied && rows[i].State != engine.StateBaseline {
			left++
		}
	}
	text := "not complete: " + count(left, "migration") + " left"
	switch {
	case engine.Troubled(rows) == nil:
		text += "; tried again at the next start"
	case engine.Retriable(rows):
		text += "; failed ones are tried again at the next start"
	default:
		text += "; no attempts are left: install an image that repairs it, or use `migrate-runner retry ID`"
	}
	report.Line(text)
	report.Notify("STATUS=" + text)
	return nil
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// endSignals tell the runner to end.
var endSignals = []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}

// toldToEnd says whether a signal came since it was last asked.
func (r *runner) toldToEnd() bool {
	_, ok, _ := sys.ReadSignal(r.signals)
	return ok
}
