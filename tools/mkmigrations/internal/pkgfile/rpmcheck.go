// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// An rpm file is a lead of 96 bytes, the signature header, padding to 8, the
// main header and the payload. A header is an intro of 16 bytes, an index of
// 16-byte entries and a store that they point into; all numbers are
// big-endian. See rpm's docs/manual/format.md.
const (
	rpmMagic      = "\xed\xab\xee\xdb"
	rpmLeadSize   = 96
	rpmIntroSize  = 16
	rpmEntrySize  = 16
	rpmIntroMagic = 0x8eade801
)

// Types of index entries. The string types have no fixed size.
const (
	typeChar        = 1
	typeInt8        = 2
	typeInt16       = 3
	typeInt32       = 4
	typeInt64       = 5
	typeString      = 6
	typeBin         = 7
	typeStringArray = 8
	typeI18n        = 9
)

// rpmHeader is a header whose intro is in bounds. Its store is not in memory.
type rpmHeader struct {
	off  int64 // of the intro
	tags int64
	size int64 // of the store
}

func (h rpmHeader) index() int64 { return h.off + rpmIntroSize }
func (h rpmHeader) store() int64 { return h.index() + h.tags*rpmEntrySize }
func (h rpmHeader) end() int64   { return h.store() + h.size }

// rpmEntry is one index entry that points into its store.
type rpmEntry struct {
	tag, typ   uint32
	off, count int64
}

// rpmFile is where the parts of an rpm are.
type rpmFile struct {
	source    bool
	sig, main rpmHeader
}

// openRpm checks the lead and where the two headers end.
func (s *source) openRpm() (rpmFile, error) {
	var f rpmFile
	if s.size < rpmLeadSize {
		return f, errTruncated("lead", s.size, rpmLeadSize)
	}
	lead, err := s.bytes(0, rpmLeadSize)
	if err != nil {
		return f, err
	}
	switch kind := binary.BigEndian.Uint16(lead[6:]); kind {
	case 0, 1:
		f.source = kind == 1
	default:
		return f, fmt.Errorf("lead states type %d, neither binary (0) nor source (1)", kind)
	}
	if style := binary.BigEndian.Uint16(lead[78:]); style != 5 {
		return f, fmt.Errorf("lead states signature type %d, only 5 is read", style)
	}
	if f.sig, err = s.rpmHeader(rpmLeadSize); err != nil {
		return f, fmt.Errorf("signature header: %w", err)
	}
	// Only the signature header is padded, since its length may change when a
	// package is signed.
	if f.main, err = s.rpmHeader(f.sig.end() + -f.sig.size&7); err != nil {
		return f, fmt.Errorf("main header: %w", err)
	}
	return f, nil
}

// rpmHeader checks the intro at off.
func (s *source) rpmHeader(off int64) (rpmHeader, error) {
	p, err := s.bytes(off, rpmIntroSize)
	if err != nil {
		return rpmHeader{}, err
	}
	if magic := binary.BigEndian.Uint32(p); magic != rpmIntroMagic {
		return rpmHeader{}, fmt.Errorf("begins with %08x, not %08x", magic, uint32(rpmIntroMagic))
	}
	h := rpmHeader{
		off:  off,
		tags: int64(binary.BigEndian.Uint32(p[8:])),
		size: int64(binary.BigEndian.Uint32(p[12:])),
	}
	switch {
	case h.tags == 0 || h.tags > maxTags:
		return h, fmt.Errorf("announces %d tags, 1 to %d are read", h.tags, maxTags)
	case h.size > maxStore:
		return h, fmt.Errorf("announces %d bytes, at most %s are read", h.size, sizeText(maxStore))
	case h.end() > s.size:
		return h, errTruncated("file", s.size, h.end())
	}
	return h, nil
}

// entries calls use for each index entry, after checking that its type is
// known and that it starts and ends inside the store. A string's end is only
// known when it is read.
func (s *source) entries(h rpmHeader, use func(rpmEntry) error) error {
	p, err := s.bytes(h.index(), h.tags*rpmEntrySize)
	if err != nil {
		return err
	}
	for ; len(p) > 0; p = p[rpmEntrySize:] {
		e := rpmEntry{
			tag:   binary.BigEndian.Uint32(p),
			typ:   binary.BigEndian.Uint32(p[4:]),
			off:   int64(binary.BigEndian.Uint32(p[8:])),
			count: int64(binary.BigEndian.Uint32(p[12:])),
		}
		width := e.width()
		if width == 0 {
			return fmt.Errorf("tag %d has type %d, which is not known", e.tag, e.typ)
		}
		// Signed in the library; a negative one would index backwards there.
		if e.tag > math.MaxInt32 || e.count == 0 || e.off+e.count*width > h.size {
			return fmt.Errorf("tag %d: %d values at %d do not fit into %d bytes", e.tag, e.count, e.off, h.size)
		}
		if err := use(e); err != nil {
			return err
		}
	}
	return nil
}

// width is the least size of one value, 0 of an unknown type.
func (e rpmEntry) width() int64 {
	switch e.typ {
	case typeChar, typeInt8, typeBin, typeString, typeStringArray, typeI18n:
		return 1
	case typeInt16:
		return 2
	case typeInt32:
		return 4
	case typeInt64:
		return 8
	}
	return 0
}

func (e rpmEntry) isString() bool {
	return e.typ == typeString || e.typ == typeStringArray || e.typ == typeI18n
}

// rpmTags are the entries of some tags of a header.
type rpmTags struct {
	src   *source
	head  rpmHeader
	found []rpmTag // few: looked up one by one
}

// rpmTag is an entry and where its values end at the latest: where those of
// another tag begin.
type rpmTag struct {
	rpmEntry
	end int64
}

// tags looks up the wanted tags and checks the whole index.
func (s *source) tags(h rpmHeader, wanted ...uint32) (*rpmTags, error) {
	t := &rpmTags{src: s, head: h, found: make([]rpmTag, 0, len(wanted))}
	err := s.entries(h, func(e rpmEntry) error {
		for _, tag := range wanted {
			if tag != e.tag {
				continue
			}
			if t.get(tag) != nil {
				return fmt.Errorf("tag %d is there twice", tag)
			}
			t.found = append(t.found, rpmTag{e, h.size})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// A second pass, since entries are sorted by tag and not by offset.
	return t, s.entries(h, func(e rpmEntry) error {
		for i := range t.found {
			if f := &t.found[i]; e.off > f.off && e.off < f.end {
				f.end = e.off
			}
		}
		return nil
	})
}

// get returns the tag, or nil where the header has it not.
func (t *rpmTags) get(tag uint32) *rpmTag {
	for i := range t.found {
		if t.found[i].tag == tag {
			return &t.found[i]
		}
	}
	return nil
}

// region is where in the file a tag's values are.
func (t *rpmTags) region(f *rpmTag) (off, n int64) {
	return t.head.store() + f.off, f.end - f.off
}

// text returns a tag of one string, or the first of several. A missing tag is
// the empty string.
func (t *rpmTags) text(tag uint32) (string, error) {
	e := t.get(tag)
	if e == nil {
		return "", nil
	}
	if !e.isString() {
		return "", fmt.Errorf("tag %d is no string", tag)
	}
	off, n := t.region(e)
	p, err := t.src.bytes(off, min(n, maxPath))
	if err != nil {
		return "", err
	}
	end := bytes.IndexByte(p, 0)
	if end < 0 {
		return "", fmt.Errorf("tag %d: string without an end", tag)
	}
	return string(p[:end]), nil
}

// number returns a tag of one integer, and whether it is there.
func (t *rpmTags) number(tag uint32) (uint64, bool, error) {
	e := t.get(tag)
	if e == nil {
		return 0, false, nil
	}
	p, err := t.src.bytes(t.head.store()+e.off, e.width())
	if err != nil {
		return 0, false, err
	}
	switch e.typ {
	case typeInt32:
		return uint64(binary.BigEndian.Uint32(p)), true, nil
	case typeInt64:
		return binary.BigEndian.Uint64(p), true, nil
	}
	return 0, false, fmt.Errorf("tag %d is no number", tag)
}

// each calls use for the strings of an array, without holding the array. use
// must not read from the file.
func (t *rpmTags) each(tag uint32, use func(string) error) error {
	e := t.get(tag)
	if e == nil {
		return nil
	}
	if !e.isString() {
		return fmt.Errorf("tag %d is no string", tag)
	}
	if e.count > maxEntries {
		return fmt.Errorf("tag %d has %d strings, at most %d are read", tag, e.count, maxEntries)
	}
	off, n := t.region(e)
	for left := e.count; left > 0; {
		p, err := t.src.bytes(off, min(n, maxPath))
		if err != nil {
			return err
		}
		used, seen, err := eachIn(p, left, use)
		left -= seen
		switch {
		case err != nil:
			return err
		case left > 0 && int64(len(p)) == n:
			return fmt.Errorf("tag %d: %d strings do not fit", tag, e.count)
		case used == 0:
			return fmt.Errorf("tag %d: string of more than %d bytes", tag, maxPath)
		}
		off, n = off+int64(used), n-int64(used)
	}
	return nil
}

// eachIn calls use for each whole string in p, for at most limit of them. It
// returns how many bytes and how many strings that were.
func eachIn(p []byte, limit int64, use func(string) error) (used int, seen int64, err error) {
	for ; seen < limit; seen++ {
		end := bytes.IndexByte(p[used:], 0)
		if end < 0 {
			break
		}
		if err := use(string(p[used : used+end])); err != nil {
			return used, seen, err
		}
		used += end + 1
	}
	return used, seen, nil
}
