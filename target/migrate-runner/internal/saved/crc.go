// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

// check is CRC-64/XZ (polynomial of ECMA-182, reflected), as in the xz file
// format specification, section 6. It finds damage by accident; it is no
// protection against forgery, and root can forge anyway.
type check uint64

var crcTable [256]uint64

// table is filled at first use: package variables with an initialiser would
// cost every start of the runner.
func table() *[256]uint64 {
	if crcTable[1] == 0 {
		for i := range crcTable {
			v := uint64(i)
			for range [8]struct{}{} {
				v = v>>1 ^ 0xc96c5795d7870f42&-(v&1)
			}
			crcTable[i] = v
		}
	}
	return &crcTable
}

// add continues the check value over more data.
func (c check) add(data []byte) check {
	t := table()
	v := ^uint64(c)
	for _, b := range data {
		v = t[byte(v)^b] ^ v>>8
	}
	return check(^v)
}

// addNumber continues it over eight bytes.
func (c check) addNumber(n uint64) check {
	var b [8]byte
	putUint64(b[:], n)
	return c.add(b[:])
}

func putUint64(b []byte, n uint64) {
	for i := range b[:8] {
		b[i] = byte(n >> (8 * i))
	}
}

func getUint64(b []byte) (n uint64) {
	for i := range b[:8] {
		n |= uint64(b[i]) << (8 * i)
	}
	return n
}
