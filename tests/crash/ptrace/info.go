// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

package ptrace

import (
	"syscall"
	"unsafe"
)

// Values of op in struct ptrace_syscall_info (include/uapi/linux/ptrace.h).
const (
	opEntry = 1
	opExit  = 2

	getSyscallInfo = 0x420e
)

// info is struct ptrace_syscall_info as far as it is used at an entry.
type info struct {
	op   uint8
	_    [3]uint8
	arch uint32
	_    [2]uint64 // instruction and stack pointer
	nr   uint64
	args [6]uint64
	_    [4]uint64 // room for what newer kernels add
}

func callInfo(id int) (i info, err error) {
	_, _, e := syscall.Syscall6(syscall.SYS_PTRACE, getSyscallInfo, uintptr(id), unsafe.Sizeof(i), uintptr(unsafe.Pointer(&i)), 0, 0)
	if e != 0 {
		return i, e
	}
	return i, nil
}
