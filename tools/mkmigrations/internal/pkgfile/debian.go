// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"
)

// arMetadata reads a deb or ipk's control archive.
func (r *Reader) arMetadata() (*Package, error) {
	a, err := r.src.openAr()
	if err != nil {
		return nil, r.src.fault("", err)
	}
	m := a.members[a.control]
	text, err := r.controlText(m, func() (io.Reader, error) { return r.src.arMember(a.members, a.control) })
	if err != nil {
		return nil, r.src.fault("control", err)
	}
	pkg, err := parseControl(text)
	if err != nil {
		return nil, r.src.fault("control", err)
	}
	pkg.Format = a.format
	return pkg, nil
}

// controlText unpacks a control archive, with the small window first.
func (r *Reader) controlText(m member, open func() (io.Reader, error)) (string, error) {
	if m.size > maxControl {
		return "", fmt.Errorf("member %q has %d bytes, at most %s are read", m.name, m.size, sizeText(maxControl))
	}
	// Nearly all need no more, and what a decoder once allocated it keeps.
	text, err := r.controlIn(&r.dec, m, open, controlWindow)
	if errors.Is(err, errWindow) {
		text, err = r.controlIn(&r.dec, m, open, maxWindow)
	}
	if err != nil {
		return "", fmt.Errorf("member %q: %w", m.name, err)
	}
	return text, nil
}

func (r *Reader) controlIn(dec *decoders, m member, open func() (io.Reader, error), window int64) (string, error) {
	in, err := open()
	if err != nil {
		return "", err
	}
	s, err := dec.unpack(m.pack, in, maxControl, window)
	if err != nil {
		return "", err
	}
	if dec.ahead == nil {
		dec.ahead = make([]byte, aheadSize)
	}
	return readControl(s, dec.ahead)
}

// arSnippets opens the data archive.
func (r *Reader) arSnippets(pkg *Package) ([]Snippet, error) {
	a, err := r.src.openAr()
	if err != nil {
		return nil, r.src.fault("", err)
	}
	in, err := r.src.arMember(a.members, a.data)
	if err != nil {
		return nil, r.src.fault("data", err)
	}
	snippets, err := dataIn(&r.dec, a.members[a.data], in, pkg.Announces)
	if err != nil {
		return nil, r.src.fault("data", err)
	}
	return snippets, nil
}

func dataIn(dec *decoders, m member, in io.Reader, announces bool) ([]Snippet, error) {
	if m.pack == unread {
		return nil, fmt.Errorf("member %q: %w", m.name, errUnread)
	}
	limit, err := payloadLimit(m.pack, announces, m.size)
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", m.name, err)
	}
	s, err := dec.unpack(m.pack, in, limit, maxWindow)
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", m.name, err)
	}
	snippets, err := tarSnippets(s)
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", m.name, err)
	}
	return snippets, nil
}

// outer walks an ipk of the older outer form: debian-binary, control.tar and
// data.tar, in any order, in a gzipped tar. It calls visit for the latter
// two, and reads to the end, so that what is missing or cut shows.
func (r *Reader) outer(visit func(what string, m member, in io.Reader) error) error {
	limit, err := payloadLimit(gzipped, false, r.src.size)
	if err != nil {
		return err
	}
	s, err := r.dec.unpack(gzipped, r.src.section(0, r.src.size), limit, maxWindow)
	if err != nil {
		return err
	}
	// Names are collected and counted at the end: the order is free.
	var parts []string
	err = walkTar(s, func(h *tar.Header, in io.Reader) error {
		if h.Typeflag == tar.TypeDir {
			return nil
		}
		m := member{name: strings.TrimPrefix(h.Name, "./"), size: h.Size}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("member %q is a %s", m.name, tarKind(h.Typeflag))
		}
		if m.name == "debian-binary" {
			parts = append(parts, m.name)
			return checkDebianBinary(in, m)
		}
		what, pack, err := part(m.name)
		if err != nil {
			return err
		}
		parts = append(parts, what)
		m.pack = pack
		return visit(what, m, in)
	})
	if err != nil {
		return err
	}
	return eachOnce(parts)
}

// eachOnce checks that an outer tar had its three parts.
func eachOnce(parts []string) error {
	for _, want := range []string{"debian-binary", "control", "data"} {
		n := 0
		for _, got := range parts {
			if got == want {
				n++
			}
		}
		if n != 1 {
			return fmt.Errorf("%d members %q, not one", n, want)
		}
	}
	return nil
}

func (r *Reader) outerMetadata() (*Package, error) {
	text, err := r.outerControl(controlWindow)
	if errors.Is(err, errWindow) {
		text, err = r.outerControl(maxWindow)
	}
	if err != nil {
		return nil, r.src.fault("", err)
	}
	pkg, err := parseControl(text)
	if err != nil {
		return nil, r.src.fault("control", err)
	}
	pkg.Format = Ipk
	return pkg, nil
}

func (r *Reader) outerControl(window int64) (text string, err error) {
	err = r.outer(func(what string, m member, in io.Reader) error {
		if what != "control" {
			return nil
		}
		if m.size > maxControl {
			return fmt.Errorf("member %q has %d bytes, at most %s are read", m.name, m.size, sizeText(maxControl))
		}
		text, err = r.controlIn(r.dec.inner(), m, func() (io.Reader, error) { return in, nil }, window)
		if err != nil {
			return fmt.Errorf("member %q: %w", m.name, err)
		}
		return nil
	})
	return text, err
}

func (r *Reader) outerSnippets(pkg *Package) (snippets []Snippet, err error) {
	err = r.outer(func(what string, m member, in io.Reader) error {
		if what != "data" {
			return nil
		}
		snippets, err = dataIn(r.dec.inner(), m, in, pkg.Announces)
		return err
	})
	if err != nil {
		return nil, r.src.fault("", err)
	}
	return snippets, nil
}
