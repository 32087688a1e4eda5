// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package fleet simulates devices through random histories: upgrades,
// skipped releases, downgrades, A/B fallbacks before and after they are
// confirmed, failing, repaired, superseded, retired and dropped scripts, power
// cuts, SIGTERM, commands by hand, lost and compacted ledgers.
//
// The code under test is the runner's own: package engine decides and orders,
// package ledger writes and reads. Only the device below them is simulated:
// its data, its saves, its scripts, and its power, which can go at every
// call. All is random from one seed, so a violation is found again by it.
//
// What must hold at every step is written in invariants.go.
package fleet
