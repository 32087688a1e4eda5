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
	"meta-migration/target/migrate-runner/internal/sys"
	"meta-migration/target/migrate-runner/internal/trust"
	"meta-migration/target/migrate-runner/ledger"
)

// openRoot opens the directory that a command works on.
func openRoot(dir string) (int, error) {
	if dir == "" {
		dir = "/"
	}
	fd, err := sys.Openat(sys.AT_FDCWD, dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, doing("opening the root directory "+quote(dir), err)
	}
	return fd, nil
}

// absolute is the path of an open root directory that was given as dir, as
// the kernel names it in its list of mounts.
func absolute(root int, dir string) string {
	if dir == "" {
		return ""
	}
	path, err := sys.Readlinkat(sys.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(root))
	if err != nil {
		return dir
	}
	return path
}

// A device is a root directory with its state, opened to change it.
type device struct {
	root   int
	rootAt string // its path, "" for the running system
	dir    *statedir.Dir
	writer *statedir.Writer
	state  *engine.State
}

// openDevice opens the state below root, takes the lock and reads the
// ledger. A torn last line is cut off. onCorrupt says what a damaged ledger
// means.
func openDevice(o *options, root int, onCorrupt bundle.OnCorrupt) (*device, error) {
	dir, err := statedir.Open(root, o.allowVolatile)
	if err != nil {
		return nil, err
	}
	if err := dir.Lock(); err != nil {
		return nil, err
	}
	log, err := dir.ReadLedger()
	if damage, ok := err.(*ledger.DamageError); ok && onCorrupt == bundle.Rerun {
		log, err = beginAnew(root, dir, damage)
	}
	if err != nil {
		return nil, damaged(err)
	}
	// Nobody may write behind, or compact away, what he does not understand.
	if refusal := engine.Fold(log.Events).Unknown(); refusal != nil {
		return nil, refusal
	}
	if log.End > compactAbove {
		log = compact(dir, log)
	}
	writer, err := dir.OpenWriter(log)
	if err != nil {
		return nil, err
	}
	return &device{root: root, rootAt: absolute(root, o.root), dir: dir, writer: writer, state: engine.Fold(log.Events)}, nil
}

// compactAbove is the size of a ledger, in bytes, from which it is compacted:
// some hundred attempts.
const compactAbove = 128 << 10

// compact makes the ledger smaller where that is worth it. One that cannot
// be compacted is used as it is.
func compact(dir *statedir.Dir, log *ledger.Log) *ledger.Log {
	data := ledger.EncodeCompacted(log.Next-1, engine.Compact(log.Events))
	if len(data) > log.End/2 {
		return log
	}
	compacted, err := ledger.Parse(data)
	if err == nil {
		err = dir.ReplaceLedger(data)
	}
	if err != nil {
		report.Warning("compacting the ledger: " + err.Error() + ", ignoring")
		// What is on disk may be either; only reading it tells.
		if again, err := dir.ReadLedger(); err == nil {
			return again
		}
		return log
	}
	return compacted
}

// damaged says what can be done about a ledger that cannot be read.
func damaged(err error) error {
	if _, ok := err.(*ledger.DamageError); !ok {
		return err
	}
	return &exitError{engine.ExitState, err.Error() + ", and On-Corrupt is refuse",
		"repair the storage; where running every migration again is safe, move " + bundle.StateDir + "/ledger away or build the image with On-Corrupt: rerun"}
}

// beginAnew sets a damaged ledger aside: as if it were lost. Only what was
// under way is put back first, where the last event says so: every migration
// runs again, and none is to begin on data that another one left half done.
func beginAnew(root int, dir *statedir.Dir, damage *ledger.DamageError) (*ledger.Log, error) {
	if err := dir.RemoveMarkers(); err != nil {
		return nil, doing("removing the marker", err)
	}
	if e := damage.Last; e != nil {
		put := e.Refs
		switch e.Kind {
		case ledger.Started:
			put = []uint64{e.Seq}
		case ledger.Fallback:
		default:
			put = nil
		}
		d := &device{root: root, dir: dir}
		for _, number := range put {
			if err := d.PutBack(number, e.ID); err != nil {
				return nil, err
			}
		}
	}
	if err := sweepSaves(dir, nil); err != nil {
		return nil, err
	}
	if err := statedir.RemoveTree(dir.FD, "state"); err != nil {
		return nil, doing("removing the private directories", err)
	}
	name, err := dir.SetAside()
	if err != nil {
		return nil, doing("setting the damaged ledger aside", err)
	}
	report.Warning(damage.Error() + "; it is kept as " + bundle.StateDir + "/" + name + ", and every migration runs again")
	return ledger.Parse(nil)
}

// trusted reads the bundle below root as [trust.Read] does.
func trusted(root int) (*trust.Bundle, *engine.Bundle, error) {
	t, err := trust.Read(root)
	if err != nil {
		return nil, nil, err
	}
	return t, engine.NewBundle(t.Manifest, t.Anchor), nil
}

// anyExists says whether one of the paths exists below root. Only what is
// surely not there does not: a used device must not become a fresh one by an
// error of its storage.
func anyExists(root int, paths []string) (bool, error) {
	for _, path := range paths {
		// Links are followed as in a chroot: an absolute one of the device's
		// must not lead out of it.
		exists, err := saved.Exists(root, path)
		if err != nil {
			return true, doing("looking at "+path+" of Fresh-Unless", err)
		}
		if exists {
			return true, nil
		}
	}
	return false, nil
}
