// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"syscall"
	"unsafe"
)

// Flags of the calls whose name ends in "at", as in fcntl.h.
const (
	AT_FDCWD            = -0x64
	AT_SYMLINK_NOFOLLOW = 0x100
	AT_REMOVEDIR        = 0x200
	AT_EMPTY_PATH       = 0x1000
)

// Open flags that syscall has not got, or not on every architecture.
const (
	// O_PATH gives a descriptor that names a file without opening it.
	O_PATH = 0x200000
	// O_TMPFILE makes a file without a name.
	O_TMPFILE = 0x400000 | syscall.O_DIRECTORY
)

// Openat opens path below dirfd, close-on-exec and with large files allowed.
// Links in path are followed as flags say; see [OpenIn] for the safe way.
func Openat(dirfd int, path string, flags int, mode uint32) (fd int, err error) {
	err = retry(func() (err error) {
		fd, err = syscall.Openat(dirfd, path, flags|syscall.O_CLOEXEC, mode)
		return err
	})
	return fd, err
}

// Readlinkat returns the target of the symbolic link path, whole and
// unchecked. With path "" it is that of dirfd, opened by O_PATH and O_NOFOLLOW.
func Readlinkat(dirfd int, path string) (string, error) {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return "", err
	}
	for size := 256; ; size *= 4 {
		buf := make([]byte, size)
		n, _, e := syscall.Syscall6(syscall.SYS_READLINKAT, uintptr(dirfd), uintptr(unsafe.Pointer(p)),
			uintptr(unsafe.Pointer(&buf[0])), uintptr(size), 0, 0)
		if e != 0 {
			return "", e
		}
		// A full buffer may mean a cut target: the call does not say.
		if int(n) < size {
			return string(buf[:n]), nil
		}
	}
}

// Unlinkat removes a name; flags is 0 or [AT_REMOVEDIR].
func Unlinkat(dirfd int, path string, flags int) error {
	return at1(syscall.SYS_UNLINKAT, dirfd, path, uintptr(flags), 0)
}

// Mkdirat makes a directory; mode is subject to the umask.
func Mkdirat(dirfd int, path string, mode uint32) error {
	return at1(syscall.SYS_MKDIRAT, dirfd, path, uintptr(mode), 0)
}

// Mknodat makes a device node, fifo, socket or empty file. mode holds the type
// and is subject to the umask; dev is one of [Mkdev].
func Mknodat(dirfd int, path string, mode uint32, dev uint32) error {
	return at1(syscall.SYS_MKNODAT, dirfd, path, uintptr(mode), uintptr(dev))
}

// Mkdev encodes a device number as mknod(2) takes it: 12 bits of major and 20
// of minor (include/linux/kdev_t.h, new_encode_dev).
func Mkdev(major, minor uint32) uint32 { return minor&0xff | major<<8 | (minor&^0xff)<<12 }

// Fchmodat sets the permission bits of a file that is no symbolic link: a link
// is followed.
func Fchmodat(dirfd int, path string, mode uint32) error {
	return at1(syscall.SYS_FCHMODAT, dirfd, path, uintptr(mode), 0)
}

// Fchownat sets owner and group; -1 leaves one as it is. flags may hold
// [AT_SYMLINK_NOFOLLOW] and [AT_EMPTY_PATH]. The kernel clears setuid, setgid
// and file capabilities of an executable.
func Fchownat(dirfd int, path string, uid, gid int, flags int) error {
	return retry(func() error { return syscall.Fchownat(dirfd, path, uid, gid, flags) })
}

// Linkat makes newpath a further name of oldpath, which is not followed if it
// is a link. flags may hold [AT_EMPTY_PATH].
func Linkat(olddirfd int, oldpath string, newdirfd int, newpath string, flags int) error {
	return at2(syscall.SYS_LINKAT, olddirfd, oldpath, newdirfd, newpath, uintptr(flags))
}

// Renameat renames, replacing what newpath names. The change is atomic, but
// durable only once the directory is synced.
func Renameat(olddirfd int, oldpath string, newdirfd int, newpath string) error {
	// riscv64 and loong64 have renameat2 only, which is why syscall chooses.
	return retry(func() error { return syscall.Renameat(olddirfd, oldpath, newdirfd, newpath) })
}

// Symlinkat makes a symbolic link that holds target.
func Symlinkat(target string, dirfd int, path string) error {
	t, p, err := pointers(target, path)
	if err != nil {
		return err
	}
	return retry(func() error {
		_, _, e := syscall.Syscall(syscall.SYS_SYMLINKAT, uintptr(unsafe.Pointer(t)), uintptr(dirfd), uintptr(unsafe.Pointer(p)))
		return result(e)
	})
}

// at1 calls number(dirfd, path, a, b).
func at1(number uintptr, dirfd int, path string, a, b uintptr) error {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	return retry(func() error {
		_, _, e := syscall.Syscall6(number, uintptr(dirfd), uintptr(unsafe.Pointer(p)), a, b, 0, 0)
		return result(e)
	})
}

// at2 calls number(olddirfd, oldpath, newdirfd, newpath, flags).
func at2(number uintptr, olddirfd int, oldpath string, newdirfd int, newpath string, flags uintptr) error {
	o, n, err := pointers(oldpath, newpath)
	if err != nil {
		return err
	}
	return retry(func() error {
		_, _, e := syscall.Syscall6(number, uintptr(olddirfd), uintptr(unsafe.Pointer(o)),
			uintptr(newdirfd), uintptr(unsafe.Pointer(n)), flags, 0)
		return result(e)
	})
}

// Detach takes away the topmost mount at name in dir; what was mounted there
// stays as it is. The error is EINVAL where nothing is.
func Detach(dirfd int, name string) error {
	// umount2 takes a path only, and /proc may not be there.
	here, err := Openat(AT_FDCWD, ".", O_PATH|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(here)
	if err := Fchdir(dirfd); err != nil {
		return err
	}
	const umountNofollow = 8 // include/linux/fs.h
	err = retry(func() error { return syscall.Unmount(name, syscall.MNT_DETACH|umountNofollow) })
	if e := Fchdir(here); err == nil {
		err = e
	}
	return err
}
