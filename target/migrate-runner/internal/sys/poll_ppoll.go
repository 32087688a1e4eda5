// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build arm64 || riscv64 || loong64

package sys

import (
	"syscall"
	"unsafe"
)

// poll uses ppoll: the newer architectures have no other.
func poll(fds []PollFd, millis int) (int, syscall.Errno) {
	var t *Timespec
	if millis >= 0 {
		t = &Timespec{int64(millis / 1000), int64(millis%1000) * 1e6}
	}
	n, _, e := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)),
		uintptr(unsafe.Pointer(t)), 0, 0, 0)
	return int(n), e
}
