// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package gendocs writes docs/man and docs/completion from the two programs'
// own commands, and its test fails where the files do not fit them.
//
//	make man    # go test ./tools/mkmigrations/internal/cli/gendocs -args -update
//
// mkmigrations' pages come from its cobra commands, migrate-runner's from its
// --help and from migrate-runner.8.md, which holds what a help text does not.
//
// All of it is test code, so that what makes man pages is no dependency of the
// programs: a build of them neither links nor fetches it.
package gendocs
