// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/bits"
)

// A compressor writes how much history a decoder must keep, and it writes its
// own setting even where the data is shorter: a control archive of 10 KiB
// made by "xz -9" asks for 64 MiB. Memory is ours to bound, so the statement
// is lowered to what we grant before the decoder sees it. A stream that never
// reaches further back decodes to the same bytes; one that does fails in the
// decoder, which checks each distance.

// narrow looks at the beginning of a stream. It returns a reader with a
// lowered statement, or nil where nothing is to be lowered or understood: the
// decoder judges that itself.
func narrow(c codec, in *bufio.Reader, window int64) (io.Reader, error) {
	var head []byte
	switch c {
	case xzed:
		head = narrowXz(in, window)
	case zstded:
		head = narrowZstd(in, window)
	case lzmaed:
		head = narrowLzma(in, window)
	}
	if head == nil {
		return nil, nil
	}
	if _, err := in.Discard(len(head)); err != nil {
		return nil, err
	}
	return io.MultiReader(bytes.NewReader(head), in), nil
}

// narrowXz changes the first block header: size, flags, optional sizes, the
// filters, padding, CRC32. See "The .xz File Format", section 3.1.
func narrowXz(in *bufio.Reader, window int64) []byte {
	const streamHeader = 12
	p, err := in.Peek(streamHeader + 1)
	if err != nil || p[streamHeader] == 0 {
		return nil
	}
	size := (int(p[streamHeader]) + 1) * 4
	if p, err = in.Peek(streamHeader + size); err != nil {
		return nil
	}
	head := bytes.Clone(p)
	block := head[streamHeader:]
	at := xzDictionary(block[:size-4])
	// The code's lowest bit is the half step, the rest the exponent.
	if at < 0 || block[at] > 40 || int64(2|block[at]&1)<<(block[at]/2+11) <= window {
		return nil
	}
	block[at] = byte(2 * (bits.Len64(uint64(window)) - 1 - 12))
	binary.LittleEndian.PutUint32(block[size-4:], crc32.ChecksumIEEE(block[:size-4]))
	return head
}

// xzDictionary returns where the LZMA2 filter's dictionary size stands in a
// block header, or -1.
func xzDictionary(block []byte) int {
	at := 2
	next := func() uint64 {
		v, n := binary.Uvarint(block[min(at, len(block)):])
		if n <= 0 {
			at = len(block) + 1
			return 0
		}
		at += n
		return v
	}
	flags := block[1]
	for _, bit := range []byte{0x40, 0x80} {
		if flags&bit != 0 {
			next()
		}
	}
	for last := int(flags & 3); last >= 0; last-- {
		id, size := next(), next()
		if last == 0 && id == 0x21 && size == 1 && at < len(block) {
			return at
		}
		if size > uint64(len(block)) {
			return -1
		}
		at += int(size)
	}
	return -1
}

// narrowZstd changes the window descriptor, RFC 8878 section 3.1.1.1.2. A
// frame without one states its size instead, and needs just that.
func narrowZstd(in *bufio.Reader, window int64) []byte {
	p, err := in.Peek(6)
	if err != nil || binary.LittleEndian.Uint32(p) != 0xfd2fb528 || p[4]&0x20 != 0 {
		return nil
	}
	base := int64(1) << (10 + p[5]>>3)
	if base+base/8*int64(p[5]&7) <= window {
		return nil
	}
	head := bytes.Clone(p)
	head[5] = byte(bits.Len64(uint64(window))-1-10) << 3
	return head
}

// narrowLzma changes the dictionary size in the header of an .lzma stream: a
// byte of properties, then this number.
func narrowLzma(in *bufio.Reader, window int64) []byte {
	p, err := in.Peek(5)
	if err != nil || int64(binary.LittleEndian.Uint32(p[1:])) <= window {
		return nil
	}
	head := bytes.Clone(p)
	binary.LittleEndian.PutUint32(head[1:], uint32(window))
	return head
}
