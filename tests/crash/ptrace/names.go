// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package ptrace

import "syscall"

const ficlone = 0x40049409

// counts reports whether a call is one of those that change something.
func counts(c Call, withClose bool) bool {
	switch c.Name {
	case "":
		return false
	case "close":
		return withClose
	case "open":
		return writes(c.Args[1])
	case "openat":
		return writes(c.Args[2])
	case "ioctl":
		return c.Args[1] == ficlone
	}
	return true
}

func writes(flags uint64) bool {
	return flags&(syscall.O_ACCMODE|syscall.O_CREAT|syscall.O_TRUNC) != 0
}
