// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"path"
	"strconv"
	"strings"
)

// Tags of the main header and, from sigSize on, of the signature header.
const (
	tagName         = 1000
	tagVersion      = 1001
	tagRelease      = 1002
	tagEpoch        = 1003
	tagArch         = 1022
	tagOldFileNames = 1027
	tagSourceRpm    = 1044
	tagProvideName  = 1047
	tagBaseNames    = 1117
	tagDirNames     = 1118
	sigSize         = 1000 // of header and payload
	sigMD5          = 1004 // over header and payload
	sigSHA1         = 269  // over the header
	sigLongSize     = 270
	sigSHA256       = 273
)

// rpmMetadata decides by an index scan of its own. go-rpmutils would read
// the same, but parses every tag of every package: 3,900 headers a second
// against 20,000.
func (r *Reader) rpmMetadata() (*Package, error) {
	s := &r.src
	f, err := s.openRpm()
	if err != nil {
		return nil, s.fault("header", err)
	}
	sig, err := s.tags(f.sig, sigSize, sigLongSize, sigSHA1, sigSHA256)
	if err != nil {
		return nil, s.fault("header", fmt.Errorf("signature header: %w", err))
	}
	if err := f.checkLength(s, sig); err != nil {
		return nil, s.fault("", err)
	}
	if err := f.checkDigest(s, sig); err != nil {
		return nil, s.fault("header", err)
	}
	pkg, err := f.metadata(s)
	if err != nil {
		return nil, s.fault("header", err)
	}
	return pkg, nil
}

// checkLength compares the file's size with what the signature header says,
// so that a cut payload shows without reading it.
func (f rpmFile) checkLength(s *source, sig *rpmTags) error {
	want, ok, err := sig.number(sigLongSize)
	if err == nil && !ok {
		want, ok, err = sig.number(sigSize)
	}
	if err != nil || !ok {
		return err
	}
	have := uint64(s.size - f.main.off)
	switch {
	case have < want:
		return fmt.Errorf("truncated: header and payload have %d bytes, %d are announced", have, want)
	case have > want:
		return fmt.Errorf("%d bytes behind the end of the payload", have-want)
	}
	return nil
}

// checkDigest checks the main header against its digest. A package without
// one, from before rpm 4.0, is accepted.
func (f rpmFile) checkDigest(s *source, sig *rpmTags) error {
	for _, d := range []struct {
		tag  uint32
		name string
		new  func() hash.Hash
	}{{sigSHA256, "SHA256", sha256.New}, {sigSHA1, "SHA1", sha1.New}} {
		want, err := sig.text(d.tag)
		if err != nil {
			return err
		}
		if want == "" {
			continue
		}
		h := d.new()
		if err := s.digest(h, f.main.off, f.main.end()); err != nil {
			return err
		}
		if !strings.EqualFold(hex.EncodeToString(h.Sum(nil)), want) {
			return fmt.Errorf("%w: %s of the main header", ErrChecksum, d.name)
		}
		return nil
	}
	return nil
}

// digest writes a part of the file to h, piece by piece.
func (s *source) digest(h hash.Hash, from, to int64) error {
	for from < to {
		// In pieces, so that no payload is ever in memory as a whole.
		n := min(to-from, 256<<10)
		if from < int64(len(s.head)) {
			n = min(n, int64(len(s.head))-from)
		}
		p, err := s.bytes(from, n)
		if err != nil {
			return err
		}
		h.Write(p)
		from += n
	}
	return nil
}

func (f rpmFile) metadata(s *source) (*Package, error) {
	t, err := s.tags(f.main, tagName, tagVersion, tagRelease, tagEpoch, tagArch, tagSourceRpm, tagProvideName)
	if err != nil {
		return nil, err
	}
	pkg := &Package{Format: Rpm}
	var version, release, sourceRpm string
	for _, field := range []struct {
		tag  uint32
		name string
		into *string
		must bool
	}{
		{tagName, "NAME", &pkg.Name, true},
		{tagVersion, "VERSION", &version, true},
		{tagRelease, "RELEASE", &release, true},
		{tagArch, "ARCH", &pkg.Arch, true},
		{tagSourceRpm, "SOURCERPM", &sourceRpm, false},
	} {
		*field.into, err = t.text(field.tag)
		if err == nil && (field.must || *field.into != "") {
			err = checkWord(*field.into)
		}
		if err != nil {
			return nil, fmt.Errorf("tag %s: %w", field.name, err)
		}
	}
	if pkg.Version, err = t.evr(version, release); err != nil {
		return nil, err
	}
	provides, err := t.provides()
	if err != nil {
		return nil, err
	}
	pkg.setProvides(provides)
	pkg.Source = recipeOfSourceRpm(sourceRpm, pkg.Name)
	// A source rpm's ARCH is that of the machine that made it.
	if f.source {
		pkg.Arch, pkg.Announces = SourceArch, false
	}
	return pkg, nil
}

// evr is [epoch:]version-release.
func (t *rpmTags) evr(version, release string) (string, error) {
	epoch, ok, err := t.number(tagEpoch)
	if err != nil {
		return "", err
	}
	if ok {
		return strconv.FormatUint(epoch, 10) + ":" + version + "-" + release, nil
	}
	return version + "-" + release, nil
}

func (t *rpmTags) provides() ([]string, error) {
	e := t.get(tagProvideName)
	if e == nil {
		return nil, nil
	}
	if _, n := t.region(e); n > maxProvidesBytes || e.count > maxProvides {
		return nil, fmt.Errorf("provides %d names in %d bytes, at most %d in %s are read",
			e.count, n, maxProvides, sizeText(maxProvidesBytes))
	}
	names := make([]string, 0, min(e.count, 64))
	err := t.each(tagProvideName, func(name string) error {
		names = append(names, name)
		return nil
	})
	return names, err
}

// recipeOfSourceRpm takes version and release off a source rpm's file name.
func recipeOfSourceRpm(file, name string) string {
	base := strings.TrimSuffix(file, ".rpm")
	base = strings.TrimSuffix(strings.TrimSuffix(base, ".src"), ".nosrc")
	for range 2 {
		i := strings.LastIndexByte(base, '-')
		if i <= 0 {
			return name
		}
		base = base[:i]
	}
	return base
}

// mayHold looks through the file list for paths below root without holding
// it. It is for packages that announce nothing: their lists may be long.
func (f rpmFile) mayHold(s *source) (bool, error) {
	t, err := s.tags(f.main, tagDirNames, tagBaseNames, tagOldFileNames)
	if err != nil {
		return false, err
	}
	found, parent := false, false
	look := func(name string) error {
		clean := path.Clean("/" + name)
		found = found || clean == root || strings.HasPrefix(clean, root+"/")
		parent = parent || clean == path.Dir(root)
		return nil
	}
	if err := errors.Join(t.each(tagDirNames, look), t.each(tagOldFileNames, look)); err != nil || found || !parent {
		return found, err
	}
	// The directory itself, or something else by its name, which is an error.
	err = t.each(tagBaseNames, func(name string) error {
		found = found || name == path.Base(root)
		return nil
	})
	return found, err
}
