// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// remover removes trees. A mount inside is left alone, with the directories
// that lead to it.
type remover struct {
	removed int      // objects
	left    []string // paths of mounts
}

// remove removes one object with all below it. One that is not there is no
// error.
func (r *remover) remove(s *spot) error {
	_, err := r.object(s, nil)
	return err
}

// object removes one object; c is the cursor that stands in its directory, or
// nil for the first. gone is false if a mount is in it.
func (r *remover) object(s *spot, c *cursor) (gone bool, err error) {
	st, err := s.stat()
	if err == syscall.ENOENT {
		return true, nil
	}
	if err != nil {
		return false, s.fail("removing", err)
	}
	if mountOf(s.above, &st) == mountYes {
		r.left = append(r.left, s.path())
		return false, nil
	}
	flags := 0
	if st.Type() == syscall.S_IFDIR {
		flags = sys.AT_REMOVEDIR
	}
	err = sys.Unlinkat(s.dir, s.name, flags)
	if err == syscall.ENOTEMPTY || err == syscall.EEXIST {
		// A mount would have been EBUSY, so it is safe to go down.
		empty, err := r.empty(s, c)
		if err != nil || !empty {
			return false, s.fail("removing", err)
		}
		if c != nil {
			s.dir = c.fd // it was closed on the way down
		}
		return r.unlinked(s, sys.Unlinkat(s.dir, s.name, flags))
	}
	return r.unlinked(s, err)
}

// unlinked says what came of removing one object.
func (r *remover) unlinked(s *spot, err error) (gone bool, _ error) {
	if err == syscall.EBUSY {
		// A mount that this kernel does not show.
		r.left = append(r.left, s.path())
		return false, nil
	}
	if err != nil && err != syscall.ENOENT {
		return false, s.fail("removing", err)
	}
	r.removed++
	return true, nil
}

// empty removes all that is in a directory.
func (r *remover) empty(s *spot, c *cursor) (gone bool, err error) {
	if c == nil {
		if c, err = newCursor(s.dir, s.name, s.path()); err != nil {
			return false, err
		}
		defer c.close()
	} else if err = c.down(s.name); err != nil {
		return false, err
	}
	names, err := sys.ReadDirNames(c.fd)
	if err != nil {
		return false, err
	}
	gone = true
	for _, name := range names {
		one, err := r.object(c.spot(name), c)
		if err != nil {
			return false, err
		}
		gone = gone && one
	}
	if len(c.above) > 0 {
		err = c.up()
	}
	return gone, err
}
