// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strings"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// prune removes what the save does not hold of one path.
func (r *restorer) prune(t *target, p, rec *record) error {
	if rec.kind == kindAbsent {
		return r.pruneAbsent(split(p.name), len(p.ancestors))
	}
	if len(t.rest) > 1 {
		return r.skip(rec) // not even its directory is there
	}
	dir, above, err := r.parent(t)
	if err != nil {
		return err
	}
	defer syscall.Close(dir)
	if err := r.pruneTemporary(dir); err != nil {
		return err
	}
	return r.pruneObject(&spot{dir, &above, t.name(), t.path}, rec, nil)
}

// pruneTemporary removes what an attempt before this one left beside a path.
func (r *restorer) pruneTemporary(dir int) error {
	// Looked for first: on a read-only file system the removal of nothing is
	// an error too.
	_, err := sys.Statat(dir, temporary, sys.AT_SYMLINK_NOFOLLOW)
	if err == nil {
		err = sys.Unlinkat(dir, temporary, 0)
	}
	if err == syscall.ENOENT {
		return nil
	}
	return during("removing", temporary, err)
}

// pruneAbsent removes a path that did not exist. known is how many of its
// directories did.
func (r *restorer) pruneAbsent(names []string, known int) error {
	t, err := resolve(r.root, "/"+strings.Join(names[:known+1], "/"))
	if err != nil || len(t.rest) > 1 {
		return err // with its directories gone it is absent
	}
	fd, err := openDir(r.root, t.parents)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return r.pruneBelow(fd, names[known:], func() string { return "/" + strings.Join(names, "/") })
}

// pruneBelow removes the last of names below dir. Directories before it did
// not exist either: they go if they are empty then. A link in their place is
// removed, since it did not exist, and what it leads to is not named.
func (r *restorer) pruneBelow(dir int, names []string, path func() string) error {
	above, err := sys.Fstat(dir)
	if err != nil {
		return err
	}
	if err := r.note(dir, &above); err != nil {
		return err
	}
	s := &spot{dir, &above, names[0], path}
	st, err := s.stat()
	if err == syscall.ENOENT {
		return nil
	}
	if err != nil {
		return err
	}
	if len(names) == 1 || st.Type() == syscall.S_IFLNK {
		return r.removeTree(s, nil)
	}
	if st.Type() != syscall.S_IFDIR {
		return nil
	}
	next, err := sys.Openat(dir, names[0], openDirectory, 0)
	if err != nil {
		return err
	}
	err = r.pruneBelow(next, names[1:], path)
	syscall.Close(next)
	if err != nil {
		return err
	}
	err = sys.Unlinkat(dir, names[0], sys.AT_REMOVEDIR)
	switch err {
	case syscall.ENOTEMPTY, syscall.EEXIST, syscall.EBUSY:
		return nil
	}
	return s.fail("removing", err)
}

func (r *restorer) removeTree(s *spot, c *cursor) error {
	rm := remover{}
	_, err := rm.object(s, c)
	r.report.Removed += rm.removed
	r.report.Left = append(r.report.Left, rm.left...)
	return err
}

// pruneObject compares one object with its record. A file that was a directory
// stays until it is replaced; a directory that was none goes here, so that
// what is to replace it has space.
func (r *restorer) pruneObject(s *spot, rec *record, c *cursor) error {
	st, err := s.stat()
	if err == syscall.ENOENT || rec.kind == kindMount {
		return r.skip(rec)
	}
	if err != nil {
		return s.fail("putting back", err)
	}
	if err := checkMount(rec.mount, mountOf(s.above, &st)); err != nil {
		return s.fail("putting back", err)
	}
	if st.Type() != syscall.S_IFDIR {
		return r.skip(rec)
	}
	if rec.kind == kindDir {
		return r.pruneDir(s, c)
	}
	return r.removeTree(s, c)
}

// pruneDir walks a directory and its records side by side, both in byte order,
// and removes names without a record.
func (r *restorer) pruneDir(s *spot, c *cursor) (err error) {
	if c == nil {
		if c, err = newCursor(s.dir, s.name, s.path()); err != nil {
			return s.fail("putting back", err)
		}
		defer c.close()
	} else if err = c.down(s.name); err != nil {
		return s.fail("putting back", err)
	}
	if err := r.note(c.fd, &c.stat); err != nil {
		return err
	}
	names, err := sys.ReadDirNames(c.fd)
	if err != nil {
		return during("putting back", c.path("."), err)
	}
	for {
		rec, err := r.next()
		if err != nil {
			return err
		}
		for len(names) > 0 && (rec.kind == kindUp || names[0] < rec.name) {
			if err := r.removeTree(c.spot(names[0]), c); err != nil {
				return err
			}
			names = names[1:]
		}
		if rec.kind == kindUp {
			break
		}
		if len(names) > 0 && names[0] == rec.name {
			err = r.pruneObject(c.spot(names[0]), &rec, c)
			names = names[1:]
		} else {
			err = r.skip(&rec)
		}
		if err != nil {
			return err
		}
	}
	if len(c.above) > 0 {
		return c.up()
	}
	return nil
}
