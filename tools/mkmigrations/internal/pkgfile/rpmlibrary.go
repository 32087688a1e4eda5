// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/sassoftware/go-rpmutils"
)

// readRpmHeader gives both headers to go-rpmutils, which checks the digest
// again and joins the file list. Everything that the library indexes without
// looking is checked before, and what it copies is small.
func (s *source) readRpmHeader(f rpmFile) (*rpmutils.RpmHeader, error) {
	if n := f.main.end(); n > maxRpmHeaders {
		return nil, fmt.Errorf("headers of %d bytes, at most %s are read of a package with migrations",
			n, sizeText(maxRpmHeaders))
	}
	// Not s.bytes: what that returned is gone when the index is read.
	all := make([]byte, f.main.end())
	if _, err := io.ReadFull(s.section(0, f.main.end()), all); err != nil {
		return nil, err
	}
	for _, h := range []rpmHeader{f.sig, f.main} {
		counts, err := s.checkStore(h, all[h.store():h.end()])
		if err == nil && h == f.main {
			err = checkFileList(counts, all[h.store():h.end()])
		}
		if err != nil {
			return nil, err
		}
	}
	return rpmutils.ReadHeader(bytes.NewReader(all))
}

// checkStore checks that every string ends inside the store, and returns the
// entries by tag. The library walks strings entry by entry; entries that lie
// over each other would make it walk the store 65,536 times.
func (s *source) checkStore(h rpmHeader, store []byte) (map[uint32]rpmEntry, error) {
	seen := map[uint32]rpmEntry{}
	budget := 2*len(store) + 4096
	err := s.entries(h, func(e rpmEntry) error {
		if _, dup := seen[e.tag]; dup {
			return fmt.Errorf("tag %d is there twice", e.tag)
		}
		seen[e.tag] = e
		if !e.isString() {
			return nil
		}
		if e.count > maxRpmFiles*4 {
			return fmt.Errorf("tag %d has %d strings, at most %d are read of a package with migrations",
				e.tag, e.count, maxRpmFiles*4)
		}
		at := int(e.off)
		for range e.count {
			n := bytes.IndexByte(store[at:], 0)
			if n < 0 {
				return fmt.Errorf("tag %d: string without an end", e.tag)
			}
			at += n + 1
			if budget -= n + 1; budget < 0 {
				return fmt.Errorf("tag %d lies over other tags", e.tag)
			}
		}
		return nil
	})
	return seen, err
}

// parallel are the tags that have one value a file. The library takes the
// first's count and indexes the others.
var parallel = []uint32{
	rpmutils.BASENAMES, rpmutils.DIRINDEXES, rpmutils.FILEMODES, rpmutils.FILESIZES, rpmutils.LONGFILESIZES,
	rpmutils.FILEUSERNAME, rpmutils.FILEGROUPNAME, rpmutils.FILEFLAGS, rpmutils.FILEMTIMES, rpmutils.FILEDIGESTS,
	rpmutils.FILELINKTOS, rpmutils.FILEDEVICES, rpmutils.FILEINODES,
}

// checkFileList checks that the parallel arrays are equally long and that
// each file's directory is in the list of directories.
func checkFileList(tags map[uint32]rpmEntry, store []byte) error {
	first := uint32(rpmutils.BASENAMES)
	if _, old := tags[rpmutils.OLDFILENAMES]; old {
		first = rpmutils.OLDFILENAMES
	}
	files := tags[first].count
	if files > maxRpmFiles {
		return fmt.Errorf("%d files, at most %d are read of a package with migrations", files, maxRpmFiles)
	}
	for _, tag := range parallel {
		if e, ok := tags[tag]; ok && e.count != files {
			return fmt.Errorf("tag %d has %d values for %d files", tag, e.count, files)
		}
	}
	index, ok := tags[rpmutils.DIRINDEXES]
	if !ok {
		return nil
	}
	if index.typ != typeInt32 {
		return fmt.Errorf("tag %d has type %d, not %d", index.tag, index.typ, typeInt32)
	}
	dirs := tags[rpmutils.DIRNAMES].count
	for i := range index.count {
		if at := binary.BigEndian.Uint32(store[index.off+4*i:]); int64(at) >= dirs {
			return fmt.Errorf("file %d is in directory %d of %d", i, at, dirs)
		}
	}
	return nil
}
