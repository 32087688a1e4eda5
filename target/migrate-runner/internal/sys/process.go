// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import "syscall"

const (
	prSetChildSubreaper = 36
	prGetChildSubreaper = 37
)

// Prctl calls prctl(2) with numbers as arguments. Options that concern one
// thread need a locked one.
func Prctl(option int, a2, a3, a4, a5 uintptr) (int, error) {
	n, _, e := syscall.Syscall6(syscall.SYS_PRCTL, uintptr(option), a2, a3, a4, a5, 0)
	return int(n), result(e)
}

// SetSubreaper makes orphaned descendants children of this process, so that it
// can end and wait for all of them. It holds for the process, not for its
// children.
func SetSubreaper() error {
	_, err := Prctl(prSetChildSubreaper, 1, 0, 0, 0)
	return err
}

const (
	closeRangeCloexec = 4
	maxDescriptors    = 1 << 16
)

// KeepFromChildren marks all descriptors from 3 on close-on-exec: also those
// that whoever started this process left open. Where the kernel cannot do it
// at once (before 5.11) those below the limit on open files are marked one by
// one, up to 65,536.
func KeepFromChildren() {
	_, _, e := syscall.Syscall(sysCloseRange, 3, uintptr(^uint32(0)), closeRangeCloexec)
	if e == 0 {
		return
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > maxDescriptors {
		limit.Cur = maxDescriptors
	}
	for fd := 3; fd < int(limit.Cur); fd++ {
		syscall.CloseOnExec(fd)
	}
}

// PidfdOpen returns a descriptor of a process that polls readable when it
// ends. The process must not have been waited for, else the number may be
// another's. Kernels before 5.3 give ENOSYS.
func PidfdOpen(pid int) (fd int, err error) {
	n, _, e := syscall.Syscall(sysPidfdOpen, uintptr(pid), 0, 0)
	if e != 0 {
		return -1, e
	}
	return int(n), nil
}

// Umask sets the process's umask and returns the one before.
func Umask(mask int) int { return syscall.Umask(mask) }
