// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/blakesmith/ar"
)

const (
	arMagic      = ar.GLOBAL_HEADER
	arHeaderSize = ar.HEADER_BYTE_SIZE
)

// member is one file in an ar archive, or in the older outer form.
type member struct {
	name string // as stored, without padding and GNU's trailing slash
	gnu  bool   // it had that slash
	size int64
	pack codec // by the name's suffix; of control and data only
}

// checkAr walks the member headers and refuses what the ar library would
// misread, loop on or panic at. It returns the members in order.
func (s *source) checkAr() ([]member, error) {
	var members []member
	off := int64(len(arMagic))
	for off < s.size {
		if len(members) == maxArMembers {
			return nil, fmt.Errorf("more than %d members", maxArMembers)
		}
		if s.size-off < arHeaderSize {
			return nil, fmt.Errorf("%d bytes behind the last member, too few for another", s.size-off)
		}
		h, err := s.bytes(off, arHeaderSize)
		if err != nil {
			return nil, err
		}
		m, err := parseArHeader(h)
		if err != nil {
			return nil, fmt.Errorf("header of member %d: %w", len(members)+1, err)
		}
		off += arHeaderSize
		if m.size > s.size-off {
			return nil, fmt.Errorf("member %q: %w", m.name, errTruncated("file", s.size, off+m.size))
		}
		off += m.size
		// Contents end on even offsets; the pad of the last may be missing.
		if m.size%2 == 1 && off < s.size {
			pad, err := s.bytes(off, 1)
			if err != nil {
				return nil, err
			}
			if pad[0] != '\n' {
				return nil, fmt.Errorf("member %q: padded with %q, not a newline", m.name, pad)
			}
			off++
		}
		members = append(members, m)
	}
	return members, nil
}

// parseArHeader reads the common ar header: name 16, time 12, owner 6, group
// 6, mode 8, size 10, mark 2, padded with spaces.
func parseArHeader(h []byte) (member, error) {
	if mark := h[58:60]; string(mark) != "`\n" {
		return member{}, fmt.Errorf("ends with %q, not with the mark %q", mark, "`\n")
	}
	name := strings.TrimRight(string(h[:16]), " ")
	// GNU ar ends a name with a slash, so that it may hold spaces.
	m := member{name: strings.TrimSuffix(name, "/"), gnu: strings.HasSuffix(name, "/")}
	if m.name == "" || m.name == "/" || strings.HasPrefix(m.name, "#1/") {
		return member{}, fmt.Errorf("name %q stands for a table or a long name, which packages have not", name)
	}
	// The library cuts three characters off the mode without looking.
	if mode := bytes.TrimRight(h[40:48], " "); len(mode) < 3 || !digits(mode, '7') {
		return member{}, fmt.Errorf("member %q: mode %q is not an octal number of three digits or more", m.name, h[40:48])
	}
	field := bytes.TrimRight(h[48:58], " ")
	if !digits(field, '9') {
		return member{}, fmt.Errorf("member %q: size %q is not a number", m.name, h[48:58])
	}
	size, err := strconv.ParseInt(string(field), 10, 64)
	m.size = size
	return m, err
}

// digits says whether p is one or more of the characters 0 to top.
func digits(p []byte, top byte) bool {
	for _, c := range p {
		if c < '0' || c > top {
			return false
		}
	}
	return len(p) > 0
}

// arMember positions the ar library on member i of a checked archive.
func (s *source) arMember(members []member, i int) (io.Reader, error) {
	lib := ar.NewReader(s.section(0, s.size))
	for k := 0; ; k++ {
		h, err := lib.Next()
		if err != nil {
			return nil, unexpected(err)
		}
		// Both walks see the same bytes, unless somebody writes the file now.
		if want := members[k]; h.Size != want.size || strings.TrimSuffix(h.Name, "/") != want.name {
			return nil, fmt.Errorf("member %q changed while it was read", want.name)
		}
		if k == i {
			return &exact{r: lib, left: h.Size}, nil
		}
	}
}

// exact is a reader of a known length. The ar library gives a member that is
// cut as a short one without an error.
type exact struct {
	r    io.Reader
	left int64
}

func (e *exact) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// archive is where the parts of a deb or ipk are.
type archive struct {
	format        Format
	members       []member
	control, data int // indexes of members
}

// openAr checks the outer archive and which members it has.
func (s *source) openAr() (*archive, error) {
	members, err := s.checkAr()
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, errors.New("ar archive without members")
	}
	a, err := arrange(members)
	if err != nil {
		return nil, err
	}
	return a, checkDebianBinary(s.section(int64(len(arMagic))+arHeaderSize, members[0].size), members[0])
}

// checkDebianBinary reads the format's version: 2 and a minor one, which
// says that nothing old changed.
func checkDebianBinary(r io.Reader, m member) error {
	if m.size > 64 {
		return fmt.Errorf("debian-binary has %d bytes", m.size)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("debian-binary: %w", err)
	}
	minor, ok := strings.CutPrefix(strings.TrimSuffix(string(text), "\n"), "2.")
	if !ok || !digits([]byte(minor), '9') {
		return fmt.Errorf("debian-binary says %q, not version 2", text)
	}
	return nil
}

// arrange finds control and data among members and checks their order. The
// form of the names tells who wrote the archive: GNU ar, as opkg-build calls
// it, ends each with a slash, dpkg-deb does not.
func arrange(members []member) (*archive, error) {
	a := &archive{format: Deb, members: members, control: -1, data: -1}
	if members[0].name != "debian-binary" {
		return nil, fmt.Errorf("first member is %q, not debian-binary", members[0].name)
	}
	if members[0].gnu {
		a.format = Ipk
	}
	for i, m := range members[1:] {
		if err := a.add(i+1, m); err != nil {
			return nil, err
		}
	}
	switch {
	case a.control < 0:
		return nil, errors.New("no control.tar")
	case a.data < 0:
		return nil, errors.New("no data.tar")
	case a.format == Deb && a.data < a.control:
		return nil, errors.New("data.tar stands before control.tar")
	}
	return a, nil
}

var errUnread = errors.New("its compression is not read (gz, xz, zst and none are; of data bz2 and lzma, too)")

func (a *archive) add(i int, m member) error {
	// deb(5) leaves names with an underscore to others, such as signatures.
	if strings.HasPrefix(m.name, "_") {
		return nil
	}
	place, pack, err := part(m.name)
	if err != nil {
		// As dpkg does: what stands behind the data may be anything.
		if a.control >= 0 && a.data >= 0 && place == "" {
			return nil
		}
		return err
	}
	slot := &a.control
	if place == "data" {
		slot = &a.data
	}
	if *slot >= 0 {
		return fmt.Errorf("two members %s.tar", place)
	}
	*slot = i
	a.members[i].pack = pack
	return nil
}

// part splits a name such as control.tar.xz. It is empty for a name that is
// neither control nor data. That a form of compression is not known matters
// only to who opens the data.
func part(name string) (string, codec, error) {
	base, suffix, ok := strings.Cut(name, ".tar")
	if !ok || base != "control" && base != "data" {
		return "", 0, fmt.Errorf("member %q is none of a package", name)
	}
	pack, ok := map[string]codec{"": plain, ".gz": gzipped, ".xz": xzed, ".zst": zstded}[suffix]
	if !ok && base == "control" {
		return base, 0, fmt.Errorf("member %q: %w", name, errUnread)
	}
	if !ok {
		// opkg-build and old packages have more for the data.
		if pack, ok = map[string]codec{".bz2": bzipped, ".lzma": lzmaed}[suffix]; !ok {
			pack = unread
		}
	}
	return base, pack, nil
}
