// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"syscall"
	"unsafe"
)

// Clone makes dst share all blocks of src (ioctl FICLONE). Only file systems
// with reflinks can, within one of them; others give EOPNOTSUPP, ENOTTY,
// EINVAL or EXDEV.
func Clone(dst, src int) error {
	return retry(func() error {
		_, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(dst), ficlone, uintptr(src))
		return result(e)
	})
}

// CopyFileRange copies up to length bytes inside the kernel and returns how
// many; 0 is the end of src. Kernels before 4.5 give ENOSYS, before 5.3 EXDEV
// between file systems, and some file systems EINVAL or EOPNOTSUPP.
func CopyFileRange(dst int, dstOff int64, src int, srcOff int64, length int) (n int, err error) {
	err = retry(func() error {
		r, _, e := syscall.Syscall6(sysCopyFileRange, uintptr(src), uintptr(unsafe.Pointer(&srcOff)),
			uintptr(dst), uintptr(unsafe.Pointer(&dstOff)), uintptr(length), 0)
		if e == 0 {
			n = int(r)
		}
		return result(e)
	})
	return n, err
}
