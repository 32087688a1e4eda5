// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/saved"
	"meta-migration/target/migrate-runner/internal/statedir"
	"meta-migration/target/migrate-runner/internal/sys"
	"meta-migration/target/migrate-runner/ledger"
)

// A view is the device below root as a command sees it that changes nothing.
type view struct {
	root   int
	state  *engine.State
	aside  bool // its ledger is damaged, and a run sets it aside
	ledger bool // there is one, with at least one event
}

// lookAt reads the state below root. Without a ledger it is empty, and so it
// is where onCorrupt says that a damaged one is set aside.
func lookAt(root int, onCorrupt bundle.OnCorrupt) (*view, error) {
	v := &view{root: root, state: engine.Fold(nil)}
	dir, err := statedir.OpenToRead(root)
	if err != nil || dir == nil {
		return v, err
	}
	defer syscall.Close(dir.FD)
	log, err := dir.ReadLedger()
	if _, ok := err.(*ledger.DamageError); ok && onCorrupt == bundle.Rerun {
		v.aside, v.ledger = true, true
		return v, nil
	}
	if err != nil {
		return nil, damaged(err)
	}
	v.state, v.ledger = engine.Fold(log.Events), len(log.Events) > 0
	return v, nil
}

// judge says what a run of b would do now, or returns the error with which it
// would refuse, as far as both can be seen without changing anything. For an
// image that is only staged, a device without a ledger is taken as it will be.
func (v *view) judge(o *options, b *engine.Bundle) (lines []string, err error) {
	staged := o.image != "" && !v.ledger
	if !staged {
		if err := statedir.Judge(v.root, o.allowVolatile); err != nil {
			return nil, err
		}
	}
	used := true
	if v.state.Events == 0 {
		if used, err = anyExists(v.root, b.FreshUnless); err != nil {
			return nil, err
		}
	}
	lines, d := plan(b, v.state, used)
	if d.Refusal != nil {
		return nil, d.Refusal
	}
	if v.aside {
		lines = append([]string{"set-aside the damaged ledger\n"}, lines...)
	}
	if !staged {
		err = v.room(b, d.After)
	}
	return lines, err
}

// room returns the error of a run that finds no space for its saves. Where the
// run would first put back or remove saves, how much room there will be shows
// only then.
func (v *view) room(b *engine.Bundle, after *engine.State) error {
	sets := b.ToSave(after)
	if len(sets) == 0 || v.aside || v.state.Open != nil || v.state.Fallback != nil {
		return nil
	}
	fd, err := statedir.Nearest(v.root)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if leftSaves(fd, v.state.Needed()) {
		return nil
	}
	return spaceError(saved.CheckSpace(v.root, fd, sets, b.Keep == bundle.KeepGood, v.freed(after)))
}

// freed is what the saves take that a run would drop before it saves more.
func (v *view) freed(after *engine.State) saved.Space {
	dir, err := statedir.OpenToRead(v.root)
	if err != nil || dir == nil {
		return saved.Space{}
	}
	defer syscall.Close(dir.FD)
	fd, err := sys.Openat(dir.FD, "saved", savesFlags, 0)
	if err != nil {
		return saved.Space{}
	}
	defer syscall.Close(fd)
	return saved.Sizes(fd, engine.Dropped(v.state, after))
}

const savesFlags = syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC

// leftSaves says whether a run would begin by removing saves, or parts of
// them, that are not needed.
func leftSaves(state int, needed map[uint64]bool) bool {
	fd, err := sys.Openat(state, "saved", savesFlags, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	names, err := sys.ReadDirNames(fd)
	for _, name := range names {
		if number, ok := bundle.Number(name); !ok || !needed[number] {
			return true
		}
	}
	return err != nil
}
