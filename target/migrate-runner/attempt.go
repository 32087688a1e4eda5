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

// Attempt runs a migration's script and makes durable what it wrote. Only a
// bundle that changed under the runner's eyes is an error: all else is a
// failed attempt.
func (r *runner) Attempt(position int, started *ledger.Event) (ledger.Event, error) {
	m := &r.bundle.Migrations[position]
	script, err := r.trusted.Script(position)
	if err != nil {
		return ledger.Event{}, err
	}
	interpreter, err := bundle.ParseInterpreter(m.File, script)
	if err != nil {
		return ledger.Event{}, err
	}
	out := &output{id: string(m.ID)}
	result, err := r.execute(m, started, script, interpreter, out)
	if e := r.dir.WriteLog(m.ID, out.bytes()); e != nil {
		report.Warning("writing the log of " + string(m.ID) + ": " + e.Error() + ", ignoring")
	}
	if err != nil {
		return failed(started, doing("running "+interpreter.Path, err)), nil
	}
	e := judge(started, result, out)
	if e.Kind == ledger.Applied {
		if err := syncWritten(r.root, r.rootAt); err != nil {
			return failed(started, doing("making what it wrote durable", err)), nil
		}
	}
	return e, nil
}

func failed(started *ledger.Event, err error) ledger.Event {
	e := engine.EndedEvent(started, ledger.Failed)
	e.Reason = err.Error()
	return e
}

// judge turns a result into the event that ends the attempt.
func judge(started *ledger.Event, result attempt.Result, out *output) ledger.Event {
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
	e := engine.EndedEvent(started, kind)
	e.Millis = result.Millis
	if kind != ledger.Applied {
		e.Exit, e.Signal, e.Timeout, e.Reason = result.Exit, int(result.Signal), result.Timeout, out.reason()
	}
	if result.Left {
		e.Reason = "a process that it started could not be ended"
	}
	return e
}

func (r *runner) execute(m *bundle.Migration, started *ledger.Event, script []byte, interpreter bundle.Interpreter, out *output) (attempt.Result, error) {
	if err := r.dir.MakePrivate(m.ID); err != nil {
		return attempt.Result{}, err
	}
	fallback, err := r.dir.Subdir("script")
	if err != nil {
		return attempt.Result{}, err
	}
	defer closeFD(fallback)
	return attempt.Run(&attempt.Script{
		Data: script, Interpreter: interpreter, Root: r.rootAt, RootFD: r.root, Timeout: m.EffectiveTimeout(),
		Fallback: fallback, FallbackAt: bundle.StateDir + "/script", Signals: r.signals, Output: out.add,
		Env: []string{
			"PATH=" + bundle.ScriptPath, "LC_ALL=C",
			"MIGRATION_ID=" + string(m.ID), "MIGRATION_FROM=" + r.state.Release, "MIGRATION_TO=" + r.bundle.Release,
			"MIGRATION_ATTEMPT=" + strconv.Itoa(started.Attempt), "MIGRATION_FILE=" + m.File,
			"MIGRATION_STATE=" + statedir.PrivatePath(m.ID), "MIGRATION_LIB=" + bundle.LibraryPath,
		},
	})
}
