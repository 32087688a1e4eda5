// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package functions tests the shell library that migrations use on the device,
// tools/mkmigrations/internal/library/functions.sh, in the shells it is meant
// for: dash, busybox ash and bash in POSIX mode.
//
// Every script runs as migrate-runner runs it, in a root directory of its own:
// chrooted, in a mount namespace, without /proc unless a test asks for it, with
// the environment of a migration. Under ash that root holds busybox and nothing
// else, and only the applets that oe-core builds in; dash and bash get the
// host's tools. MIGRATION_TEST_BUSYBOX names another busybox to test with.
//
// As a plain user the tests run in a user namespace, where there is one; what
// needs other owners than one then skips. MIGRATION_TEST_LONG=1 makes the big
// tree of remap_ids 100,000 files and tries every crash point in every shell.
package functions
