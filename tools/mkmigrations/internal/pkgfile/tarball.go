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

// headerMeter bounds what archive/tar may read for one header. It collects
// long names, pax records and, before Go 1.24.8, sparse maps of any length in
// memory (CVE-2025-58183).
type headerMeter struct {
	s        *stream
	inHeader bool
	left     int
	ended    bool // the stream ended, where a tar has an end mark
}

func (m *headerMeter) Read(p []byte) (int, error) {
	if m.inHeader {
		if m.left == 0 {
			return 0, fmt.Errorf("tar header larger than %s", sizeText(maxTarHeader))
		}
		p = p[:min(len(p), m.left)]
	}
	n, err := m.s.Read(p)
	if m.inHeader {
		m.left -= n
	}
	// A decoder may give its last bytes together with the end.
	m.ended = m.ended || n < len(p) && err == io.EOF
	return n, err
}

// walkTar calls visit for each entry, with a reader of its content, and then
// reads on to the end of the stream. Nothing is held but one header.
func walkTar(s *stream, visit func(*tar.Header, io.Reader) error) error {
	m := &headerMeter{s: s}
	tr := tar.NewReader(m)
	for entries := 0; ; entries++ {
		m.inHeader, m.left = true, maxTarHeader
		h, err := tr.Next()
		m.inHeader = false
		switch {
		// archive/tar takes the end of the stream for the end of the archive:
		// one that is cut between two entries would look complete.
		case err == io.EOF && m.ended:
			return fmt.Errorf("tar archive without an end mark: %w", io.ErrUnexpectedEOF)
		case err == io.EOF:
			return s.finish()
		case err != nil:
			return err
		case entries == maxEntries:
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		if err := checkTarHeader(h, s.limit); err != nil {
			return err
		}
		if err := visit(h, tr); err != nil {
			return err
		}
		// Next would count what is skipped here as part of a header.
		if _, err := io.Copy(io.Discard, tr); err != nil {
			return err
		}
	}
}

func checkTarHeader(h *tar.Header, limit int64) error {
	if len(h.Name) > maxPath || len(h.Linkname) > maxPath {
		return fmt.Errorf("path of more than %d bytes: %.64q…", maxPath, h.Name)
	}
	// A sparse file is as large as it likes without a byte in the archive.
	// dpkg and opkg do not know them either.
	sparse := h.Typeflag == tar.TypeGNUSparse
	for key := range h.PAXRecords {
		sparse = sparse || strings.HasPrefix(key, "GNU.sparse.")
	}
	if sparse {
		return fmt.Errorf("%q is a sparse file", h.Name)
	}
	if h.Size > limit {
		return fmt.Errorf("%q announces %d bytes, the archive may have %d", h.Name, h.Size, limit)
	}
	return nil
}

// readControl returns the control file in a control archive. It reads it into
// buf first, as far as that goes.
func readControl(s *stream, buf []byte) (string, error) {
	whole, err := s.lookAhead(buf)
	if err != nil {
		return "", err
	}
	if whole != nil {
		if text, ok := plainControl(whole); ok {
			return text, nil
		}
	}
	return walkControl(s)
}

func walkControl(s *stream) (string, error) {
	var text []byte
	err := walkTar(s, func(h *tar.Header, r io.Reader) error {
		if strings.TrimPrefix(h.Name, "./") != "control" {
			return nil
		}
		if text != nil {
			return errors.New("two files named control")
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("control is a %s", tarKind(h.Typeflag))
		}
		if h.Size > maxControlFile {
			return fmt.Errorf("control has %d bytes, at most %s are read", h.Size, sizeText(maxControlFile))
		}
		text = make([]byte, h.Size)
		_, err := io.ReadFull(r, text)
		return err
	})
	if err == nil && text == nil {
		err = errors.New("no file named control")
	}
	return string(text), err
}

func tarKind(flag byte) fileKind {
	switch flag {
	case tar.TypeReg, tar.TypeCont:
		return regular
	case tar.TypeDir:
		return directory
	case tar.TypeSymlink:
		return symlink
	case tar.TypeLink:
		return hardLink
	case tar.TypeChar, tar.TypeBlock:
		return device
	case tar.TypeFifo:
		return fifo
	}
	return unknownKind
}

// tarSnippets collects the migrations of a data archive.
func tarSnippets(s *stream) ([]Snippet, error) {
	var c collector
	err := walkTar(s, func(h *tar.Header, r io.Reader) error {
		place, err := locate(h.Name)
		if err != nil {
			return err
		}
		kind := tarKind(h.Typeflag)
		take, err := c.admit(place, kind, h.Size)
		if err != nil || !take {
			return err
		}
		return c.take(place, uint32(h.Mode), h.Size, r)
	})
	if err != nil {
		return nil, err
	}
	return c.sorted(), nil
}
