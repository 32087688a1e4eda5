// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// A Device is all that a run does to the world. The real one is files and
// processes; a simulated one can lose its power at any call. An error of any
// method ends the run at once, with nothing further recorded.
type Device interface {
	// Record gives e its number and makes it durable in the ledger.
	Record(e *ledger.Event) error
	// FreshUnless says whether one of the paths exists. A path that cannot be
	// looked at is an error: that decision is made once.
	FreshUnless(paths []string) (bool, error)
	// CheckSpace says whether the largest of these sets of Paths can be
	// saved, or, with all, all of them together, when the dropped saves are
	// gone.
	CheckSpace(sets [][]string, all bool, dropped []uint64) error

	// Save saves the Paths of the attempt that started began; durable.
	Save(started *ledger.Event, paths []string) error
	// PutBack restores what the attempt with this number saved, if its save
	// is whole, and empties the private directory of id; durable.
	PutBack(number uint64, id bundle.ID) error
	// HasSave says whether there is a whole save of this number.
	HasSave(number uint64) (bool, error)
	// DropSave removes a save. None is no error.
	DropSave(number uint64) error
	// SweepSaves removes all saves, and parts of saves, but those needed.
	SweepSaves(needed map[uint64]bool) error

	// Attempt runs the script of the migration at position and, if it
	// succeeded, makes all that it wrote durable. It returns the event that
	// ends the attempt, not recorded yet: one of Applied, Failed, Deferred
	// and Stopped.
	Attempt(position int, started *ledger.Event) (ledger.Event, error)
	// Cleanup removes what the attempts of an applied migration left for each
	// other. It need not be durable: CleanupAgain comes before the next one.
	Cleanup(id bundle.ID)
	// CleanupAgain is Cleanup, durable: a crash may have come between `applied`
	// and it, and the migration is to run anew, as if it never had.
	CleanupAgain(id bundle.ID) error

	// RemoveMarkers removes every marker; durable.
	RemoveMarkers() error
	// SetMarker makes the marker for anchor the only one; durable.
	SetMarker(anchor bundle.Digest) error

	// ToldToEnd says whether the run is to end before its next attempt.
	ToldToEnd() bool
	// Say tells people what is going on.
	Say(m Message)
}

// A MessageKind is what a run has to say.
type MessageKind int

// The messages of a run.
const (
	SayInterrupted MessageKind = iota // Event: an attempt that a crash left open
	SayFresh                          // Event: what is recorded as baseline
	SayFallback                       // Event: what was put back
	SayLost                           // ID: what a fallback cannot put back, for want of its save
	SayRearmed                        // Event: what will be pending again
	SayAttempt                        // Event: the attempt that begins, N of Of
	SayEnded                          // Event: how it ended, N of Of
	SayStopped                        // told to end between two migrations
	SayComplete                       // N migrations were run
	SayNotComplete                    // N migrations are left; Rows
)

// A Message is one thing that a run has to say.
type Message struct {
	Kind      MessageKind
	Event     *ledger.Event
	ID        bundle.ID
	Migration *bundle.Migration
	N, Of     int
	Rows      []Row
}
