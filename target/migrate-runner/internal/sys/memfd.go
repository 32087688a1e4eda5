// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"syscall"
	"unsafe"
)

const (
	mfdCloexec      = 1
	mfdAllowSealing = 2
	mfdNoexecSeal   = 8

	fAddSeals  = 1033
	fGetSeals  = 1034
	sealSeal   = 1
	sealShrink = 2
	sealGrow   = 4
	sealWrite  = 8
)

// sealed is what [Seal] sets.
const sealed = sealSeal | sealShrink | sealGrow | sealWrite

// Memfd makes an empty file in memory that has no name in any directory and
// can be sealed. name is for debugging only. The file is not executable where
// the kernel knows of that (6.3); an interpreter reads it all the same. Kernels
// before 3.17 give ENOSYS.
//
// It is close-on-exec: give it to a child by the list of files in
// syscall.ProcAttr.
func Memfd(name string) (fd int, err error) {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	fd, err = memfd(p, mfdCloexec|mfdAllowSealing|mfdNoexecSeal)
	if err == syscall.EINVAL {
		fd, err = memfd(p, mfdCloexec|mfdAllowSealing)
	}
	return fd, err
}

func memfd(name *byte, flags uintptr) (fd int, err error) {
	fd = -1
	err = retry(func() error {
		n, _, e := syscall.Syscall(sysMemfdCreate, uintptr(unsafe.Pointer(name)), flags, 0)
		if e == 0 {
			fd = int(n)
		}
		return result(e)
	})
	return fd, err
}

// Seal makes the content of a [Memfd] final for everyone who has it open or
// will open it, and checks that the kernel took the seals.
func Seal(fd int) error {
	if _, err := Fcntl(fd, fAddSeals, sealed); err != nil {
		return err
	}
	got, err := Fcntl(fd, fGetSeals, 0)
	if err == nil && got&sealed != sealed {
		err = syscall.EPERM
	}
	return err
}

// Fcntl calls fcntl(2) with a number as its argument.
func Fcntl(fd, command, argument int) (value int, err error) {
	err = retry(func() error {
		// The 32-bit name fcntl64 differs for locks alone.
		n, _, e := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), uintptr(command), uintptr(argument))
		value = int(n)
		return result(e)
	})
	return value, err
}
