// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build mips || mipsle || mips64 || mips64le || ppc64 || ppc64le

package sys

// ficlone is _IOW(0x94, 9, int), where _IOC_WRITE is 4 and stands in bit 29.
const ficlone = 0x80049409

// iocRead is _IOC_READ of these architectures' own asm/ioctl.h, in its place.
const iocRead = 0x40000000
