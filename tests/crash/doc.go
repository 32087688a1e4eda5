// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package crash proves that migrate-runner loses nothing and leaves nothing
// half done, by letting the real program die, or meet an error, at every
// system call that changes something.
//
// A scenario is a device as it is before a boot: a tree with data, a bundle,
// and a state directory with a past. It is run once without disturbance; then
// once for each call, killed or failed at that call, and after that run again
// until nothing is left to do. The tree, and what the ledger adds up to, must
// then be those of the undisturbed run.
package crash
