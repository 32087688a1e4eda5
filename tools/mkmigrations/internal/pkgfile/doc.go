// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package pkgfile reads what the build needs from .deb, .ipk and .rpm files:
// a few fields of the metadata, and the migrations below
// /usr/share/migration.
//
// # What it promises
//
// A package is untrusted. Whatever bytes a file holds, reading it ends in a
// value or in an error that names the file; it never panics, never writes,
// and takes bounded memory and time, as limits.go states. The result depends
// on the file's bytes only: not on its name, the clock, the order of files or
// the number of workers. A file is judged by its content, so a .deb that is
// named .rpm is read as what it is.
//
// What the format's own checksums cover is checked as far as it is read: the
// rpm header always, the payload when it is opened. They detect damage, not
// forgery; signatures are not looked at.
//
// # What it does not do
//
// It extracts nothing to the disk, runs no script of a package and resolves
// no dependency. The content of a migration is the caller's business: its
// name, header and size are only checked against the limits here.
//
// # Formats
//
// A deb is an ar archive of debian-binary, control.tar and data.tar, see
// deb(5). An ipk is the same made by GNU ar, whose names end in a slash, with
// control and data in either order; or, in its older form, a gzipped tar of
// the three. An rpm is a lead, two headers and a compressed cpio archive, see
// rpm's docs/manual/format.md. Control and payload may be plain or packed by
// gzip, xz or zstd, an rpm's payload also by bzip2 or lzma.
//
// The archives are read by github.com/blakesmith/ar and
// github.com/sassoftware/go-rpmutils. Both trust their input: they panic,
// loop or allocate gigabytes on bad bytes. So ar.go and rpmcheck.go look at
// every length first, and the libraries only see what is in bounds. Two
// things are done here although a library has them: deciding whether an rpm
// announces migrations, which an index scan does five times faster, and
// walking the cpio archive, as cpio.go explains.
package pkgfile
