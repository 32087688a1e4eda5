// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// headSize is how much is read at first. It holds the whole of most control
// archives and rpm headers, so that one read serves for the metadata.
const headSize = 16 << 10

// file is what is read: a descriptor, or bytes in a fuzz test.
type file interface {
	io.ReaderAt
	io.Closer
}

// source is an open package file. Its first bytes are in memory; the rest is
// read when asked for, never as a whole.
type source struct {
	f       file
	name    string
	size    int64
	id      fileID
	head    []byte
	buf     []byte // backing of head, kept for the next file
	scratch []byte // backing of what bytes returns
}

// open opens file, which must be regular, and reads its head.
func (s *source) open(name string) error {
	f, size, id, err := openDescriptor(name)
	s.id = id // none of a file that did not open
	if err == nil {
		if err = s.start(f, name, size); err != nil {
			_ = f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("opening %q: %w", name, bare(err))
	}
	return nil
}

func (s *source) start(f file, name string, size int64) error {
	s.f, s.name, s.size = f, name, size
	if s.buf == nil {
		s.buf = make([]byte, headSize)
	}
	n, err := s.f.ReadAt(s.buf[:min(headSize, s.size)], 0)
	if err != nil && err != io.EOF {
		return err
	}
	s.head = s.buf[:n]
	return nil
}

// bare drops the path that os puts into an error, since ours names it.
func bare(err error) error {
	var perr *fs.PathError
	if errors.As(err, &perr) {
		return perr.Err
	}
	return err
}

func (s *source) close() {
	if s.f != nil {
		// Nothing was written, so nothing can be lost.
		_ = s.f.Close()
	}
	s.f = nil
}

// ReadAt reads from the head where it can.
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if off >= 0 && off+int64(len(p)) <= int64(len(s.head)) {
		return copy(p, s.head[off:]), nil
	}
	return s.f.ReadAt(p, off)
}

// bytes returns n bytes at off. They are valid until the next call. The
// caller bounds n before.
func (s *source) bytes(off, n int64) ([]byte, error) {
	if off+n <= int64(len(s.head)) {
		return s.head[off : off+n], nil
	}
	if off+n > s.size {
		return nil, errTruncated("file", s.size, off+n)
	}
	if int64(cap(s.scratch)) < n {
		s.scratch = make([]byte, n)
	}
	p := s.scratch[:n]
	if got, err := s.f.ReadAt(p, off); int64(got) < n {
		return nil, unexpected(bare(err))
	}
	return p, nil
}

// section is a reader over a part of the file.
func (s *source) section(off, n int64) *io.SectionReader {
	return io.NewSectionReader(s, off, n)
}

// fault puts the file's name before err. What is read, if given, tells which
// part: "control", "payload".
func (s *source) fault(what string, err error) error {
	if what == "" {
		return fmt.Errorf("reading %q: %w", s.name, err)
	}
	return fmt.Errorf("reading %s of %q: %w", what, s.name, err)
}

// unexpected turns an end of file where data must follow into the error that
// says so.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
