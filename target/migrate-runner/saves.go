// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
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

// Save saves the Paths of an attempt, durably.
func (d *device) Save(started *ledger.Event, paths []string) error {
	return withSaves(d.dir, func(fd int) error { return saved.Save(d.root, fd, started.Seq, paths) })
}

// PutBack restores what an attempt saved and empties the private directory
// of id. Without a whole save nothing was run and there is nothing to put
// back.
func (d *device) PutBack(number uint64, id bundle.ID) error {
	err := withSaves(d.dir, func(fd int) error {
		whole, err := saved.Has(fd, number)
		if err != nil || !whole {
			return err
		}
		did, err := saved.Restore(d.root, fd, number)
		if err != nil {
			return err
		}
		reportPutBack(&did)
		if id == "" {
			return nil
		}
		// Durable before the end is recorded: else a script could go on from
		// steps whose effect was put back.
		if _, err := d.dir.RemovePrivate(id); err != nil {
			return err
		}
		return d.dir.SyncPrivate()
	})
	if err != nil {
		return &exitError{engine.ExitState, "putting back the Paths of " + string(id) + ": " + err.Error(),
			"nothing else is run; it is tried again at the next start"}
	}
	return nil
}

// reportPutBack says what putting back cannot undo.
func reportPutBack(did *saved.Report) {
	for _, path := range did.Left {
		report.Warning(bundle.Quote(path) + " was mounted meanwhile: it is left alone, with the directories above it")
	}
	for _, path := range did.Copied {
		report.Warning(bundle.Quote(path) + " is as it was before, but as a copy in the overlay, which hides what the next image has there")
	}
}

// HasSave says whether there is a whole save of this number.
func (d *device) HasSave(number uint64) (bool, error) { return hasSave(d.dir, number) }

// hasSave looks for a whole save, and makes no directory for it.
func hasSave(dir *statedir.Dir, number uint64) (bool, error) {
	saves, err := openSaves(dir.FD)
	if err == syscall.ENOENT {
		return false, nil
	}
	has := false
	if err == nil {
		has, err = saved.Has(saves, number)
		syscall.Close(saves)
	}
	if err != nil {
		return false, &exitError{engine.ExitState, "looking for a save that is to be put back: " + err.Error(), "nothing else is run; it is tried again at the next start"}
	}
	return has, nil
}

// DropSave removes a save.
func (d *device) DropSave(number uint64) error {
	return withSaves(d.dir, func(fd int) error { return saved.Drop(fd, number) })
}

// SweepSaves removes all saves that are not needed, and parts of saves.
func (d *device) SweepSaves(needed map[uint64]bool) error {
	return sweepSaves(d.dir, needed)
}

func sweepSaves(dir *statedir.Dir, needed map[uint64]bool) error {
	return withSaves(dir, func(fd int) error {
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

// CheckSpace refuses to begin when the largest save, or with all of them all
// together, does not fit beside those that are kept; dropped ones will be gone.
func (d *device) CheckSpace(sets [][]string, all bool, dropped []uint64) error {
	return spaceError(withSaves(d.dir, func(fd int) error {
		return saved.CheckSpace(d.root, fd, sets, all, saved.Sizes(fd, dropped))
	}))
}

// spaceError makes the refusal of what CheckSpace of package saved found.
func spaceError(err error) error {
	if _, ok := err.(*saved.SpaceError); ok {
		return &statedir.Error{Reason: err.Error(), Cure: "free space on the file system of " + bundle.StateDir}
	}
	return doing("measuring the room for saves", err)
}
