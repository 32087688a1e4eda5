// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strconv"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/attempt"
	"meta-migration/target/migrate-runner/internal/report"
	"meta-migration/target/migrate-runner/internal/statedir"
	"meta-migration/target/migrate-runner/ledger"
)

// exitNotNow is EX_TEMPFAIL of sysexits.h.
const exitNotNow = 75

// graceSeconds is what ending a script may take beyond its Timeout; a
// service manager is asked to wait for so long.
const graceSeconds = 20

// attempt tries one migration: started, its Paths saved, run, its effects
// durable, applied; or put back and failed. The error is one after which the
// runner must not go on.
func (r *runner) attempt(step engine.Step) (*ledger.Event, error) {
	m := &r.bundle.Migrations[step.Position]
	script, err := r.trusted.Script(step.Position)
	if err != nil {
		return nil, err
	}
	interpreter, err := bundle.ParseInterpreter(m.File, script)
	if err != nil {
		return nil, err
	}
	place := strconv.Itoa(r.tried) + "/" + strconv.Itoa(r.planned) + " " + string(m.ID)
	report.Notify("STATUS=Migrating "+place, "EXTEND_TIMEOUT_USEC="+strconv.Itoa(m.EffectiveTimeout()+graceSeconds)+"000000")
	started, err := r.record(r.bundle.StartedEvent(step.Position, step.Attempt))
	if err != nil {
		return nil, err
	}
	begin := &one{runner: r, migration: m, started: started}
	ended := begin.run(script, interpreter)
	e, err := begin.settle(ended)
	if err != nil {
		return nil, err
	}
	report.Line(place + ": " + verdict(e, m))
	return e, nil
}

func verdict(e *ledger.Event, m *bundle.Migration) string {
	if e.Kind == ledger.Applied {
		return "applied (" + seconds(e.Millis) + ")"
	}
	text := string(e.Kind) + ": " + engine.Describe(e)
	if e.Kind == ledger.Failed {
		text += " (attempt " + strconv.Itoa(e.Attempt) + " of " + strconv.Itoa(m.EffectiveAttempts()) + ")"
	}
	return text
}

func seconds(millis int64) string {
	return strconv.FormatInt(millis/1000, 10) + "." + strconv.FormatInt(millis%1000/100, 10) + " s"
}

// one is an attempt at one migration.
type one struct {
	*runner
	migration *bundle.Migration
	started   *ledger.Event
	output    output
	saved     bool
}

// run saves the Paths and runs the script. What it returns says how that
// ended; nothing of it is recorded yet.
func (a *one) run(script []byte, interpreter bundle.Interpreter) ledger.Event {
	failed := func(err error) ledger.Event {
		e := engine.EndedEvent(a.started, ledger.Failed)
		e.Reason = err.Error()
		return e
	}
	if err := a.save(); err != nil {
		return failed(err)
	}
	if err := a.dir.MakePrivate(a.migration.ID); err != nil {
		return failed(doing("making its private directory", err))
	}
	result, err := a.execute(script, interpreter)
	if e := a.dir.WriteLog(a.migration.ID, a.output.bytes()); e != nil {
		report.Warning("writing the log of " + string(a.migration.ID) + ": " + e.Error() + ", ignoring")
	}
	if err != nil {
		return failed(doing("running "+interpreter.Path, err))
	}
	e := a.judge(result)
	if e.Kind == ledger.Applied {
		if err := syncWritten(a.root, a.rootAt); err != nil {
			return failed(doing("making what it wrote durable", err))
		}
	}
	return e
}

// judge turns a result into the event that ends the attempt.
func (a *one) judge(result attempt.Result) ledger.Event {
	kind := ledger.Failed
	switch {
	case result.Stopped:
		kind = ledger.Stopped
	case result.Timeout, result.Signal != 0, result.Left:
	case result.Exit == 0:
		kind = ledger.Applied
	case result.Exit == exitNotNow:
		kind = ledger.Deferred
	}
	e := engine.EndedEvent(a.started, kind)
	e.Millis = result.Millis
	if kind != ledger.Applied {
		e.Exit, e.Signal, e.Timeout, e.Reason = result.Exit, int(result.Signal), result.Timeout, a.output.reason()
	}
	if result.Left {
		e.Reason = "a process that it started could not be ended"
	}
	return e
}

func (a *one) execute(script []byte, interpreter bundle.Interpreter) (attempt.Result, error) {
	m := a.migration
	a.output = output{id: string(m.ID)}
	fallback, err := a.dir.Subdir("script")
	if err != nil {
		return attempt.Result{}, err
	}
	defer closeFD(fallback)
	return attempt.Run(&attempt.Script{
		Data: script, Interpreter: interpreter, Root: a.rootAt, RootFD: a.root, Timeout: m.EffectiveTimeout(),
		Fallback: fallback, FallbackAt: bundle.StateDir + "/script", Signals: a.signals, Output: a.output.add,
		Env: []string{
			"PATH=" + bundle.ScriptPath, "LC_ALL=C",
			"MIGRATION_ID=" + string(m.ID), "MIGRATION_FROM=" + a.state.Release, "MIGRATION_TO=" + a.bundle.Release,
			"MIGRATION_ATTEMPT=" + strconv.Itoa(a.started.Attempt), "MIGRATION_FILE=" + m.File,
			"MIGRATION_STATE=" + statedir.PrivatePath(m.ID), "MIGRATION_LIB=" + bundle.LibraryPath,
		},
	})
}

// settle records how the attempt ended. Whatever is not applied is put back
// first, durably; a put-back that does not succeed leaves the attempt open,
// for the next start.
func (a *one) settle(ended ledger.Event) (*ledger.Event, error) {
	if ended.Kind != ledger.Applied {
		if err := a.putBack(a.started); err != nil {
			return nil, err
		}
	}
	e, err := a.record(ended)
	if err != nil {
		return nil, err
	}
	if e.Kind == ledger.Applied {
		if err := a.dir.RemovePrivate(a.migration.ID); err != nil {
			report.Warning("removing the private directory of " + string(a.migration.ID) + ": " + err.Error() + ", ignoring")
		}
	}
	if e.Kind == ledger.Applied && e.Keep {
		return e, nil
	}
	return e, a.dropSave(a.started.Seq)
}
