// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import "syscall"

// Fsync waits until content and metadata of fd are on its medium.
func Fsync(fd int) error { return retry(func() error { return syscall.Fsync(fd) }) }

// Fdatasync is [Fsync] without metadata that is not needed to read the
// content back.
func Fdatasync(fd int) error { return retry(func() error { return syscall.Fdatasync(fd) }) }

// Syncfs waits until all of the file system that holds fd is on its medium.
// Kernels before 5.8 do not report errors of writing back.
func Syncfs(fd int) error {
	return retry(func() error {
		_, _, e := syscall.Syscall(sysSyncfs, uintptr(fd), 0, 0)
		return result(e)
	})
}

// Ftruncate sets the length of a file.
func Ftruncate(fd int, length int64) error {
	return retry(func() error { return syscall.Ftruncate(fd, length) })
}

// Flock takes or releases a lock on the open file, as flock(2).
func Flock(fd, how int) error { return retry(func() error { return syscall.Flock(fd, how) }) }

// What [Fstatfs] says, from statfs(2) and include/uapi/linux/magic.h.
const (
	TypeOverlay = 0x794c7630 // Type of an overlay, whatever its layers
	ReadOnly    = 1          // in Flags
)

// Fstatfs describes the file system that holds fd. The field Type is a signed
// 32-bit number on some architectures: compare uint32(st.Type).
func Fstatfs(fd int) (st syscall.Statfs_t, err error) {
	err = retry(func() error { return syscall.Fstatfs(fd, &st) })
	return st, err
}
