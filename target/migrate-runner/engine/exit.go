// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

// The runner's exit codes, as promised to its users.
const (
	ExitDone      = 0 // done, nothing to do, or only "not now" left
	ExitError     = 1 // I/O or internal error
	ExitUsage     = 2
	ExitFailed    = 3 // a migration failed or is blocked; require: not applied
	ExitDowngrade = 4 // refused: the data is newer than this image allows
	ExitTooOld    = 5 // refused: the device is older than Min-From
	ExitTrust     = 6 // refused: bundle not trusted
	ExitState     = 7 // refused: state volatile, corrupt, not writable or without room
	ExitLocked    = 8 // another runner holds the lock
)

// A Refusal says why a run must not begin and what to do about it. It is an
// error value for callers that carry it as one.
type Refusal struct {
	Exit   int
	Reason string
	Cure   string
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

// Hint returns the cure.
func (r *Refusal) Hint() string { return r.Cure }
