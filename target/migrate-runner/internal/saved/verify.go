// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strconv"
	"strings"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
)

// verifier reads a whole save and checks that it is one that Save wrote, so
// that Restore can rely on it.
type verifier struct {
	*reader
	save int
	// inside counts the saved names of each file with several, by the path
	// of the first.
	inside map[string]uint32
}

// verify reads index and contents and returns the counts of hard links.
func verify(r *reader, save int) (inside map[string]uint32, err error) {
	v := &verifier{r, save, map[string]uint32{}}
	for {
		rec, err := v.next()
		if err != nil || rec.kind == kindEnd {
			return v.inside, err
		}
		if err := v.path(&rec); err != nil {
			return nil, err
		}
	}
}

// path checks one path with its object.
func (v *verifier) path(rec *record) error {
	names := split(rec.name)
	if rec.kind != kindPath || len(names) == 0 || rec.name != "/"+strings.Join(names, "/") || len(rec.ancestors) >= len(names) {
		return v.damage("a path is expected and not there")
	}
	for i := range names {
		if !validName(names[i]) {
			return v.damage("a path is not valid")
		}
	}
	for i := range rec.ancestors {
		if rec.ancestors[i].typ() != syscall.S_IFDIR {
			return v.damage("a directory above a path is none")
		}
	}
	obj, err := v.next()
	if err != nil {
		return err
	}
	if obj.kind == kindMount || obj.kind != kindAbsent && len(rec.ancestors)+1 != len(names) {
		return v.damage("an object has no directory")
	}
	if obj.name != names[len(names)-1] {
		return v.damage("a path and its object do not fit")
	}
	return v.object(&obj)
}

func validName(name string) bool {
	return name != "" && name != "." && name != ".." && strings.IndexByte(name, '/') < 0 && strings.IndexByte(name, 0) < 0
}

// object checks one object; of a directory all that is in it.
func (v *verifier) object(rec *record) error {
	if !validName(rec.name) || rec.name == temporary {
		return v.damage("a name is not valid")
	}
	typeFits := false
	switch rec.kind {
	case kindAbsent, kindMount:
		return nil
	case kindFile:
		typeFits = rec.typ() == syscall.S_IFREG
	case kindLink:
		typeFits = rec.typ() == syscall.S_IFLNK
	case kindDir:
		typeFits = rec.typ() == syscall.S_IFDIR
	case kindNode, kindSame:
		typeFits = rec.typ() != syscall.S_IFDIR
	}
	if !typeFits {
		return v.damage("an object is not of its type")
	}
	switch rec.kind {
	case kindDir:
		return v.directory()
	case kindSame:
		v.inside[rec.target]++
	case kindFile:
		return v.content(rec)
	}
	return nil
}

func (v *verifier) directory() error {
	last := ""
	for {
		rec, err := v.next()
		if err != nil || rec.kind == kindUp {
			return err
		}
		if rec.kind == kindAbsent || rec.name <= last {
			return v.damage("names are not in order")
		}
		last = rec.name
		if err := v.object(&rec); err != nil {
			return err
		}
	}
}

// content checks that the content of a file is there and, unless it is a
// reflink, has its check value.
func (v *verifier) content(rec *record) error {
	if rec.content == contentInline {
		return nil
	}
	fd, err := openContent(v.save, rec)
	if err == syscall.ENOENT {
		return v.damage("the content of " + bundle.Quote(rec.name) + " is missing")
	}
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	st, err := sys.Fstat(fd)
	if err != nil {
		return err
	}
	if st.Size != rec.size || st.Type() != syscall.S_IFREG {
		return v.damage("the content of " + bundle.Quote(rec.name) + " has another length")
	}
	if rec.content == contentClone {
		return nil
	}
	sum, err := digest(fd, rec.size)
	if err == nil && sum != rec.sum {
		return v.damage("the content of " + bundle.Quote(rec.name) + " has changed")
	}
	return err
}

func openContent(save int, rec *record) (int, error) {
	return openQuiet(save, strconv.FormatUint(rec.file, 10), readFile)
}
