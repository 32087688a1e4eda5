// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package library holds the shell library that migrations use on the device.
//
// Its one file, functions.sh, is installed with every bundle as
// /usr/lib/migration/functions.sh; its digest is in the manifest, so a device
// runs a migration with exactly the library it was built and tested with. A
// verb of the library never changes its meaning, since scripts released years
// ago still call it: new behaviour is a new verb. docs/functions.md describes
// each verb, tests/functions drives all of them in real shells.
package library

import _ "embed"

//go:embed functions.sh
var text string

// Text returns the bytes of functions.sh. Each call returns a new slice, so a
// caller may change what it got without changing what the next one gets.
func Text() []byte {
	return []byte(text)
}
