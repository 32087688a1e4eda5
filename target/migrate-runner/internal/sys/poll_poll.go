// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build !arm64 && !riscv64 && !loong64

package sys

import (
	"syscall"
	"unsafe"
)

// poll takes milliseconds, so it knows no 32-bit time.
func poll(fds []PollFd, millis int) (int, syscall.Errno) {
	n, _, e := syscall.Syscall(syscall.SYS_POLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(millis))
	return int(n), e
}
