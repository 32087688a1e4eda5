// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// put puts back one path.
func (r *restorer) put(t *target, p, rec *record) error {
	if rec.kind == kindAbsent {
		return nil
	}
	if err := r.makeParents(t, p.ancestors); err != nil {
		return err
	}
	dir, above, err := r.parent(t)
	if err != nil {
		return err
	}
	defer syscall.Close(dir)
	return r.putObject(&spot{dir, &above, t.name(), t.path}, rec, nil)
}

// makeParents makes the directories above a path that have vanished, with the
// attributes they had. Times are not theirs any more.
func (r *restorer) makeParents(t *target, ancestors []attrs) error {
	for len(t.rest) > 1 {
		dir, err := openDir(r.root, t.parents)
		if err != nil {
			return err
		}
		name, n := t.rest[0], len(t.parents)
		err = sys.Mkdirat(dir, name, 0o755)
		if err == nil && len(t.names()) == len(ancestors)+1 {
			_, err = setAttrs(dir, name, &ancestors[n])
		}
		syscall.Close(dir)
		if err == syscall.EEXIST {
			err = syscall.ENOTDIR // resolve found it, and it is no directory
		}
		if err != nil {
			return err
		}
		r.report.Restored++
		t.parents, t.rest = append(t.parents[:n:n], name), t.rest[1:]
	}
	return nil
}

// putObject puts back one object. c is the cursor that stands in its
// directory, nil for one that a path names.
func (r *restorer) putObject(s *spot, rec *record, c *cursor) error {
	switch rec.kind {
	case kindMount:
		return nil
	case kindDir:
		return r.putDir(s, rec, c)
	}
	live, err := s.stat()
	exists := err == nil
	if err != nil && err != syscall.ENOENT {
		return s.fail("putting back", err)
	}
	if exists && live.Type() == syscall.S_IFDIR {
		return s.fail("putting back", text("a directory is in its place, which holds a mount"))
	}
	o := &object{restorer: r, spot: s, rec: rec, exists: exists, live: live}
	if exists {
		o.mount = mountOf(s.above, &live)
	}
	if rec.kind == kindSame {
		return s.fail("putting back", o.putSame())
	}
	return s.fail("putting back", o.put())
}

// putDir puts back a directory: the directory itself is kept if there is one,
// its own attributes come last, since work in it changes its times.
func (r *restorer) putDir(s *spot, rec *record, c *cursor) error {
	if err := r.makeDir(s); err != nil {
		return s.fail("putting back", err)
	}
	dir := s.dir
	if c == nil {
		own, err := newCursor(dir, s.name, s.path())
		if err != nil {
			return s.fail("putting back", err)
		}
		defer own.close()
		if err := r.putChildren(own); err != nil {
			return err
		}
	} else {
		if err := c.down(s.name); err != nil {
			return s.fail("putting back", err)
		}
		if err := r.putChildren(c); err != nil {
			return err
		}
		if err := c.up(); err != nil {
			return during("putting back", c.path(""), err)
		}
		dir = c.fd // another descriptor of the same directory
	}
	changed, err := setAttrs(dir, s.name, &rec.attrs)
	if changed {
		r.report.Adjusted++
	}
	return (&spot{dir, s.above, s.name, s.path}).fail("putting back", err)
}

func (r *restorer) makeDir(s *spot) error {
	st, err := s.stat()
	if err == nil && st.Type() == syscall.S_IFDIR {
		return nil
	}
	if err == nil {
		err = sys.Unlinkat(s.dir, s.name, 0)
	}
	if err != nil && err != syscall.ENOENT {
		return err
	}
	r.report.Restored++
	return sys.Mkdirat(s.dir, s.name, 0o700)
}

func (r *restorer) putChildren(c *cursor) error {
	for {
		rec, err := r.next()
		if err != nil || rec.kind == kindUp {
			return err
		}
		if err := r.putObject(c.spot(rec.name), &rec, c); err != nil {
			return err
		}
	}
}
