// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package flash proves that migrate-runner stands a power cut on the file
// systems of raw flash: JFFS2, and UBIFS on UBI.
//
// A virtual machine has flash in its memory (mtdram), and its memory is a file
// of the host, in which the host finds the flash by tags that the machine has
// written to it. While the runner works on a scenario of package crash, the host
// stops the machine again and again and copies the flash: each copy is what a
// power cut at that instant would have left, since flash has no cache of its
// own. A second machine gets these copies as its flash, mounts one after the
// other, says what is on it, runs the runner, and says what is there then.
// What must hold is the same as for disks: see package block.
//
// JFFS2 writes through: of what a system call has done nothing is lost. UBIFS
// writes back, as ext4 does, so that there a sync that is missing shows.
//
// The part that runs in the machine is this package's own test program.
package flash
