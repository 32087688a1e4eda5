// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package ledger is the specification of the ledger's format, with its only
// reader and writer. It does no I/O: bytes in, events out, and back.
//
// # File
//
// The ledger, /var/lib/migration/ledger, is append-only text. Each line is
// one event. Space behind the last line is preallocated: zero bytes, up to
// the end of the file. A line is
//
//	<version> <sequence> <check> <kind> [<key>=<value>]... LF
//
// version is "1". sequence is a decimal number, 1 for the first event, one
// more for each further one. check is the CRC-32C (Castagnoli; RFC 3720,
// B.4) of the line without "<check> " and LF, as 8 lower-case hexadecimal
// digits. kind is [a-z]+; a "!" behind it marks an event as critical: a
// reader that does not know the kind must not go on. Keys are [a-z]+ and
// stand once. In values, bytes up to 0x20, 0x7f and above, and "%" are
// written %XX.
//
// # Reading
//
// The last line is torn, and cut off, when its check is wrong or missing and
// nothing but zero bytes follows: the power went while it was written, and
// what it says did not take effect, because each line is durable before the
// next thing happens. Any other line that is not well formed, has a wrong
// check, or is out of sequence, is damage ([DamageError]); so is a last line
// with a right check that cannot be read, since it was written whole, and a
// line that only lost its line feed to another byte than zero: a torn line
// never holds a whole one.
//
// An event of an unknown kind with a good check is kept and skipped; so are
// unknown keys of a known kind. So an older program can read what a newer
// one wrote. A version other than "1" is damage, but not behind a critical
// event of an unknown kind: that is how a newer version has to be introduced,
// and what is behind it is the newer program's business.
//
// # Compaction
//
// A compacted ledger begins with a line of sequence 0, kind "compacted" and
// the key "upto": events up to that number may be missing. What is left
// keeps its number and its bytes.
//
// # Kinds
//
//	fresh        the baseline decision: bundle, release, items; hand=1 when made by a person
//	started      an attempt begins: id, digest, bundle, release, attempt, since, oneway, paths, keep, items (what it supersedes)
//	applied      it succeeded: as started, and ref (number of the started event), ms
//	failed       it did not: ref, id, digest, bundle, release, paths, exit or signal or timeout, ms, reason
//	interrupted  the power went, or the runner was killed: ref, id, digest, bundle, release, paths
//	stopped      the runner was told to end: as interrupted; not counted
//	deferred     exit 75: as interrupted; not counted
//	baseline     items need not run: all that they supersede counts as applied
//	rearmed      an older image met items it does not have: pending again; bundle, release
//	retried      attempts of id start anew, by hand
//	forgotten    id and items (what was applied through it) are pending again, by hand
//	fallback     begins: refs (the started events whose saves are put back, in that order), items
//	reverted     ends the fallback ref: its items are pending again
//	confirmed    what was applied up to here is kept: its saves may go
//	completed    the bundle is complete: bundle, release
//
// "at" is the time of recording in seconds since 1970, for people only: no
// decision rests on it. An item is <id>|<since>|<flags>|<digest>|<id>,<id>…
// (flags: "w" One-Way; the last part what it superseded); items are joined
// by ";".
package ledger
