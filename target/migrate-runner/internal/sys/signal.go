// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"syscall"
	"unsafe"
)

// Signals without os/signal.
//
// A mask belongs to a thread. The threads that Go's runtime starts get the
// mask that the process had when it was executed, and the runtime's own
// monitor thread never changes it. To read a signal such as SIGTERM by
// [SignalFd] it must be blocked in all threads, or the one that does not block
// it takes it and the process dies. So a program blocks the signals and
// executes itself once more: what was blocked at exec stays blocked
// everywhere. [BlockedAtExec] tells the second start from the first.
//
// A child of syscall.ForkExec gets the mask that the calling thread has at
// that moment. To start one with nothing blocked: runtime.LockOSThread,
// [SetMask] to an empty mask, ForkExec, SetMask back. A signal that comes in
// between kills the process as if it were not caught.

// Mask is a set of signals.
type Mask [sigsetWords]uintptr

const (
	wordBits    = 8 * unsafe.Sizeof(uintptr(0))
	sigsetWords = sigsetBytes / unsafe.Sizeof(uintptr(0))
)

// Add puts a signal into the set.
func (m *Mask) Add(sig syscall.Signal) {
	n := uintptr(sig) - 1
	m[n/wordBits] |= 1 << (n % wordBits)
}

// Has reports whether a signal is in the set.
func (m *Mask) Has(sig syscall.Signal) bool {
	n := uintptr(sig) - 1
	return m[n/wordBits]&(1<<(n%wordBits)) != 0
}

func maskOf(sigs []syscall.Signal) (m Mask) {
	for _, s := range sigs {
		m.Add(s)
	}
	return m
}

// BlockSignals blocks signals in the calling thread and returns the mask it
// had. The caller must have locked the thread, or be about to exec.
func BlockSignals(sigs ...syscall.Signal) (previous Mask, err error) {
	m := maskOf(sigs)
	return procmask(sigBlock, &m)
}

// SetMask sets the mask of the calling thread, which the caller has locked.
func SetMask(m Mask) error {
	_, err := procmask(sigSetmask, &m)
	return err
}

// CurrentMask returns the mask of the calling thread.
func CurrentMask() (Mask, error) { return procmask(sigBlock, nil) }

// BlockedAtExec reports whether all of sigs are blocked in the calling thread.
// Before anything has changed a mask that tells how the process was executed.
func BlockedAtExec(sigs ...syscall.Signal) bool {
	m, err := CurrentMask()
	for _, s := range sigs {
		if err != nil || !m.Has(s) {
			return false
		}
	}
	return true
}

func procmask(how uintptr, set *Mask) (old Mask, err error) {
	_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, how, uintptr(unsafe.Pointer(set)),
		uintptr(unsafe.Pointer(&old)), sigsetBytes, 0, 0)
	return old, result(e)
}

// SignalFd returns a non-blocking descriptor that polls readable when one of
// sigs, which must be blocked, is pending.
func SignalFd(sigs ...syscall.Signal) (fd int, err error) {
	m := maskOf(sigs)
	// The flags have the values of the O_ constants of the architecture.
	n, _, e := syscall.Syscall6(syscall.SYS_SIGNALFD4, ^uintptr(0), uintptr(unsafe.Pointer(&m)), sigsetBytes,
		syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0, 0)
	if e != 0 {
		return -1, e
	}
	return int(n), nil
}

// SignalInfo is what is known about a signal that came.
type SignalInfo struct {
	Signal syscall.Signal
	Code   int32  // why it was sent, 0 for kill(2)
	PID    uint32 // who sent it, or which child ended
	UID    uint32
}

// ReadSignal takes one pending signal from a [SignalFd] descriptor. ok is
// false when none is pending.
func ReadSignal(fd int) (info SignalInfo, ok bool, err error) {
	// The first five fields of struct signalfd_siginfo, which has 128 bytes.
	var buf [32]uint32
	n, err := Read(fd, unsafe.Slice((*byte)(unsafe.Pointer(&buf)), unsafe.Sizeof(buf)))
	if err == syscall.EAGAIN {
		return info, false, nil
	}
	if err == nil && n != int(unsafe.Sizeof(buf)) {
		err = syscall.EIO
	}
	if err != nil {
		return info, false, err
	}
	return SignalInfo{syscall.Signal(buf[0]), int32(buf[2]), buf[3], buf[4]}, true, nil
}
