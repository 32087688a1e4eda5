// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build mips64 || mips64le || loong64

package sys

import "syscall"

// Fstatat fills st with what is known about path below dirfd. flags as in
// [Statat], which is to be preferred.
//
// On these architectures the kernel's structure is not Go's (mips64) or the
// call is missing before Linux 6.11 (loong64); syscall.Fstat deals with both,
// and works on O_PATH descriptors.
func Fstatat(dirfd int, path string, st *syscall.Stat_t, flags int) error {
	if path == "" && flags&AT_EMPTY_PATH != 0 && dirfd >= 0 {
		return retry(func() error { return syscall.Fstat(dirfd, st) })
	}
	mode := O_PATH
	if flags&AT_SYMLINK_NOFOLLOW != 0 {
		mode |= syscall.O_NOFOLLOW
	}
	fd, err := Openat(dirfd, path, mode, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return retry(func() error { return syscall.Fstat(fd, st) })
}
