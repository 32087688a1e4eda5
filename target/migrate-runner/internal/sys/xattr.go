// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"strings"
	"syscall"
	"unsafe"

	"meta-migration/target/migrate-runner/internal/ascending"
)

// Extended attributes of a name in a directory, never following a link.
//
// The kernel has no such call before 6.13: the f-calls refuse O_PATH
// descriptors, so they cannot reach links and device nodes, and the way by
// /proc/self/fd needs /proc. So these functions change the working directory
// to dirfd and use the l-calls, and it stays there: a program that cares sets
// it back by [Fchdir]. With name "" they use the f-calls on dirfd itself,
// which must then be open for reading or writing.

// Fchdir sets the working directory of the process.
func Fchdir(fd int) error { return retry(func() error { return syscall.Fchdir(fd) }) }

// Listxattr returns the names of all attributes, in byte order. A file system
// without attributes gives EOPNOTSUPP.
func Listxattr(dirfd int, name string) ([]string, error) {
	list, err := xattrBuffer(func(buf []byte) (int, error) {
		return xattr(dirfd, name, "", buf, syscall.SYS_FLISTXATTR, syscall.SYS_LLISTXATTR)
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	names := strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00")
	ascending.Sort(names)
	return names, nil
}

// Getxattr returns the value of one attribute; ENODATA when it is not there.
func Getxattr(dirfd int, name, attr string) ([]byte, error) {
	return xattrBuffer(func(buf []byte) (int, error) {
		return xattr(dirfd, name, attr, buf, syscall.SYS_FGETXATTR, syscall.SYS_LGETXATTR)
	})
}

// Setxattr makes or replaces one attribute.
func Setxattr(dirfd int, name, attr string, value []byte) error {
	_, err := xattr(dirfd, name, attr, value, syscall.SYS_FSETXATTR, syscall.SYS_LSETXATTR)
	return err
}

// Removexattr removes one attribute; ENODATA when it is not there.
func Removexattr(dirfd int, name, attr string) error {
	_, err := xattr(dirfd, name, attr, nil, syscall.SYS_FREMOVEXATTR, syscall.SYS_LREMOVEXATTR)
	return err
}

// xattrBuffer asks for the size, then for the data, again if it grew.
func xattrBuffer(get func([]byte) (int, error)) ([]byte, error) {
	for {
		n, err := get(nil)
		if err != nil || n == 0 {
			return nil, err
		}
		buf := make([]byte, n)
		n, err = get(buf)
		if err == syscall.ERANGE {
			continue
		}
		if err != nil {
			return nil, err
		}
		return buf[:n], nil
	}
}

// xattr makes one call, in its f-form on dirfd or its l-form on name there.
// All have the shape (file, attribute, buffer, size, flags), except that list
// has no attribute and remove no buffer.
func xattr(dirfd int, name, attr string, buf []byte, fcall, lcall uintptr) (n int, err error) {
	p, a, err := pointers(name, attr)
	if err != nil {
		return 0, err
	}
	if name != "" {
		if err := Fchdir(dirfd); err != nil {
			return 0, err
		}
	}
	data := unsafe.Pointer(unsafe.SliceData(buf))
	size := uintptr(len(buf))
	err = retry(func() error {
		var r uintptr
		var e syscall.Errno
		// Each pointer is converted inside the call: only there does the
		// compiler keep what it points to alive.
		switch {
		case name == "" && attr == "":
			r, _, e = syscall.Syscall(fcall, uintptr(dirfd), uintptr(data), size)
		case name == "":
			r, _, e = syscall.Syscall6(fcall, uintptr(dirfd), uintptr(unsafe.Pointer(a)), uintptr(data), size, 0, 0)
		case attr == "":
			r, _, e = syscall.Syscall(lcall, uintptr(unsafe.Pointer(p)), uintptr(data), size)
		default:
			r, _, e = syscall.Syscall6(lcall, uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(a)), uintptr(data), size, 0, 0)
		}
		n = int(r)
		return result(e)
	})
	return n, err
}
