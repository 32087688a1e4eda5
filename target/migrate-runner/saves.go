// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strconv"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/report"
	"meta-migration/target/migrate-runner/internal/saved"
	"meta-migration/target/migrate-runner/internal/statedir"
	"meta-migration/target/migrate-runner/ledger"
)

// withSaves calls f with the directory of the saves.
func withSaves(dir *statedir.Dir, f func(fd int) error) error {
	fd, err := dir.Subdir("saved")
	if err != nil {
		return doing("opening the directory of the saves", err)
	}
	defer syscall.Close(fd)
	return f(fd)
}

// save saves the Paths of a migration, if it has any.
func (a *one) save() error {
	if !a.started.Paths {
		return nil
	}
	return withSaves(a.dir, func(fd int) error {
		return saved.Save(a.root, fd, a.started.Seq, a.migration.Paths)
	})
}

// putBack restores what an attempt saved. Without a whole save nothing was
// run and there is nothing to put back.
func (d *device) putBack(started *ledger.Event) error {
	if !started.Paths {
		return nil
	}
	err := withSaves(d.dir, func(fd int) error {
		whole, err := saved.Has(fd, started.Seq)
		if err != nil || !whole {
			return err
		}
		if _, err = saved.Restore(d.root, fd, started.Seq); err != nil {
			return err
		}
		return d.dir.RemovePrivate(started.ID)
	})
	if err != nil {
		return &exitError{engine.ExitState, "putting back the Paths of " + string(started.ID) + ": " + err.Error(),
			"nothing else is run; it is tried again at the next start"}
	}
	return nil
}

func (d *device) dropSave(number uint64) error {
	return withSaves(d.dir, func(fd int) error { return saved.Drop(fd, number) })
}

// dropSaves removes all saves: what they belong to is not known any more.
func dropSaves(dir *statedir.Dir) error {
	return withSaves(dir, func(fd int) error {
		numbers, err := saved.Numbers(fd)
		for _, n := range numbers {
			if err == nil {
				err = saved.Drop(fd, n)
			}
		}
		return err
	})
}

// finishOpen ends what a crash left open, whatever the bundle: a fallback is
// carried on, an attempt is put back and counted as interrupted, and saves
// that nothing needs any more are removed.
func (d *device) finishOpen() error {
	if d.state.Fallback != nil {
		if err := d.finishFallback(d.state.Fallback); err != nil {
			return err
		}
	}
	if open := d.state.Open; open != nil {
		if err := d.putBack(open); err != nil {
			return err
		}
		report.Line(string(open.ID) + " was interrupted at its attempt " + strconv.Itoa(open.Attempt))
		if _, err := d.record(engine.EndedEvent(open, ledger.Interrupted)); err != nil {
			return err
		}
	}
	return d.sweepSaves()
}

// sweepSaves removes the saves that no unconfirmed migration needs.
func (d *device) sweepSaves() error {
	needed := map[uint64]bool{}
	for i := range d.state.Unconfirmed {
		needed[d.state.Unconfirmed[i].Ref] = true
	}
	return withSaves(d.dir, func(fd int) error {
		if err := saved.Sweep(fd); err != nil {
			return err
		}
		numbers, err := saved.Numbers(fd)
		for _, n := range numbers {
			if err == nil && !needed[n] {
				err = saved.Drop(fd, n)
			}
		}
		return err
	})
}

// finishFallback puts back every save that a fallback names, in its order,
// then records it as done, then drops the saves.
func (d *device) finishFallback(f *ledger.Event) error {
	for _, ref := range f.Refs {
		if err := d.putBack(d.startedAs(ref)); err != nil {
			return err
		}
	}
	ended := engine.RevertedEvent(f)
	if _, err := d.record(ended); err != nil {
		return err
	}
	report.Line("fallback: " + count(len(f.Items), "migration") + " of the image before put back, pending again")
	for _, ref := range f.Refs {
		if err := d.dropSave(ref); err != nil {
			return err
		}
	}
	return nil
}

// startedAs finds what is known of an unconfirmed attempt by its number.
func (d *device) startedAs(number uint64) *ledger.Event {
	e := &ledger.Event{Seq: number, Paths: true}
	for i := range d.state.Unconfirmed {
		if d.state.Unconfirmed[i].Ref == number {
			e.ID = d.state.Unconfirmed[i].ID
		}
	}
	return e
}

// confirmAll keeps what was applied for good.
func (d *device) confirmAll() error {
	if len(d.state.Unconfirmed) == 0 {
		return nil
	}
	if _, err := d.record(ledger.Event{Kind: ledger.Confirmed}); err != nil {
		return err
	}
	return d.sweepSaves()
}

// checkSpace refuses to begin when the largest save, or with Keep all of
// them, does not fit.
func (r *runner) checkSpace(after *engine.State) error {
	var sets [][]string
	for i := range r.bundle.Migrations {
		m := &r.bundle.Migrations[i]
		if len(m.Paths) > 0 && !r.bundle.CountsAsApplied(after, m.ID) {
			sets = append(sets, m.Paths)
		}
	}
	if len(sets) == 0 {
		return nil
	}
	err := withSaves(r.dir, func(fd int) error {
		return saved.CheckSpace(r.root, fd, sets, r.bundle.Keep == bundle.KeepGood)
	})
	if err != nil {
		return &statedir.Error{Reason: err.Error(), Cure: "free space on the file system of " + bundle.StateDir}
	}
	return nil
}
