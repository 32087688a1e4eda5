// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"strings"
	"syscall"
	"unsafe"
)

// Values of resolve for [Openat2], from include/uapi/linux/openat2.h.
const (
	RESOLVE_NO_XDEV       = 0x01
	RESOLVE_NO_MAGICLINKS = 0x02
	RESOLVE_NO_SYMLINKS   = 0x04
	RESOLVE_BENEATH       = 0x08
	RESOLVE_IN_ROOT       = 0x10
)

var noOpenat2 missing

// Openat2 opens path below dirfd under the rules of resolve. The call is
// strict: unknown flags, or flags other than O_DIRECTORY and O_NOFOLLOW beside
// [O_PATH], are EINVAL. Kernels before 5.6 give ENOSYS.
func Openat2(dirfd int, path string, flags int, mode uint32, resolve uint64) (fd int, err error) {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	flags |= syscall.O_CLOEXEC
	if flags&O_PATH == 0 {
		flags |= syscall.O_LARGEFILE
	}
	how := [3]uint64{uint64(flags), uint64(mode), resolve}
	fd = -1
	err = retry(func() error {
		n, _, e := syscall.Syscall6(sysOpenat2, uintptr(dirfd), uintptr(unsafe.Pointer(p)),
			uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
		if e == 0 {
			fd = int(n)
		}
		return result(e)
	})
	return fd, err
}

// OpenIn opens path inside the directory root without following any symbolic
// link in any component; a link is ELOOP. Only with O_PATH|O_NOFOLLOW may the
// last component be one, and the descriptor is then that of the link. A
// leading "/" means root, ".." anywhere is EINVAL, "" and "/" are root itself.
// It never creates: O_CREAT is EINVAL.
//
// Mounts are crossed. A path renamed at the same time may be found or not, but
// what is opened is always inside root.
func OpenIn(root int, path string, flags int) (fd int, err error) {
	if flags&syscall.O_CREAT != 0 {
		return -1, syscall.EINVAL
	}
	names, err := components(path)
	if err != nil {
		return -1, err
	}
	if len(names) == 0 {
		return Openat(root, ".", flags|syscall.O_NOFOLLOW, 0)
	}
	if !noOpenat2.known() {
		fd, err = Openat2(root, strings.Join(names, "/"), flags, 0, RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT)
		if !noOpenat2.isFiltered(err) {
			return fd, err
		}
	}
	return walk(root, names, flags)
}

// components splits path and drops empty parts and ".".
func components(path string) ([]string, error) {
	var names []string
	for _, name := range strings.Split(path, "/") {
		switch name {
		case "", ".":
		case "..":
			return nil, syscall.EINVAL
		default:
			names = append(names, name)
		}
	}
	return names, nil
}

// walk opens one component after the other, so that no kernel support is
// needed to refuse links.
func walk(root int, names []string, flags int) (int, error) {
	dir := root
	last := len(names) - 1
	for _, name := range names[:last] {
		next, err := openDirectory(dir, name)
		if dir != root {
			syscall.Close(dir)
		}
		if err != nil {
			return -1, err
		}
		dir = next
	}
	fd, err := Openat(dir, names[last], flags|syscall.O_NOFOLLOW, 0)
	// Without O_NOFOLLOW the caller did not ask for the link itself, which
	// O_PATH would give here.
	if err == nil && flags&O_PATH != 0 && flags&syscall.O_NOFOLLOW == 0 {
		fd, err = refuseLink(fd)
	} else if err == syscall.ENOTDIR {
		err = linkError(dir, names[last], err)
	}
	if dir != root {
		syscall.Close(dir)
	}
	return fd, err
}

func openDirectory(dir int, name string) (int, error) {
	fd, err := Openat(dir, name, O_PATH|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err == syscall.ENOTDIR {
		err = linkError(dir, name, err)
	}
	return fd, err
}

// linkError turns ENOTDIR into ELOOP where name is a link, as openat2 says it.
func linkError(dir int, name string, err error) error {
	st, e := Statat(dir, name, AT_SYMLINK_NOFOLLOW)
	if e == nil && st.Type() == syscall.S_IFLNK {
		return syscall.ELOOP
	}
	return err
}

func refuseLink(fd int) (int, error) {
	st, err := Fstat(fd)
	if err == nil && st.Type() == syscall.S_IFLNK {
		err = syscall.ELOOP
	}
	if err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}
