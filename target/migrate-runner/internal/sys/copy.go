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

// Attributes of [Attributes], from include/uapi/linux/fs.h.
const FS_EXTENT_FL = 0x80000

// Attributes returns the attributes that chattr(1) shows (ioctl
// FS_IOC_GETFLAGS). A file system without them gives ENOTTY or EOPNOTSUPP.
func Attributes(fd int) (uint32, error) {
	// The number says long; the kernel writes 32 bits.
	const number = iocRead | unsafe.Sizeof(uintptr(0))<<16 | 'f'<<8 | 1
	var flags [2]uint32
	err := retry(func() error {
		_, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), number, uintptr(unsafe.Pointer(&flags)))
		return result(e)
	})
	return flags[0], err
}
