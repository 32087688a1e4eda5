// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

import (
	"hash/crc32"
	"strings"
	"testing"
)

// The check value is the standard's, so that other programs can compute it.
func TestChecksumIsCRC32C(t *testing.T) {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	for _, s := range []string{"", "a", "123456789", strings.Repeat("\x00\xff", 5000)} {
		if got, want := checksum(s), crc32.Checksum([]byte(s), castagnoli); got != want {
			t.Errorf("checksum of %d bytes is %08x, want %08x", len(s), got, want)
		}
	}
}
