// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package cli is the command line of mkmigrations: its commands and flags,
// and how results and faults are printed. It decides nothing itself.
//
// # Rules of the output
//
//   - stdout carries data only, and nothing after an error;
//   - every fault is one line on stderr, `mkmigrations: error: …`; where
//     there is a cure, `mkmigrations: hint: …` follows it; what does not stop
//     the command is `mkmigrations: warning: …`;
//   - text that comes from a package is printed without control characters;
//   - the exit status is 0, 1 (failed) or 2 (wrong usage). A usage fault is
//     the fault and a hint, never the whole help.
package cli
