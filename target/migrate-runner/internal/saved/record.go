// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// Kinds of records. The package doc says what follows what.
const (
	kindHeader = 'H'
	kindPath   = 'P'
	kindAbsent = 'A'
	kindMount  = 'M'
	kindDir    = 'D'
	kindUp     = 'U'
	kindFile   = 'F'
	kindLink   = 'L'
	kindNode   = 'N'
	kindSame   = 'S'
	kindEnd    = 'Z'
)

// Where a file's content is.
const (
	contentInline = 0 // in the record
	contentFile   = 1 // in a file of its own, with a check value
	contentClone  = 2 // the same, shared by reflink and not read, so without one
)

// record is one entry of the index. Which fields are written depends on the
// kind.
type record struct {
	kind byte
	name string // one component; for kindPath the whole path
	attrs

	// kindPath
	ancestors []attrs // of each directory above the named object
	// kindHeader
	number uint64
	// kindFile
	size    int64
	dense   bool // had no holes
	content uint8
	data    []byte // contentInline
	file    uint64 // contentFile, contentClone: its name
	sum     check  // contentFile
	// kindLink: the target; kindSame: the path of the object that it is
	target string
	// kindNode
	rdev sys.Device
	// kindEnd
	records uint64
}

// attrs is what every object has.
type attrs struct {
	mode, uid, gid uint32
	atime, mtime   sys.Timespec
	ino            uint64
	nlink          uint32
	mount          uint8 // a mountState
	xattrs         []xattr
}

type xattr struct {
	name  string
	value []byte
}

// mountState says whether an object is the root of a mount.
const (
	mountUnknown = 0
	mountNo      = 1
	mountYes     = 2
)

func (a *attrs) typ() uint32  { return a.mode & syscall.S_IFMT }
func (a *attrs) perm() uint32 { return a.mode & 0o7777 }

// maxRecord bounds a record, so that a damaged length cannot ask for all
// memory. The largest honest one is a file with 64 KiB each of names and
// values of attributes on most file systems, several MiB on a few.
const maxRecord = 64 << 20

// encode appends the payload of r to b.
func (r *record) encode(b []byte) []byte {
	e := encoder{b}
	e.byte(r.kind)
	switch r.kind {
	case kindHeader:
		e.string(magic)
		e.uint(formatVersion)
		e.uint(r.number)
	case kindPath:
		e.string(r.name)
		e.uint(uint64(len(r.ancestors)))
		for i := range r.ancestors {
			e.attrs(&r.ancestors[i])
		}
	case kindAbsent, kindMount:
		e.string(r.name)
	case kindUp:
	case kindEnd:
		e.uint(r.records)
	default:
		e.string(r.name)
		e.attrs(&r.attrs)
		e.object(r)
	}
	return e.b
}

func (e *encoder) object(r *record) {
	switch r.kind {
	case kindFile:
		e.uint(uint64(r.size))
		e.bool(r.dense)
		e.byte(r.content)
		if r.content == contentInline {
			e.string(string(r.data))
			return
		}
		e.uint(r.file)
		e.uint(uint64(r.sum))
	case kindLink, kindSame:
		e.string(r.target)
	case kindNode:
		e.uint(uint64(r.rdev.Major))
		e.uint(uint64(r.rdev.Minor))
	}
}

func (e *encoder) attrs(a *attrs) {
	e.uint(uint64(a.mode))
	e.uint(uint64(a.uid))
	e.uint(uint64(a.gid))
	for _, t := range [2]sys.Timespec{a.atime, a.mtime} {
		e.uint(uint64(t.Sec))
		e.uint(uint64(t.Nsec))
	}
	e.uint(a.ino)
	e.uint(uint64(a.nlink))
	e.byte(a.mount)
	e.uint(uint64(len(a.xattrs)))
	for _, x := range a.xattrs {
		e.string(x.name)
		e.string(string(x.value))
	}
}

// decode reads a payload that encode wrote. ok is false for any other one.
func decode(b []byte) (r record, ok bool) {
	d := decoder{b: b}
	r.kind = d.byte()
	switch r.kind {
	case kindHeader:
		d.expect(d.string() == magic)
		d.expect(d.uint() == formatVersion)
		r.number = d.uint()
	case kindPath:
		r.name = d.string()
		n := d.length()
		for i := 0; i < n && !d.bad; i++ {
			r.ancestors = append(r.ancestors, d.attrs())
		}
	case kindAbsent, kindMount:
		r.name = d.string()
	case kindUp:
	case kindEnd:
		r.records = d.uint()
	case kindDir, kindFile, kindLink, kindNode, kindSame:
		r.name = d.string()
		r.attrs = d.attrs()
		d.object(&r)
	default:
		d.bad = true
	}
	return r, !d.bad && len(d.b) == 0
}

func (d *decoder) object(r *record) {
	switch r.kind {
	case kindFile:
		r.size = int64(d.uint())
		r.dense = d.bool()
		r.content = d.byte()
		d.expect(r.size >= 0 && r.content <= contentClone)
		if r.content == contentInline {
			r.data = []byte(d.string())
			d.expect(int64(len(r.data)) == r.size)
			return
		}
		r.file = d.uint()
		r.sum = check(d.uint())
	case kindLink, kindSame:
		r.target = d.string()
	case kindNode:
		r.rdev = sys.Device{Major: d.uint32(), Minor: d.uint32()}
	}
}

func (d *decoder) attrs() (a attrs) {
	a.mode, a.uid, a.gid = d.uint32(), d.uint32(), d.uint32()
	for _, t := range [2]*sys.Timespec{&a.atime, &a.mtime} {
		t.Sec, t.Nsec = int64(d.uint()), int64(d.uint())
		d.expect(t.Nsec >= 0 && t.Nsec < 1e9)
	}
	a.ino, a.nlink, a.mount = d.uint(), d.uint32(), d.byte()
	d.expect(a.mount <= mountYes)
	n := d.length()
	for i := 0; i < n && !d.bad; i++ {
		a.xattrs = append(a.xattrs, xattr{d.string(), []byte(d.string())})
	}
	return a
}
