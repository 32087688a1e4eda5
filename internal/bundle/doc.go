// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package bundle is the specification of the formats that the build host
// writes and the target reads, with their only parsers and writers: the
// migration header, the manifest, the anchor, init.conf, IDs, digests and
// releases. It imports the standard library only, and of that only what the
// target's size budget allows.
//
// # Migration
//
// A migration is a script of at most 1 MiB. Its first line is "#!", an
// absolute path and at most one argument. It may hold one migration header,
// before its first command:
//
//	#!/bin/sh
//	### BEGIN MIGRATION INFO
//	# Description: Move the BMC daemons from root to their own users
//	# After: base-passwd:static-groups
//	# Paths: /etc/passwd /etc/group /etc/shadow
//	### END MIGRATION INFO
//
// Between the two marks each line is `# Field: value`. A field stands once;
// lists are separated by blanks. The fields, in the order in which they are
// written:
//
//	Description   one line of text
//	Since         the release that first shipped it
//	After         IDs, or recipes: weak order
//	Before        IDs, or recipes: weak order
//	Requires      IDs: strong order
//	Packages      names of packages
//	Paths         absolute paths that the migration changes
//	Timeout       seconds, 1 to 604800 (120)
//	Attempts      1 to 1000 (3)
//	On-Failure    stop or continue (stop)
//	One-Way       yes or no (no)
//	Revises       digests of earlier released texts
//	Fresh         skip or run (skip)
//	Supersedes    IDs that it replaces
//
// Everything else between the marks is a fault: an unknown field, a second
// one, an empty value, a value twice in a list. A parser reports all faults
// of a script together.
//
// # IDs, digests, releases
//
// An ID is `<recipe>:<name>`; recipe is [a-z0-9][a-z0-9.+-]*, name is
// [a-z0-9][a-z0-9.-]* but no word that bitbake gives a meaning ("remove",
// "doc", …). It has at most 128 bytes, and at most 235 when "-" and "+" are
// counted as the four bytes that systemd-escape makes of them.
//
// A digest is "sha256:" and the 64 lower-case hexadecimal digits of the
// SHA-256 of a file's bytes.
//
// A release is 1 to 128 letters, digits and . - ~ ^ + _ with at least one
// letter or digit. Releases are ordered by the UAPI Version Format
// Specification; see [CompareReleases].
//
// # Bundle
//
// In an image a bundle is these files, all owned by root:
//
//	/etc/migration.d/0010-recipe:name     0755  the scripts; numbers step by 10
//	/etc/migration.d/manifest             0644
//	/usr/lib/migration/bundle             0644  the anchor
//	/usr/lib/migration/bundle.d/…               scripts and manifest again
//	/usr/lib/migration/functions.sh       0644
//	/usr/lib/migration/init.conf          0644
//	/usr/lib/systemd/system/migrate-runner.service.d/10-bundle.conf, 20-failure.conf
//
// The anchor is the digest of the manifest and a newline. init.conf is two
// shell assignments, MIGRATION_MARKER (the path whose existence says that
// this bundle is complete) and MIGRATION_FAILURE_STATE.
//
// # Manifest
//
// The manifest is deb822 text: stanzas of `Field: value` lines, one empty
// line between two stanzas, no comments, a newline at the end. The first
// stanza is the bundle's and begins with Format; its fields are
//
//	Format         1
//	Release        the image's release
//	Library        digest of functions.sh
//	Min-From       a release; devices older than it are refused
//	On-Downgrade   tolerate or refuse (tolerate)
//	Fresh-Unless   absolute paths
//	Keep           none or good (none)
//	On-Corrupt     refuse or rerun (refuse)
//	Failure-State  degraded, emergency or reboot (degraded)
//	Gone           nothing behind the colon; then a line ` ID Since Digest
//	               [ID…]` for each migration that is gone, sorted by ID;
//	               behind the digest the IDs that it superseded
//
// Format, Release and Library must be there. Each further stanza is one
// migration, in the order in which they run:
//
//	Migration      its ID
//	File           its script: FileName(place, count, ID)
//	Digest         of the script
//
// and the fields of the migration header, Since always. Fields may stand in
// any order; the writer uses the order given here and leaves out what is not
// set. A reader refuses a field, a value or a line form that is not named
// here, and what [Manifest.Check] lists. Writing and parsing are inverse.
package bundle
