// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strconv"
	"syscall"

	"meta-migration/internal/bundle"
)

// SpaceError is returned by [Fits]: the saves would not fit.
type SpaceError struct {
	Need, Free Space
}

func (e *SpaceError) Error() string {
	if e.Need.Bytes > e.Free.Bytes {
		return "saving needs " + count(e.Need.Bytes, "bytes") + ", " + count(e.Free.Bytes, "free")
	}
	return "saving needs " + count(e.Need.Inodes, "inodes") + ", " + count(e.Free.Inodes, "free")
}

// Unwrap makes errors.Is(err, syscall.ENOSPC) true.
func (e *SpaceError) Unwrap() error { return syscall.ENOSPC }

// DamageError is returned where a save is not what [Save] wrote. Nothing was
// put back when it is returned.
type DamageError struct {
	Number uint64
	Fault  string
}

func (e *DamageError) Error() string {
	return "save " + strconv.FormatUint(e.Number, 10) + " is damaged: " + e.Fault
}

// opError names what was done to which path.
type opError struct {
	op, path string
	err      error
	hint     string // what a person should know, may be empty
}

func (e *opError) Error() string {
	s := e.op + " " + bundle.Quote(e.path) + ": " + e.err.Error()
	if e.hint != "" {
		s += " (" + e.hint + ")"
	}
	return s
}

func (e *opError) Unwrap() error { return e.err }

// during wraps err with what was done to path. An error that already says so
// stays as it is, and nil stays nil.
//
//go:noinline
func during(op, path string, err error) error {
	switch err.(type) {
	case nil:
		return nil
	case *opError, *DamageError, *SpaceError:
		return err
	}
	return &opError{op: op, path: path, err: err}
}

// text is an error that a sentence describes best.
type text string

func (t text) Error() string { return string(t) }

func count(n uint64, what string) string { return strconv.FormatUint(n, 10) + " " + what }
