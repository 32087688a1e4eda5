// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"errors"
	"fmt"
	"io"
)

// The cpio archive of an rpm has newc headers (070701) or, where a file has
// 4 GiB or more, and in rpm 6 always, stripped ones (07070X) that only give
// the file's index in the header's list. Names and contents are padded to 4.
//
// go-rpmutils has a reader for it. It allocates what an entry announces,
// panics at an empty name, and misses the padding behind a stripped header,
// so it gives those files two bytes that are not theirs.
const (
	cpioNewc     = "070701"
	cpioCrc      = "070702"
	cpioStripped = "07070X"
	cpioTrailer  = "TRAILER!!!"
	cpioFields   = 13 // numbers of 8 hex digits in a newc header
)

// cpioEntry is one file of a cpio archive.
type cpioEntry struct {
	name     string
	mode     int
	size     int64
	stripped bool // only index is known, and size by the list
	index    int
}

// cpioReader counts, since padding depends on the position.
type cpioReader struct {
	s   *stream
	pos int64
	buf [maxPath + 1]byte
}

// walkCpio calls visit for each entry, with a reader of its content, and then
// reads on to the end of the stream. sizes are the contents' lengths for
// stripped entries. Nothing is held but one header.
func walkCpio(s *stream, sizes []int64, visit func(cpioEntry, io.Reader) error) error {
	c := &cpioReader{s: s}
	for entries := 0; ; entries++ {
		if entries == maxEntries {
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		e, err := c.next(sizes)
		if err != nil {
			return fmt.Errorf("cpio entry %d: %w", entries+1, unexpected(err))
		}
		if e.name == cpioTrailer && !e.stripped {
			return s.finish()
		}
		if e.size > s.limit {
			return fmt.Errorf("cpio entry %d announces %d bytes, the archive may have %d", entries+1, e.size, s.limit)
		}
		content := &exact{r: io.LimitReader(c, e.size), left: e.size}
		if err := visit(e, content); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return fmt.Errorf("cpio entry %d: %w", entries+1, err)
		}
	}
}

func (c *cpioReader) Read(p []byte) (int, error) {
	n, err := c.s.Read(p)
	c.pos += int64(n)
	return n, err
}

// get reads n bytes, which are valid until the next call.
func (c *cpioReader) get(n int) ([]byte, error) {
	_, err := io.ReadFull(c, c.buf[:n])
	return c.buf[:n], err
}

// pad skips to the next multiple of 4.
func (c *cpioReader) pad() error {
	_, err := c.get(int(-c.pos & 3))
	return err
}

func (c *cpioReader) next(sizes []int64) (cpioEntry, error) {
	if err := c.pad(); err != nil {
		return cpioEntry{}, err
	}
	magic, err := c.get(len(cpioNewc))
	if err != nil {
		return cpioEntry{}, err
	}
	switch string(magic) {
	case cpioNewc, cpioCrc:
		return c.newc()
	case cpioStripped:
		return c.stripped(sizes)
	}
	return cpioEntry{}, fmt.Errorf("begins with %q", magic)
}

func (c *cpioReader) newc() (cpioEntry, error) {
	p, err := c.get(8 * cpioFields)
	if err != nil {
		return cpioEntry{}, err
	}
	var fields [cpioFields]uint32
	for i := range fields {
		if fields[i], err = hex8(p[8*i:]); err != nil {
			return cpioEntry{}, err
		}
	}
	e := cpioEntry{mode: int(fields[1]), size: int64(fields[6])}
	n := fields[11]
	if n < 2 || n > maxPath+1 {
		return e, fmt.Errorf("name of %d bytes", n)
	}
	name, err := c.get(int(n))
	if err != nil {
		return e, err
	}
	for i, b := range name {
		if (b == 0) != (i == len(name)-1) {
			return e, errors.New("name does not end in its only NUL")
		}
	}
	e.name = string(name[:n-1])
	return e, c.pad()
}

func (c *cpioReader) stripped(sizes []int64) (cpioEntry, error) {
	p, err := c.get(8)
	if err != nil {
		return cpioEntry{}, err
	}
	index, err := hex8(p)
	if err != nil {
		return cpioEntry{}, err
	}
	if int64(index) >= int64(len(sizes)) {
		return cpioEntry{}, fmt.Errorf("is file %d of %d", index, len(sizes))
	}
	return cpioEntry{stripped: true, index: int(index), size: sizes[index]}, c.pad()
}

// hex8 reads 8 hex digits, and no sign or underscore as strconv would.
func hex8(p []byte) (uint32, error) {
	var v uint32
	for _, b := range p[:8] {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, fmt.Errorf("%q is no number", p[:8])
		}
		v = v<<4 | uint32(b)
	}
	return v, nil
}
