// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// temporary is the name under which Restore builds what it then renames. It is
// one fixed name, so that what a power cut leaves is found again.
const temporary = ".#migration-put-back"

// sink takes what a walk finds, in the order of the index.
type sink interface {
	// add takes a record.
	add(r *record) error
	// file takes a regular file: it completes the record and adds it.
	file(dir int, name string, st *sys.Stat, r *record) error
}

// walk reads the objects that paths name.
type walk struct {
	root  int
	saves sys.Stat // of the directory of saves, which must not be met
	out   sink
	first map[fileID]string // path of the first name of a file with several
}

type fileID struct {
	dev   sys.Device
	mount uint64 // no hard link reaches from one mount into another
	ino   uint64
}

// spot is where an object is.
type spot struct {
	dir   int       // the directory that holds it
	above *sys.Stat // of that directory
	name  string
	path  func() string // for messages
}

// stat is not inlined, for size: its result is large.
//
//go:noinline
func (s *spot) stat() (sys.Stat, error) { return sys.Statat(s.dir, s.name, sys.AT_SYMLINK_NOFOLLOW) }

// fail wraps an error with the path, and says so where chattr is the cause.
func (s *spot) fail(op string, err error) error {
	if _, raw := err.(syscall.Errno); !raw {
		return during(op, s.path(), err)
	}
	e := &opError{op: op, path: s.path(), err: err}
	if err == syscall.EPERM {
		st, _ := s.stat()
		dir, _ := sys.Fstat(s.dir)
		if st.Fixed || dir.Fixed {
			e.hint = "it or its directory is immutable or append-only: chattr -i -a"
		}
	}
	return e
}

// walkAll gives everything that targets name to out.
func walkAll(root, dir int, targets []target, out sink) error {
	saves, err := sys.Fstat(dir)
	if err != nil {
		return during("reading", "the directory of saves", err)
	}
	w := &walk{root: root, saves: saves, out: out, first: map[fileID]string{}}
	for i := range targets {
		t := &targets[i]
		if err := w.named(t); err != nil {
			return during("saving", t.path(), err)
		}
	}
	return nil
}

// named walks one path: the directories above it, then the object.
func (w *walk) named(t *target) error {
	parent, ancestors, err := w.ancestors(t.parents)
	if err != nil {
		return err
	}
	defer closeUnless(w.root, parent)
	if err := w.out.add(&record{kind: kindPath, name: t.path(), ancestors: ancestors}); err != nil {
		return err
	}
	above, err := sys.Fstat(parent)
	if err != nil {
		return err
	}
	if len(t.rest) > 1 {
		return w.out.add(&record{kind: kindAbsent, name: t.name()})
	}
	return w.object(&spot{parent, &above, t.name(), t.path}, nil)
}

// ancestors opens the directory that names lead to and returns the attributes
// of each one on the way.
func (w *walk) ancestors(names []string) (fd int, all []attrs, err error) {
	fd = w.root
	for _, name := range names {
		above, err := sys.Fstat(fd)
		if err != nil {
			return fd, nil, err
		}
		a, err := lookAt(fd, &above, name)
		next := -1
		if err == nil {
			all = append(all, a)
			next, err = sys.Openat(fd, name, sys.O_PATH|openDirectory, 0)
		}
		closeUnless(w.root, fd)
		if err != nil {
			return w.root, nil, err
		}
		fd = next
	}
	return fd, all, nil
}

func lookAt(dir int, above *sys.Stat, name string) (attrs, error) {
	st, err := sys.Statat(dir, name, sys.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return attrs{}, err
	}
	return readAttrs(dir, name, &st, mountOf(above, &st))
}

func closeUnless(root, fd int) {
	if fd != root {
		syscall.Close(fd)
	}
}

// object walks one object. c is the cursor that stands in its directory, nil
// for one that a path names.
func (w *walk) object(s *spot, c *cursor) error {
	st, err := s.stat()
	if err == syscall.ENOENT {
		if c != nil {
			return nil // removed since its directory was read
		}
		return w.out.add(&record{kind: kindAbsent, name: s.name})
	}
	if err != nil {
		return s.fail("saving", err)
	}
	mount := mountOf(s.above, &st)
	if mount == mountYes && c != nil {
		return w.out.add(&record{kind: kindMount, name: s.name})
	}
	r := &record{name: s.name}
	if r.attrs, err = readAttrs(s.dir, s.name, &st, mount); err != nil {
		return s.fail("saving", err)
	}
	return s.fail("saving", w.typed(s, &st, r, c))
}

// typed completes the record for the object's type.
func (w *walk) typed(s *spot, st *sys.Stat, r *record, c *cursor) (err error) {
	if st.Type() == syscall.S_IFDIR {
		if st.Dev == w.saves.Dev && st.Ino == w.saves.Ino {
			return text("it holds the saves themselves: name smaller Paths")
		}
		r.kind = kindDir
		return w.directory(s, r, c)
	}
	if st.Nlink > 1 {
		id := fileID{st.Dev, st.MountID, st.Ino}
		if first, seen := w.first[id]; seen {
			r.kind, r.target = kindSame, first
			return w.out.add(r)
		}
		w.first[id] = s.path()
	}
	switch st.Type() {
	case syscall.S_IFREG:
		r.kind = kindFile
		return w.out.file(s.dir, s.name, st, r)
	case syscall.S_IFLNK:
		r.kind = kindLink
		if r.target, err = sys.Readlinkat(s.dir, s.name); err != nil {
			return err
		}
	default:
		r.kind, r.rdev = kindNode, st.Rdev
	}
	return w.out.add(r)
}

// directory walks a directory and all below it.
func (w *walk) directory(s *spot, r *record, c *cursor) (err error) {
	if err := w.out.add(r); err != nil {
		return err
	}
	if c == nil {
		if c, err = newCursor(s.dir, s.name, s.path()); err != nil {
			return err
		}
		defer c.close()
	} else if err = c.down(s.name); err != nil {
		return err
	}
	names, err := sys.ReadDirNames(c.fd)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == temporary {
			continue
		}
		if err := w.object(c.spot(name), c); err != nil {
			return err
		}
	}
	if len(c.above) > 0 {
		if err := c.up(); err != nil {
			return err
		}
	}
	return w.out.add(&record{kind: kindUp})
}
