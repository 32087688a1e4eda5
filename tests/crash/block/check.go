// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/ledger"
	"meta-migration/tests/crash"
)

// A calm run is what comes of a disk when nothing disturbs it.
type calm struct {
	before, after string             // the data
	standings     string             // after
	applied       map[bundle.ID]bool // before
}

// A bench is where disks are mounted and looked at: one for each thread.
type bench struct {
	t      testing.TB // only to hand it on: it must not fail here
	image  string
	point  string
	runner string
}

func newBench(t testing.TB, dir, runner string) (*bench, error) {
	b := &bench{catcher{t}, filepath.Join(dir, "image"), filepath.Join(dir, "mnt"), runner}
	return b, os.Mkdir(b.point, 0o755)
}

// A catcher turns the end of a test into a panic, which a bench turns into a
// finding: the test goes on with the next disk, and ends in its goroutine.
type catcher struct{ testing.TB }

type caught string

func (c catcher) Fatal(args ...any)            { panic(caught(fmt.Sprint(args...))) }
func (c catcher) Fatalf(f string, args ...any) { panic(caught(fmt.Sprintf(f, args...))) }

// with mounts the disk for as long as look runs.
func (b *bench) with(disk *base, writes []write, look func() error) (err error) {
	if err := disk.writeFile(b.image, writes); err != nil {
		return err
	}
	if err := mountImage(b.image, b.point); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			text, ok := p.(caught)
			if !ok {
				panic(p)
			}
			err = violation(string(text))
		}
		if e := unmount(b.point); e != nil && err == nil {
			err = fmt.Errorf("unmounting the image: %w", e)
		}
	}()
	return look()
}

// A violation is a finding; any other error is the test's own trouble.
type violation string

func (v violation) Error() string { return string(v) }

// isViolation tells a finding from the test's own trouble.
func isViolation(err error) bool {
	var v violation
	return errors.As(err, &v)
}

func violated(format string, args ...any) error { return violation(fmt.Sprintf(format, args...)) }

func (b *bench) run() (exit int, output string) {
	limit, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(limit, b.runner, "run", "--root", b.point)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// calm runs the disk undisturbed.
func (b *bench) calm(d *disk) error {
	return b.with(d.base, nil, func() error {
		d.calm.before = crash.Picture(b.t, b.point)
		log, err := b.ledger()
		if err != nil {
			return err
		}
		d.calm.applied = map[bundle.ID]bool{}
		for id, r := range engine.Fold(log.Events).Records {
			d.calm.applied[id] = r.Standing == engine.Applied
		}
		if exit, out := b.run(); exit != d.scenario.Exit {
			return fmt.Errorf("running %s undisturbed: exit %d, want %d\n%s", d.name, exit, d.scenario.Exit, out)
		}
		d.calm.after, d.calm.standings = crash.Picture(b.t, b.point), crash.Standings(b.t, b.point)
		return nil
	})
}

func (b *bench) ledger() (*ledger.Log, error) {
	data, err := os.ReadFile(b.point + bundle.StateDir + "/ledger")
	if err != nil && !os.IsNotExist(err) {
		return nil, violated("reading the ledger: %v", err)
	}
	log, err := ledger.Parse(data)
	if err != nil {
		return nil, violated("the ledger is damaged: %v", err)
	}
	return log, nil
}

// A sight is what was met on a disk, to show what a sweep has covered.
type sight struct{ open, torn, saved bool }

// check mounts the disk in a state, looks at it, and lets the runner end what
// it finds there. The error is a violation, or the test's own trouble.
func (b *bench) check(d *disk, s *state) (seen sight, err error) {
	err = b.with(d.base, s.writes, func() error {
		log, err := b.ledger()
		if err != nil {
			return err
		}
		found := engine.Fold(log.Events)
		seen.open, seen.torn = found.Open != nil || found.Fallback != nil, log.Torn
		saves, _ := os.ReadDir(b.point + bundle.StateDir + "/saved")
		seen.saved = len(saves) > 0
		data := crash.Picture(b.t, b.point)
		if err := d.whole(found, data); err != nil {
			return err
		}
		if s.claimed {
			if err := d.asSaid(data, crash.Standings(b.t, b.point)); err != nil {
				return err
			}
		}
		return b.again(d, found)
	})
	var refused *mountError
	if errors.As(err, &refused) {
		err = violation(refused.Error())
	}
	return seen, err
}

// whole checks that what the ledger says has its effect, and nothing else.
func (d *disk) whole(found *engine.State, data string) error {
	for _, e := range d.scenario.Effects {
		done, undone := crash.Part(d.calm.after, e.Data), crash.Part(d.calm.before, e.Data)
		if d.calm.applied[e.ID] {
			done, undone = undone, done
		}
		r, part := found.Records[e.ID], crash.Part(data, e.Data)
		switch {
		case found.Fallback != nil || found.Open != nil && found.Open.ID == e.ID:
		case r != nil && (r.Standing == engine.Applied || r.Standing == engine.Baseline):
			if part != done {
				return violated("%s is recorded, its effect is not whole\n%s", e.ID, crash.Difference(part, done))
			}
		case e.Paths || r == nil:
			if part != undone {
				return violated("%s is not recorded, but the data has changed\n%s", e.ID, crash.Difference(part, undone))
			}
		case !r.Touched:
			return violated("%s has an end without a begin", e.ID)
		}
	}
	return nil
}

// asSaid checks that all is there when the runner had ended. The removal of a
// save that nothing needs may be lost.
func (d *disk) asSaid(data, standings string) error {
	if data != d.calm.after {
		return violated("the runner had ended, but the data is lost\n%s", crash.Difference(data, d.calm.after))
	}
	if got, want := withoutSaves(standings), withoutSaves(d.calm.standings); got != want {
		return violated("the runner had ended, but its record is lost\n%s", crash.Difference(got, want))
	}
	return nil
}

func withoutSaves(standings string) string {
	var lines []string
	for _, line := range strings.Split(standings, "\n") {
		if !strings.HasSuffix(line, " saves") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// again runs the runner to its end: once is enough.
func (b *bench) again(d *disk, found *engine.State) error {
	exit, out := b.run()
	if exit != d.scenario.Exit {
		return violated("run again, it exits with %d, want %d\n%s", exit, d.scenario.Exit, out)
	}
	if data := crash.Picture(b.t, b.point); data != d.calm.after {
		return violated("run again, the data differs\n%s\n%s", crash.Difference(data, d.calm.after), out)
	}
	if got := crash.Standings(b.t, b.point); got != d.calm.standings {
		return violated("run again, the ledger differs\n%s\n%s", crash.Difference(got, d.calm.standings), out)
	}
	if found.Open == nil {
		return nil
	}
	log, err := b.ledger()
	if err != nil {
		return err
	}
	for i := range log.Events {
		if e := &log.Events[i]; e.Kind == ledger.Interrupted && e.Ref == found.Open.Seq {
			return nil
		}
	}
	return violated("attempt %d of %s was open and is not recorded as interrupted", found.Open.Attempt, found.Open.ID)
}
