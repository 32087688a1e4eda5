// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package engine decides what a runner does: from the ledger's events and
// the bundle's manifest it computes the state of each migration, whether the
// image may run at all, and the next step. It does no I/O and knows no
// clock, so that the same code can be driven by simulated devices.
//
//	events -> Fold -> State
//	State, Manifest -> Decide -> Decision (refusal, fresh, fallback, re-arming)
//	State, Manifest -> Session -> Step, Step, … (the migrations of one run)
//
// Every change of a State is made by [State.Apply] with the event that is
// recorded for it, in a run as well as when the ledger is read again: there
// is no second way to get from one state to the next.
package engine
