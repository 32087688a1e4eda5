// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build !mips64 && !mips64le && !loong64

package sys

import (
	"syscall"
	"unsafe"
)

// Fstatat fills st with what is known about path below dirfd. flags as in
// [Statat], which is to be preferred: st has 32-bit times on 32-bit machines.
func Fstatat(dirfd int, path string, st *syscall.Stat_t, flags int) error {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	return retry(func() error {
		_, _, e := syscall.Syscall6(sysFstatat, uintptr(dirfd), uintptr(unsafe.Pointer(p)),
			uintptr(unsafe.Pointer(st)), uintptr(flags), 0, 0)
		return result(e)
	})
}
