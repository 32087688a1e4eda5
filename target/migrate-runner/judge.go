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
	root  int
	state *engine.State
	aside bool // its ledger is damaged, and a run sets it aside
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
		v.aside = true
		return v, nil
	}
	if err != nil {
		return nil, damaged(err)
	}
	v.state = engine.Fold(log.Events)
	return v, nil
}

// hasSave says whether there is a whole save of this number.
func (v *view) hasSave(number uint64) (bool, error) {
	dir, err := statedir.OpenToRead(v.root)
	if err != nil || dir == nil {
		return false, err
	}
	defer syscall.Close(dir.FD)
	return hasSave(dir, number)
}

// openSaves opens the directory of the saves in the state directory for a
// command that changes nothing.
func openSaves(dir int) (int, error) {
	return sys.Openat(dir, "saved", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
}

// judge says what a run of b would do now, or returns the error with which it
// would refuse, as far as both can be seen without changing anything. For an
// image that is only staged, a device without a ledger is taken as it will be.
func (v *view) judge(o *options, b *engine.Bundle) (lines []string, err error) {
	staged := o.image != "" && v.state.Events == 0 && !v.aside
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
	lines, d, err := plan(b, v.state, used, v.hasSave)
	if err != nil {
		return nil, err
	}
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
	var freed saved.Space
	saves, err := openSaves(fd)
	if err == nil {
		defer syscall.Close(saves)
		if holdsMore(saves, v.state.Needed()) {
			return nil
		}
		freed = saved.Sizes(saves, engine.Dropped(v.state, after))
	}
	return spaceError(saved.CheckSpace(v.root, fd, sets, b.Keep == bundle.KeepGood, freed))
}

// holdsMore says whether a run would begin by removing saves, or parts of them,
// that are not needed.
func holdsMore(saves int, needed map[uint64]bool) bool {
	names, err := sys.ReadDirNames(saves)
	for _, name := range names {
		if number, ok := bundle.Number(name); !ok || !needed[number] {
			return true
		}
	}
	return err != nil
}
