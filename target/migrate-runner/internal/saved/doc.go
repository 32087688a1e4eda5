// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package saved keeps what a migration's Paths name, and puts it back.
//
// # What is promised
//
// [Save] gives a save its final name only when all of it is on the medium; a
// power cut before that leaves no save. [Restore] makes the Paths what they
// were at Save and returns only when that is on the medium; it may be cut off
// anywhere, any number of times, and is then run again. It verifies the whole
// save before it touches anything. An error is never followed by a claim: not
// by a save with its final name, nor by a Restore that returns nil.
//
// Put back are regular files, directories with everything below, symbolic
// links, device nodes, fifos, sockets (as names; nobody listens on them) with
// owner, mode, modification time in nanoseconds, extended attributes (access
// lists, file capabilities, labels), holes, and hard links among the saved
// names. What did not exist is removed. What did not change is not written, so
// an overlay copies nothing up for it. Change times cannot be set. The access
// time is put back only with something else, since reading changes it. Flags
// of chattr are not saved; a file that such a flag protects is an error.
//
// # Paths
//
// Links in the parents of a path are followed as in a chroot, its last
// component never. A path below another one is saved once. The path "/" and
// one that holds the saves themselves are errors.
//
// A mount below a named directory is left alone: its content is saved only if
// a path names it or something in it. What is a mount at one of Save and
// Restore and not at the other is an error, since the right file system is not
// there. Mounts of single files are seen by kernels from 5.8 on.
//
// A path that did not exist is removed with all below it; directories above it
// that did not exist either are removed if nothing else is in them. Directories
// above a path that have vanished are made anew with their old attributes. A
// mount inside what is to be removed stays and is reported, with the directories
// that lead to it.
//
// # How a file is put back
//
// A changed file is written beside the old one, synced and renamed over it. It
// is written in place, which is not atomic but ends right when Restore is
// repeated, if it is itself a mount, if it is the same file as before and has
// hard links outside the Paths, or if there is no space for both. Hard links
// to names outside the Paths are kept only in this way.
//
// The name ".#migration-put-back" belongs to this package: it is not saved and
// is removed where it is found among the Paths.
//
// # Format
//
// The save N is the directory N in the directory of saves; N.part is being
// written, N.drop being removed. It holds "index" and contents, each named by
// a decimal number. Nothing else about it matters: modes, owners and times of
// the save's own files are not used, so it can lie on any file system.
//
// The index is a sequence of records: length of the payload (4 bytes, little
// endian), payload, and CRC-64/XZ over all payloads so far (8 bytes, little
// endian). In a payload, numbers are LEB128 of their 64 bits in the shortest
// form, strings are a length and bytes, all names are bytes of any value but
// "/" and NUL. It begins with a byte for the kind:
//
//	H  string "migration save\n", format version 1, number N
//	P  path as resolved; count and attributes of each directory above the
//	   object that existed; then follows one object or A
//	A  name: does not exist
//	M  name: a mount, left alone
//	D  name, attributes; then its objects in byte order of their names; then U
//	U  end of a directory
//	F  name, attributes, size, 1 if without holes, then where the content is:
//	   0 and a string; or 1 (or 2), number of its file, check value. With 2 it
//	   is a reflink that was not read, and the check value is 0
//	L  name, attributes, target of the symbolic link
//	N  name, attributes, major, minor of the device: fifos and sockets too
//	S  name, attributes, path of the object that it is a hard link to, which
//	   comes earlier
//	Z  number of records before this one; the end
//
// Attributes are st_mode, uid, gid, seconds and nanoseconds of access and
// modification time, inode number, number of links, 0 if it is unknown whether
// it is the root of a mount, 1 if it is not, 2 if it is, then the count of
// extended attributes and name and value of each.
//
// The check value of a content is CRC-64/XZ over its size, then over offset
// and bytes of each 4096-byte block that is not all zeros; numbers as 8 bytes,
// little endian. It guards against accidents, not against root.
package saved
