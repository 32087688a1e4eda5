// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bytes"
	"errors"
	"fmt"
)

// Reader reads packages one after the other. It keeps decoders and buffers,
// whose set-up costs more than reading a control file. It is not safe for
// concurrent use: one belongs to one worker.
type Reader struct {
	src source
	dec decoders
}

// NewReader returns a Reader that has allocated nothing yet.
func NewReader() *Reader { return &Reader{} }

// Close frees the decoders. The Reader can still be used.
func (r *Reader) Close() {
	r.dec.close()
	r.src = source{}
}

// ReadMetadata reads a package's metadata. Of a deb or ipk it reads the
// control archive, of an rpm a few tags of the header; the payload is not
// opened, and of an ipk in the older outer form only passed over. A file that
// is cut or has bytes behind its end is an error where the format states its
// length, as all but some rpms do.
func (r *Reader) ReadMetadata(file string) (pkg *Package, err error) {
	err = r.with(file, func() error {
		pkg, err = r.metadata()
		return err
	})
	if err != nil {
		return nil, err
	}
	pkg.File = file
	return pkg, nil
}

// ReadSnippets opens the payload of a package that ReadMetadata has read and
// returns its migrations, sorted by recipe and name. Below
// /usr/share/migration only directories and regular files at
// <recipe>/<name> are accepted; anything else there is an error, and so is
// a path in a package that holds "..". That a package announces migrations
// and has none, or has some and does not announce them, is no error here.
//
// What it holds in memory is bounded by 16 MiB of migrations a package.
func (r *Reader) ReadSnippets(pkg *Package) (snippets []Snippet, err error) {
	err = r.with(pkg.File, func() error {
		snippets, err = r.snippets(pkg)
		return err
	})
	if err != nil {
		return nil, err
	}
	return snippets, nil
}

// with opens file for the time of read. It turns a panic into an error: what
// the checks do not foresee must not end a build without naming the package.
func (r *Reader) with(file string, read func() error) (err error) {
	if err := r.src.open(file); err != nil {
		return err
	}
	defer r.src.close()
	defer func() {
		if cause := recover(); cause != nil {
			// The decoders' state is unknown after it.
			r.dec.close()
			err = r.src.fault("", fmt.Errorf("malformed: %v", cause))
		}
	}()
	return read()
}

func (r *Reader) metadata() (*Package, error) {
	kind, err := r.src.kind()
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindRpm:
		return r.rpmMetadata()
	case kindTarGz:
		return r.outerMetadata()
	}
	return r.arMetadata()
}

func (r *Reader) snippets(pkg *Package) ([]Snippet, error) {
	kind, err := r.src.kind()
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindRpm:
		return r.rpmSnippets(pkg)
	case kindTarGz:
		return r.outerSnippets(pkg)
	}
	return r.arSnippets(pkg)
}

// kind is what a file begins with.
type kind int

const (
	kindAr kind = iota + 1
	kindTarGz
	kindRpm
)

var magics = []struct {
	kind  kind
	magic string
}{
	{kindAr, arMagic},
	{kindRpm, rpmMagic},
	{kindTarGz, "\x1f\x8b\x08"},
}

func (s *source) kind() (kind, error) {
	if s.size == 0 {
		return 0, s.fault("", errors.New("empty file"))
	}
	for _, m := range magics {
		if bytes.HasPrefix(s.head, []byte(m.magic)) {
			return m.kind, nil
		}
	}
	return 0, s.fault("", fmt.Errorf("neither .deb, .ipk nor .rpm: begins with %q", s.head[:min(8, len(s.head))]))
}
