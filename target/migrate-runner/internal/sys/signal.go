// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"syscall"
	"unsafe"
)

// Mask is a set of signals, as a thread has one of blocked signals.
//
// Blocking does not keep a Go process from being ended by SIGTERM, SIGINT or
// SIGHUP: the runtime clears these in every thread it starts, and one thread
// that does not block a signal is enough to take it. Use [SignalFd] for them.
// A mask is for what a child gets: syscall.ForkExec hands on that of the
// calling thread.
type Mask [sigsetBytes / unsafe.Sizeof(uintptr(0))]uintptr

// SetMask sets the mask of the calling thread, which the caller has locked.
func SetMask(m Mask) error {
	_, err := procmask(sigSetmask, &m)
	return err
}

// CurrentMask returns the mask of the calling thread.
func CurrentMask() (Mask, error) { return procmask(sigBlock, nil) }

func procmask(how uintptr, set *Mask) (old Mask, err error) {
	_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, how, uintptr(unsafe.Pointer(set)),
		uintptr(unsafe.Pointer(&old)), sigsetBytes, 0, 0)
	return old, result(e)
}
