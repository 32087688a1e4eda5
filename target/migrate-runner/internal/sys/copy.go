// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import "syscall"

// Clone makes dst share all blocks of src (ioctl FICLONE). Only file systems
// with reflinks can, within one of them; others give EOPNOTSUPP, ENOTTY,
// EINVAL or EXDEV.
func Clone(dst, src int) error {
	return retry(func() error {
		_, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(dst), ficlone, uintptr(src))
		return result(e)
	})
}
