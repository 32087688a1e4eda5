// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"sync/atomic"
	"syscall"
	_ "unsafe" // for go:linkname
)

// Signals without os/signal, which brings in package os and 180 KB.
//
// The kernel's own signalfd(2) is of no use in a Go program: see [Mask]. The
// runtime's signal queue is what os/signal itself reads, and these two
// functions are its doors. The runtime exports them by linkname; that is no
// documented interface, so a test drives them with each toolchain.

//go:linkname signalEnable os/signal.signal_enable
func signalEnable(sig uint32)

//go:linkname signalRecv os/signal.signal_recv
func signalRecv() uint32

var signalFdTaken uint32

// SignalFd returns a non-blocking descriptor that polls readable while one of
// sigs has come and was not yet read by [ReadSignal]. From then on these
// signals no longer end the process. A child gets the default action back at
// exec.
//
// It may be called once in a process (then EBUSY) and not in one that uses
// os/signal: the runtime has one queue. A signal that comes often may be
// counted once, as for os/signal.
func SignalFd(sigs ...syscall.Signal) (fd int, err error) {
	if !atomic.CompareAndSwapUint32(&signalFdTaken, 0, 1) {
		return -1, syscall.EBUSY
	}
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		return -1, err
	}
	for _, s := range sigs {
		signalEnable(uint32(s))
	}
	go forwardSignals(p[1])
	return p[0], nil
}

// forwardSignals writes each signal's number as one byte. A full pipe means
// that thousands are unread, so one may be dropped.
func forwardSignals(fd int) {
	for {
		if s := signalRecv(); s != 0 {
			_ = WriteAll(fd, []byte{byte(s)})
		}
	}
}

// ReadSignal takes one signal from a [SignalFd] descriptor. ok is false when
// none has come.
func ReadSignal(fd int) (sig syscall.Signal, ok bool, err error) {
	var b [1]byte
	n, err := Read(fd, b[:])
	if err == syscall.EAGAIN {
		return 0, false, nil
	}
	return syscall.Signal(b[0]), err == nil && n == 1, err
}
