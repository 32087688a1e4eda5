// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build !mips && !mipsle && !mips64 && !mips64le && !ppc64 && !ppc64le

package sys

// ficlone is _IOW(0x94, 9, int) of include/uapi/linux/fs.h.
const ficlone = 0x40049409

// iocRead is _IOC_READ of include/uapi/asm-generic/ioctl.h, in its place.
const iocRead = 0x80000000
