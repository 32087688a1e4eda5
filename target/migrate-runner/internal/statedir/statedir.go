// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package statedir is the runner's state on a device, /var/lib/migration:
// the ledger, the marker, the lock, logs and private directories. It says
// whether that state can be relied on, and makes each change to it durable
// before it returns.
//
//	ledger            see package ledger
//	ledger.corrupt-N  damaged ledgers that On-Corrupt: rerun set aside
//	lock              held by the one runner that works
//	complete/<hex>    the marker: the bundle with this anchor is complete
//	saved/<number>    see package saved
//	log/<id>          the last output of a migration's script
//	state/<id>/       a migration's private directory
//	script/           the text that runs, where there is no memfd or no /proc
package statedir

import (
	"errors"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
)

// ErrLocked is returned by [Dir.Lock] while another runner works.
var ErrLocked = errors.New("another runner is at work")

// An Error says why the state cannot be relied on, and what to do.
type Error struct{ Reason, Cure string }

func (e *Error) Error() string { return e.Reason }

// Hint returns the cure.
func (e *Error) Hint() string { return e.Cure }

// A Dir is the open state directory.
type Dir struct {
	FD   int
	lock int
}

// Open opens the state directory below root for a run; where it does not
// exist it is made, mode 0700. The error is an [*Error] where it, or a
// directory above it, is a link, is not owned by root, can be written by
// others, or, unless volatile is allowed, where its file system does not
// outlive a reboot.
func Open(root int, allowVolatile bool) (*Dir, error) {
	fd, err := openDir(root, bundle.StateDir, true)
	if err != nil {
		return nil, openError(err)
	}
	if !allowVolatile {
		if err := refuseVolatile(fd); err != nil {
			syscall.Close(fd)
			return nil, err
		}
	}
	return &Dir{FD: fd, lock: -1}, nil
}

// OpenToRead opens the state directory for a command that changes nothing.
// nil without an error means that there is none. Whether its file system can
// be relied on is [Judge]'s to say.
func OpenToRead(root int) (*Dir, error) {
	fd, err := openDir(root, bundle.StateDir, false)
	if err == syscall.ENOENT {
		return nil, nil
	}
	if err != nil {
		return nil, openError(err)
	}
	return &Dir{FD: fd, lock: -1}, nil
}

func openError(err error) *Error {
	return &Error{"opening the state directory " + bundle.StateDir + ": " + err.Error(), cureFor(err)}
}

func cureFor(err error) string {
	switch err {
	case syscall.EROFS:
		return "mount the file system of /var read-write before the runner starts"
	case syscall.ENOSPC, syscall.EDQUOT:
		return "free space on the file system of " + bundle.StateDir
	}
	return "it must be a directory of root, mode 0700, not reached through a link; to keep it elsewhere bind-mount that place on it"
}

type ruleError string

func (e ruleError) Error() string { return string(e) }

const (
	errLink     = ruleError("a part of the path is a symbolic link")
	errOwner    = ruleError("it, or a directory above it, is not owned by root")
	errWritable = ruleError("it, or a directory above it, can be written by others than root")
	errFile     = ruleError("it is no regular file with one name")
)

// openDir walks to path below root by descriptors, checking and, if create
// is set, making each directory.
func openDir(root int, path string, create bool) (int, error) {
	dir, err := sys.Openat(root, ".", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	for start := 1; err == nil; {
		if err = checkDir(dir); err != nil {
			break
		}
		if start > len(path) {
			return dir, nil
		}
		end := start
		for end < len(path) && path[end] != '/' {
			end++
		}
		var next int
		next, err = subdir(dir, path[start:end], create, end == len(path))
		syscall.Close(dir)
		dir, start = next, end+1
	}
	if dir >= 0 {
		syscall.Close(dir)
	}
	return -1, err
}

// subdir opens the directory name in dir; one that it makes is durable.
func subdir(dir int, name string, create, private bool) (int, error) {
	const flags = syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	fd, err := sys.Openat(dir, name, flags, 0)
	if err == syscall.ENOENT && create {
		mode := uint32(0o755)
		if private {
			mode = 0o700
		}
		// Another runner that starts at the same moment may have made it
		// since; who opens it first is not who makes it durable.
		if err = sys.Mkdirat(dir, name, mode); err == nil || err == syscall.EEXIST {
			err = sys.Fsync(dir)
		}
		if err == nil {
			fd, err = sys.Openat(dir, name, flags, 0)
		}
	}
	if err != nil {
		if st, e := sys.Statat(dir, name, sys.AT_SYMLINK_NOFOLLOW); e == nil && st.Type() == syscall.S_IFLNK {
			err = errLink
		}
		return -1, err
	}
	return fd, nil
}

func checkDir(fd int) error {
	st, err := sys.Fstat(fd)
	switch {
	case err != nil:
		return err
	case st.UID != 0:
		return errOwner
	case st.Mode&0o022 != 0:
		return errWritable
	}
	return nil
}

// Subdir opens a directory of the state directory, making it if need be. The
// caller closes it.
func (d *Dir) Subdir(name string) (int, error) { return subdir(d.FD, name, true, true) }

// openFile opens a file of the state directory. It must be a regular file of
// root's with one name: a link to somebody's file must not be written to.
func (d *Dir) openFile(dir int, name string, flags int) (int, error) {
	fd, err := sys.Openat(dir, name, flags|syscall.O_NOFOLLOW|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0o600)
	if err == syscall.ELOOP {
		return -1, errLink
	}
	if err != nil {
		return -1, err
	}
	st, err := sys.Fstat(fd)
	switch {
	case err != nil:
	case st.Type() != syscall.S_IFREG || st.Nlink > 1:
		err = errFile
	case st.UID != 0:
		err = errOwner
	case st.Mode&0o022 != 0:
		err = errWritable
	default:
		return fd, nil
	}
	syscall.Close(fd)
	return -1, err
}

// Lock takes the lock, which ends with the process, or returns [ErrLocked].
func (d *Dir) Lock() error {
	fd, err := d.openFile(d.FD, "lock", syscall.O_RDWR|syscall.O_CREAT)
	if err != nil {
		return &Error{"opening the lock: " + err.Error(), cureFor(err)}
	}
	err = sys.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		syscall.Close(fd)
		if err == syscall.EWOULDBLOCK {
			return ErrLocked
		}
		return err
	}
	d.lock = fd
	return nil
}
