// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

// crcTable holds CRC-32C (Castagnoli, reflected: 0x82f63b78) by byte.
var crcTable [256]uint32

// checksum is the CRC-32C of text. hash/crc32 would bring code for every
// kind of processor; and the table is filled at first use, since package
// variables with an initialiser would cost every start of the runner.
func checksum(text string) uint32 {
	if crcTable[1] == 0 {
		for i := range crcTable {
			v := uint32(i)
			for bit := 0; bit < 8; bit++ {
				v = v>>1 ^ 0x82f63b78&-(v&1)
			}
			crcTable[i] = v
		}
	}
	v := ^uint32(0)
	for i := 0; i < len(text); i++ {
		v = crcTable[byte(v)^text[i]] ^ v>>8
	}
	return ^v
}
