// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package statedir

import (
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
)

// PrivatePath is what MIGRATION_STATE says: a migration's directory that is
// kept between its attempts.
func PrivatePath(id bundle.ID) string { return bundle.StateDir + "/state/" + string(id) }

// MakePrivate makes the private directory of id if there is none.
func (d *Dir) MakePrivate(id bundle.ID) error {
	parent, err := d.Subdir("state")
	if err != nil {
		return err
	}
	defer syscall.Close(parent)
	fd, err := subdir(parent, string(id), true, true)
	if err == nil {
		syscall.Close(fd)
	}
	return err
}

// RemovePrivate removes the private directory of id with all that is in it, and
// says whether there was one. It is durable after [Dir.SyncPrivate].
func (d *Dir) RemovePrivate(id bundle.ID) (removed bool, err error) {
	parent, err := d.Subdir("state")
	if err != nil {
		return false, err
	}
	defer syscall.Close(parent)
	if _, err := sys.Statat(parent, string(id), sys.AT_SYMLINK_NOFOLLOW); err == syscall.ENOENT {
		return false, nil
	}
	return true, RemoveTree(parent, string(id))
}

// SyncPrivate makes durable which private directories there are.
func (d *Dir) SyncPrivate() error {
	parent, err := d.Subdir("state")
	if err != nil {
		return err
	}
	defer syscall.Close(parent)
	return sys.Fsync(parent)
}

// RemoveTree removes name in dir, following no link. None is no error. It is
// for trees that scripts made, so it descends as deep as they are, but into no
// mount: what a script has mounted is somebody's data. It is detached.
func RemoveTree(dir int, name string) error {
	err := sys.Unlinkat(dir, name, 0)
	if err == syscall.EISDIR || err == syscall.EPERM {
		// On a mount that is EBUSY, whatever is in it, where stat may not tell.
		err = sys.Unlinkat(dir, name, sys.AT_REMOVEDIR)
	}
	switch err {
	case nil, syscall.ENOENT:
		return nil
	case syscall.EBUSY:
		// There may be several, one over the other.
		if e := sys.Detach(dir, name); e != nil {
			return err
		}
		return RemoveTree(dir, name)
	case syscall.ENOTEMPTY, syscall.EEXIST:
	default:
		return err
	}
	fd, err := sys.Openat(dir, name, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	names, err := sys.ReadDirNames(fd)
	for _, child := range names {
		if err == nil {
			err = RemoveTree(fd, child)
		}
	}
	syscall.Close(fd)
	if err != nil {
		return err
	}
	return sys.Unlinkat(dir, name, sys.AT_REMOVEDIR)
}

// WriteLog keeps the last output of id's script. It is for people, so it is
// not made durable by itself.
func (d *Dir) WriteLog(id bundle.ID, output []byte) error {
	dir, err := d.Subdir("log")
	if err != nil {
		return err
	}
	defer syscall.Close(dir)
	fd, err := d.openFile(dir, string(id), syscall.O_WRONLY|syscall.O_CREAT)
	if err != nil {
		return err
	}
	// Not by O_TRUNC: what another name of somebody's file holds must stay.
	err = sys.Ftruncate(fd, 0)
	if err == nil {
		err = sys.WriteAll(fd, output)
	}
	if e := syscall.Close(fd); err == nil {
		err = e
	}
	return err
}
