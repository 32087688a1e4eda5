// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"errors"
	"fmt"
)

// ErrChecksum is in the chain of every error about content that does not fit
// the checksum which the package itself states.
var ErrChecksum = errors.New("wrong checksum")

// errWindow is in the chain where a decoder failed on a stream whose window
// was narrowed: a larger one may do.
var errWindow = errors.New("window too small")

// errTruncated is for a file that ends before what it announces.
func errTruncated(what string, have, want int64) error {
	return fmt.Errorf("truncated: %s ends at %d bytes, %d are announced", what, have, want)
}

// sizeText writes n in the largest unit that divides it.
func sizeText(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
