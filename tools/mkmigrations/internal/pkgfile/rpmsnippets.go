// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sassoftware/go-rpmutils"
)

// rpmSnippets reads the header by go-rpmutils, and the payload where the
// header lists a migration. The list is authoritative: rpm installs nothing
// that is not in it. So thorough passes over most rpms without opening them.
func (r *Reader) rpmSnippets(pkg *Package) ([]Snippet, error) {
	s := &r.src
	f, err := s.openRpm()
	if err != nil {
		return nil, s.fault("header", err)
	}
	if !pkg.Announces {
		if may, err := f.mayHold(s); err != nil || !may {
			if err != nil {
				err = s.fault("header", err)
			}
			return nil, err
		}
	}
	h, err := s.readRpmHeader(f)
	if err != nil {
		return nil, s.fault("header", err)
	}
	list, err := listFiles(h)
	if err != nil {
		return nil, s.fault("header", err)
	}
	pack, err := payloadCodec(h)
	if err != nil {
		return nil, s.fault("payload", err)
	}
	limit, err := payloadLimit(pack, pkg.Announces, s.size-f.main.end())
	if err != nil {
		return nil, s.fault("payload", err)
	}
	if err := f.checkPayload(s, h); err != nil {
		return nil, s.fault("payload", err)
	}
	snippets, err := r.rpmPayload(f, list, pack, limit)
	if err != nil {
		return nil, s.fault("payload", err)
	}
	return snippets, nil
}

// listedFile is one file of an rpm's header.
type listedFile struct {
	place  place
	kind   fileKind
	stored int64  // bytes in the payload
	digest string // hex
	ghost  bool
	seen   bool
}

// fileList is the header's file list. A payload entry names its file, or
// gives its index in the list.
type fileList struct {
	files  []listedFile
	byPath map[string]int
	algo   crypto.Hash // of the files' digests
}

func listFiles(h *rpmutils.RpmHeader) (*fileList, error) {
	infos, err := h.GetFiles()
	if err != nil {
		return nil, fmt.Errorf("file list: %w", err)
	}
	l := &fileList{files: make([]listedFile, len(infos)), byPath: make(map[string]int, len(infos)), algo: crypto.MD5}
	if h.HasTag(rpmutils.FILEDIGESTALGO) {
		if l.algo, err = hashAlgorithm(h, rpmutils.FILEDIGESTALGO); err != nil {
			return nil, err
		}
	}
	type inode struct{ device, number int }
	last := map[inode]int{}
	for i, info := range infos {
		f, err := listFile(info)
		if err != nil {
			return nil, err
		}
		if _, dup := l.byPath[f.place.path]; dup {
			return nil, fmt.Errorf("%q is listed twice", f.place.path)
		}
		l.byPath[f.place.path] = i
		// Of hard links only the last carries the content, and all are links.
		if id := (inode{info.Device(), info.Inode()}); f.kind == regular && id.number != 0 && !f.ghost {
			if before, ok := last[id]; ok {
				l.files[before].kind, l.files[before].stored = hardLink, 0
				f.kind = hardLink
			}
			last[id] = i
		}
		l.files[i] = f
	}
	return l, nil
}

func listFile(info rpmutils.FileInfo) (listedFile, error) {
	f := listedFile{kind: modeKind(info.Mode()), digest: info.Digest(), ghost: info.Flags()&rpmutils.RPMFILE_GHOST != 0}
	var err error
	// The header's paths are absolute, those of a payload begin with "./".
	if f.place, err = locate("." + info.Name()); err != nil {
		return f, err
	}
	switch f.kind {
	case regular:
		f.stored = info.Size()
	case symlink:
		f.stored = int64(len(info.Linkname()))
	}
	if f.place.below && f.ghost {
		return f, fmt.Errorf("%q is a ghost: listed, but not in the payload", f.place.path)
	}
	return f, nil
}

// modeKind reads the type bits of a Unix mode.
func modeKind(mode int) fileKind {
	switch mode & 0o170000 {
	case 0o100000:
		return regular
	case 0o040000:
		return directory
	case 0o120000:
		return symlink
	case 0o020000, 0o060000:
		return device
	case 0o010000:
		return fifo
	}
	return unknownKind
}

// checkPayload compares the packed payload with the digest in the header, or
// in rpms from before 4.14 header and payload with the MD5 in the signature
// header. It is a pass of its own: what is damaged is not parsed.
func (f rpmFile) checkPayload(s *source, h *rpmutils.RpmHeader) error {
	algo, from := crypto.MD5, f.main.off
	var want string
	switch {
	case h.HasTag(rpmutils.PAYLOADDIGEST):
		values, err := h.GetStrings(rpmutils.PAYLOADDIGEST)
		if err != nil {
			return err
		}
		if algo, err = hashAlgorithm(h, rpmutils.PAYLOADDIGESTALGO); err != nil {
			return err
		}
		want, from = values[0], f.main.end()
	case h.HasTag(rpmutils.SIG_MD5):
		sum, err := h.GetBytes(rpmutils.SIG_MD5)
		if err != nil {
			return err
		}
		want = hex.EncodeToString(sum)
	default:
		return nil
	}
	sum := algo.New()
	if err := s.digest(sum, from, s.size); err != nil {
		return err
	}
	if !strings.EqualFold(hex.EncodeToString(sum.Sum(nil)), want) {
		return fmt.Errorf("%w: %s", ErrChecksum, algo)
	}
	return nil
}

// rpmPayload walks the cpio archive and takes what the list has below root.
func (r *Reader) rpmPayload(f rpmFile, list *fileList, pack codec, limit int64) ([]Snippet, error) {
	in := r.src.section(f.main.end(), r.src.size-f.main.end())
	s, err := r.dec.unpack(pack, in, limit, maxWindow)
	if err != nil {
		return nil, err
	}
	var c collector
	err = walkCpio(s, list.sizes(), func(e cpioEntry, in io.Reader) error {
		return list.visit(&c, e, in)
	})
	if err != nil {
		return nil, err
	}
	return c.sorted(), list.complete()
}

func (l *fileList) sizes() []int64 {
	sizes := make([]int64, len(l.files))
	for i, f := range l.files {
		sizes[i] = f.stored
	}
	return sizes
}

// visit finds an entry in the list and takes it if it is a migration.
func (l *fileList) visit(c *collector, e cpioEntry, in io.Reader) error {
	i := e.index
	if !e.stripped {
		p, err := locate(e.name)
		if err != nil {
			return err
		}
		var ok bool
		if i, ok = l.byPath[p.path]; !ok {
			return fmt.Errorf("%q is not listed in the header", e.name)
		}
	}
	f := &l.files[i]
	if f.seen {
		return fmt.Errorf("%q is there twice", f.place.path)
	}
	// Before the kind is looked at: a second entry is a fault in any case.
	f.seen = true
	if kind := modeKind(e.mode); !e.stripped && kind != f.kind && f.kind != hardLink {
		return fmt.Errorf("%q is a %s, but listed as a %s", f.place.path, kind, f.kind)
	}
	take, err := c.admit(f.place, f.kind, e.size)
	if err != nil || !take {
		return err
	}
	// Sizes and digests of the list are covered by the header's digest.
	if e.size != f.stored {
		return fmt.Errorf("%q has %d bytes, but is listed with %d", f.place.path, e.size, f.stored)
	}
	if err := c.take(f.place, uint32(e.mode), e.size, in); err != nil {
		return err
	}
	return l.checkDigest(f, c.snippets[len(c.snippets)-1].Data)
}

func (l *fileList) checkDigest(f *listedFile, data []byte) error {
	if f.digest == "" {
		return nil
	}
	sum := l.algo.New()
	sum.Write(data)
	if !strings.EqualFold(hex.EncodeToString(sum.Sum(nil)), f.digest) {
		return fmt.Errorf("%w: %s of %q", ErrChecksum, l.algo, f.place.path)
	}
	return nil
}

// complete checks that no migration is listed that the payload does not have:
// rpm would refuse to install such a package.
func (l *fileList) complete() error {
	for _, f := range l.files {
		if f.place.below && !f.seen {
			return fmt.Errorf("%q is listed in the header and missing in the payload", f.place.path)
		}
	}
	return nil
}

// payloadCodec reads how the payload is packed. Without the tag it is gzip in
// very old packages, and plain in new ones (w.ufdio).
func payloadCodec(h *rpmutils.RpmHeader) (codec, error) {
	if h.HasTag(rpmutils.PAYLOADFORMAT) {
		if format, err := h.GetString(rpmutils.PAYLOADFORMAT); err != nil || format != "cpio" {
			return 0, errors.Join(err, fmt.Errorf("format %q is not read, only cpio", format))
		}
	}
	if !h.HasTag(rpmutils.PAYLOADCOMPRESSOR) {
		return plain, nil
	}
	name, err := h.GetString(rpmutils.PAYLOADCOMPRESSOR)
	if err != nil {
		return 0, err
	}
	pack, ok := map[string]codec{
		"gzip": gzipped, "xz": xzed, "zstd": zstded, "bzip2": bzipped, "lzma": lzmaed, "uncompressed": plain,
	}[name]
	if !ok {
		return 0, fmt.Errorf("compressor %q is not known", name)
	}
	return pack, nil
}

// hashAlgorithm reads a tag with an OpenPGP hash number, RFC 9580 section 9.5.
func hashAlgorithm(h *rpmutils.RpmHeader, tag int) (crypto.Hash, error) {
	values, err := h.GetUint32s(tag)
	if err != nil {
		return 0, fmt.Errorf("digest algorithm: %w", err)
	}
	algo := map[uint32]crypto.Hash{
		1: crypto.MD5, 2: crypto.SHA1, 8: crypto.SHA256, 9: crypto.SHA384, 10: crypto.SHA512, 11: crypto.SHA224,
	}[values[0]]
	if !algo.Available() {
		return 0, fmt.Errorf("digest algorithm %d is not known", values[0])
	}
	return algo, nil
}
