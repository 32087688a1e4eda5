// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strconv"
	"strings"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/ascending"
	"meta-migration/target/migrate-runner/internal/sys"
)

// Has reports whether dir holds the save number. Whether it is undamaged shows
// when it is put back.
func Has(dir int, number uint64) (bool, error) {
	name := strconv.FormatUint(number, 10)
	st, err := sys.Statat(dir, name, sys.AT_SYMLINK_NOFOLLOW)
	if err == syscall.ENOENT {
		return false, nil
	}
	if err == nil && st.Type() != syscall.S_IFDIR {
		err = syscall.ENOTDIR
	}
	return err == nil, during("looking for", "save "+name, err)
}

// Numbers returns the numbers of all saves in dir, ascending.
func Numbers(dir int) ([]uint64, error) {
	names, err := sys.ReadDirNames(dir)
	if err != nil {
		return nil, during("reading", "the directory of saves", err)
	}
	var all []uint64
	for _, name := range names {
		if n, ok := saveNumber(name); ok {
			all = append(all, n)
		}
	}
	ascending.Sort(all)
	return all, nil
}

// saveNumber reads a number as FormatUint writes it.
func saveNumber(name string) (uint64, bool) {
	return bundle.Number(name)
}

// Drop removes the save number. It is gone as soon as the first step is on the
// medium: a power cut after that leaves only what [Sweep] removes, never a
// part of a save under its name. A save that is not there is no error.
func Drop(dir int, number uint64) error {
	name := strconv.FormatUint(number, 10)
	err := removeIn(dir, name+dropSuffix)
	if err != nil {
		return err
	}
	err = sys.Renameat(dir, name, dir, name+dropSuffix)
	if err == syscall.ENOENT {
		return nil
	}
	if err == nil {
		// Else the removal of its files could reach the medium first.
		err = sys.Fsync(dir)
	}
	if err != nil {
		return during("dropping", "save "+name, err)
	}
	return removeIn(dir, name+dropSuffix)
}

// Sweep removes what [Save] and [Drop] left when power went. It does not wait
// for the medium: what comes back is swept again.
func Sweep(dir int) error {
	names, err := sys.ReadDirNames(dir)
	if err != nil {
		return during("reading", "the directory of saves", err)
	}
	for _, name := range names {
		number := strings.TrimSuffix(strings.TrimSuffix(name, partSuffix), dropSuffix)
		if _, ok := saveNumber(number); !ok || number == name {
			continue
		}
		if err := removeIn(dir, name); err != nil {
			return err
		}
	}
	return nil
}

// removeIn removes name in the directory of saves, if it is there.
func removeIn(dir int, name string) error {
	var r remover
	above, err := sys.Fstat(dir)
	if err != nil {
		return during("reading", "the directory of saves", err)
	}
	return r.remove(&spot{dir, &above, name, func() string { return "save " + name }})
}
