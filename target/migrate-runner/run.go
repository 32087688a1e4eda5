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

// A runner is the device on which a bundle is run; what is done when is
// [engine.Run]'s.
type runner struct {
	*device
	trusted *trust.Bundle
	bundle  *engine.Bundle
	signals int // readable when the runner is told to end
}

var _ engine.Device = (*runner)(nil)

// run is the command `run`. The order of its checks is the contract: trust,
// state, lock; then what a crash left open and the decision.
func run(o *options) (int, error) {
	root, err := openRoot(o.root)
	if err != nil {
		return 0, err
	}
	if complete(root) {
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
	if r.signals, err = sys.SignalFd(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP); err != nil {
		return 0, doing("listening for signals", err)
	}
	return (&engine.Run{Bundle: b, State: d.state, Device: r}).All()
}

// ToldToEnd says whether a signal came since it was last asked.
func (r *runner) ToldToEnd() bool {
	_, ok, _ := sys.ReadSignal(r.signals)
	return ok
}

// RemoveMarkers removes every marker, durably.
func (d *device) RemoveMarkers() error {
	if err := d.dir.RemoveMarkers(); err != nil {
		return &statedir.Error{Reason: "removing the marker: " + err.Error(), Cure: "make " + bundle.StateDir + "/complete a directory of root on a writable file system"}
	}
	return nil
}

// SetMarker makes the marker for anchor the only one, durably.
func (d *device) SetMarker(anchor bundle.Digest) error {
	return doing("setting the marker", d.dir.SetMarker(anchor))
}

// FreshUnless says whether one of the paths exists below the root.
func (d *device) FreshUnless(paths []string) (bool, error) { return anyExists(d.root, paths) }

// Cleanup removes the private directory of an applied migration.
func (d *device) Cleanup(id bundle.ID) {
	if _, err := d.dir.RemovePrivate(id); err != nil {
		report.Warning("removing the private directory of " + string(id) + ": " + err.Error() + ", ignoring")
	}
}

// CleanupAgain removes a private directory that a crash left, durably.
func (d *device) CleanupAgain(id bundle.ID) error {
	removed, err := d.dir.RemovePrivate(id)
	if err == nil && removed {
		err = d.dir.SyncPrivate()
	}
	return doing("removing the private directory of "+string(id), err)
}

// Record makes an event durable.
func (d *device) Record(e *ledger.Event) error { return d.writer.Append(e) }

// Say tells people, and the service manager, what is going on.
func (d *device) Say(m engine.Message) {
	switch m.Kind {
	case engine.SayInterrupted:
		report.Line(string(m.Event.ID) + " was interrupted at its attempt " + strconv.Itoa(m.Event.Attempt))
	case engine.SayFresh:
		report.Line("fresh device: " + count(len(m.Event.Items), "migration") + " recorded as baseline")
	case engine.SayFallback:
		report.Line("fallback: " + count(len(m.Event.Items), "migration") + " of the image before put back, pending again")
	case engine.SayLost:
		report.Warning("the save of " + string(m.ID) + " is gone: what it changed is not put back")
	case engine.SayRearmed:
		report.Line("older image: " + count(len(m.Event.Items), "migration") + " of a newer one will be pending when it returns")
	case engine.SayAttempt:
		report.Notify("STATUS=Migrating "+place(m), "EXTEND_TIMEOUT_USEC="+strconv.Itoa(m.Migration.EffectiveTimeout()+graceSeconds)+"000000")
	case engine.SayEnded:
		report.Line(place(m) + ": " + verdict(m.Event, m.Migration))
	case engine.SayStopped:
		report.Line("told to end; the rest is done at the next start")
	case engine.SayComplete:
		report.Line("complete: " + count(m.N, "migration") + " run")
		report.Notify("STATUS=Complete")
	case engine.SayNotComplete:
		text := notComplete(m)
		report.Line(text)
		report.Notify("STATUS=" + text)
	}
}

func place(m engine.Message) string {
	return strconv.Itoa(m.N) + "/" + strconv.Itoa(m.Of) + " " + string(m.Migration.ID)
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

// notComplete says in one line what was left undone and what happens next.
func notComplete(m engine.Message) string {
	text := "not complete: " + count(m.N, "migration") + " left"
	switch {
	case engine.Troubled(m.Rows) == nil:
		return text + "; tried again at the next start"
	case engine.Retriable(m.Rows):
		return text + "; failed ones are tried again at the next start"
	}
	return text + "; no attempts are left: install an image that repairs it, or use `migrate-runner retry ID`"
}

func seconds(millis int64) string {
	return strconv.FormatInt(millis/1000, 10) + "." + strconv.FormatInt(millis%1000/100, 10) + " s"
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}
