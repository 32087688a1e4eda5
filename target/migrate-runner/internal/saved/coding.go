// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

// The methods below are not inlined: they are called in many places, and the
// runner's size counts more than the speed of writing an index.

// encoder appends values: numbers as LEB128 of their 64 bits (as in protocol
// buffers), byte strings after their length.
type encoder struct{ b []byte }

//go:noinline
func (e *encoder) byte(v byte) { e.b = append(e.b, v) }

//go:noinline
func (e *encoder) bool(v bool) {
	if v {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

//go:noinline
func (e *encoder) uint(v uint64) {
	for ; v >= 0x80; v >>= 7 {
		e.byte(byte(v) | 0x80)
	}
	e.byte(byte(v))
}

//go:noinline
func (e *encoder) string(s string) {
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
}

// decoder takes values from the front. After the first fault bad is set and
// all values are zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) expect(ok bool) { d.bad = d.bad || !ok }

//go:noinline
func (d *decoder) byte() byte {
	if d.bad || len(d.b) == 0 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) bool() bool {
	v := d.byte()
	d.expect(v <= 1)
	return v == 1
}

// uint takes a number in its shortest form only, so that equal records have
// equal bytes.
func (d *decoder) uint() (v uint64) {
	for shift := uint(0); shift < 64; shift += 7 {
		c := d.byte()
		if d.bad || shift == 63 && c > 1 || shift > 0 && c == 0 {
			break
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	d.bad = true
	return 0
}

//go:noinline
func (d *decoder) uint32() uint32 {
	v := d.uint()
	d.expect(v>>32 == 0)
	return uint32(v)
}

// length takes a number of things that each fill at least one byte.
//
//go:noinline
func (d *decoder) length() int {
	v := d.uint()
	if v > uint64(len(d.b)) {
		d.bad = true
	}
	if d.bad {
		return 0
	}
	return int(v)
}

func (d *decoder) string() string {
	n := d.length()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}
