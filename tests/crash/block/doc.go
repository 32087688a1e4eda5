// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package block proves that migrate-runner stands a power cut at any instant,
// as the disk sees it.
//
// A virtual machine boots once and runs the runner on ext4 disks, one for each
// scenario of package crash. Every write and every flush of those disks is
// recorded. On the host each record is then replayed to disks as a power cut
// could have left them: all that was written before the last flush is there;
// of what was written since, any part of it. Each such disk is mounted,
// looked at, and the runner is run on it to its end.
//
// What must hold on each of them:
//
//  1. The file system can be mounted and the ledger read; only its last line
//     may be torn.
//  2. What the ledger calls applied or baseline is whole in the data. What has
//     Paths and is not applied is wholly as it was, unless its attempt is open.
//     What has no Paths is untouched, or known as tried.
//  3. What the runner had said before the power went is there: when it had
//     ended, data, ledger and marker are those of an undisturbed run.
//  4. The runner, run again, exits as in the undisturbed run, and data, ledger
//     and marker are then the same. What was open is recorded as interrupted.
//
// A disk is taken as correct: it never loses what was written before a
// completed flush, and of two writes to one place the later one wins. Pieces
// of 4 KiB are written wholly or not at all, but for the ledger, which is torn
// in sectors of 512 bytes.
package block
