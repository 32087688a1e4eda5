// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strings"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// cursor stands in one directory of a tree and moves down and up. It holds one
// descriptor however deep it is, and no path longer than a component is ever
// given to the kernel, so trees deeper than PATH_MAX work.
type cursor struct {
	fd    int
	stat  sys.Stat // of the directory
	above []place
	base  string // path of the directory it began in, for messages
}

// place identifies a directory to come back to.
type place struct {
	dev  sys.Device
	ino  uint64
	name string // of the directory below that was entered
}

const openDirectory = syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NOFOLLOW

// newCursor begins in the directory name of dir.
func newCursor(dir int, name, path string) (*cursor, error) {
	c := &cursor{fd: -1, base: path}
	return c, c.enter(dir, name)
}

func (c *cursor) enter(dir int, name string) error {
	fd, err := openQuiet(dir, name, openDirectory)
	if err != nil {
		return err
	}
	st, err := sys.Fstat(fd)
	if err != nil {
		syscall.Close(fd)
		return err
	}
	c.close()
	c.fd, c.stat = fd, st
	return nil
}

// openQuiet opens for reading without changing the access time where that is
// allowed: only the owner and root may ask for it.
func openQuiet(dir int, name string, flags int) (int, error) {
	fd, err := sys.Openat(dir, name, flags|syscall.O_NOATIME, 0)
	if err == syscall.EPERM {
		fd, err = sys.Openat(dir, name, flags, 0)
	}
	return fd, err
}

// down enters the directory name.
func (c *cursor) down(name string) error {
	here := place{c.stat.Dev, c.stat.Ino, name}
	if err := c.enter(c.fd, name); err != nil {
		return err
	}
	c.above = append(c.above, here)
	return nil
}

// up goes back to the directory above. ".." leads elsewhere if somebody moved
// the directory meanwhile; that is ESTALE.
func (c *cursor) up() error {
	n := len(c.above) - 1
	back := c.above[n]
	if err := c.enter(c.fd, ".."); err != nil {
		return err
	}
	if c.stat.Dev != back.dev || c.stat.Ino != back.ino {
		return syscall.ESTALE
	}
	c.above = c.above[:n]
	return nil
}

// path returns the path of name in the present directory.
func (c *cursor) path(name string) string {
	var b strings.Builder
	b.WriteString(c.base)
	for _, p := range c.above {
		b.WriteString("/" + p.name)
	}
	b.WriteString("/" + name)
	return b.String()
}

// spot is name in the cursor's present directory.
//
//go:noinline
func (c *cursor) spot(name string) *spot {
	above := c.stat
	return &spot{c.fd, &above, name, func() string { return c.path(name) }}
}

func (c *cursor) close() {
	if c.fd >= 0 {
		syscall.Close(c.fd)
	}
	c.fd = -1
}
