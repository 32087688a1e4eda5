// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"syscall"
	"unsafe"
)

// Timespec is a point in time or a duration as the kernel's 64-bit calls take
// it on every architecture.
type Timespec struct {
	Sec  int64
	Nsec int64
}

// Values of Nsec for [Utimensat].
const (
	UtimeNow  = 1<<30 - 1 // set to the present
	UtimeOmit = 1<<30 - 2 // leave as it is
)

// oldTimespec is struct timespec of the 32-bit system calls.
type oldTimespec struct{ Sec, Nsec int32 }

const (
	clockRealtime  = 0
	clockMonotonic = 1
)

var noClock64, noUtimens64 missing

// Realtime returns the wall clock: seconds since 1970 and nanoseconds.
func Realtime() (sec int64, nsec int32) {
	t := clock(clockRealtime)
	return t.Sec, int32(t.Nsec)
}

// Monotonic returns nanoseconds of a clock that is never set and stands still
// while the machine is suspended. Only differences mean something.
func Monotonic() int64 {
	t := clock(clockMonotonic)
	return t.Sec*1e9 + t.Nsec
}

// clock reads a clock. It cannot fail for the two clocks used here.
func clock(id uintptr) (t Timespec) {
	if !words32 {
		syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&t)), 0)
		return t
	}
	if !noClock64.known() {
		_, _, e := syscall.RawSyscall(sysClockGettime64, id, uintptr(unsafe.Pointer(&t)), 0)
		if e == 0 {
			return t
		}
		noClock64.is(e)
	}
	var old oldTimespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&old)), 0)
	return Timespec{int64(old.Sec), int64(old.Nsec)}
}

// Utimensat sets the access and modification time of a file. flags may hold
// [AT_SYMLINK_NOFOLLOW]. With path "" it sets those of dirfd itself, which must
// not be an O_PATH descriptor. A 32-bit kernel older than 5.1 refuses times
// that do not fit 32 bits with EOVERFLOW.
func Utimensat(dirfd int, path string, atime, mtime Timespec, flags int) error {
	var p *byte
	if path != "" {
		var err error
		if p, err = syscall.BytePtrFromString(path); err != nil {
			return err
		}
	}
	ts := [2]Timespec{atime, mtime}
	number := uintptr(syscall.SYS_UTIMENSAT)
	if words32 {
		number = sysUtimensatTime64
	}
	if !words32 || !noUtimens64.known() {
		err := utimensat(number, dirfd, p, unsafe.Pointer(&ts), flags)
		if !words32 || !noUtimens64.is(err) {
			return err
		}
	}
	var old [2]oldTimespec
	for i, t := range ts {
		old[i] = oldTimespec{int32(t.Sec), int32(t.Nsec)}
		if int64(old[i].Sec) != t.Sec && t.Nsec < UtimeOmit {
			return syscall.EOVERFLOW
		}
	}
	return utimensat(syscall.SYS_UTIMENSAT, dirfd, p, unsafe.Pointer(&old), flags)
}

func utimensat(number uintptr, dirfd int, p *byte, times unsafe.Pointer, flags int) error {
	return retry(func() error {
		_, _, e := syscall.Syscall6(number, uintptr(dirfd), uintptr(unsafe.Pointer(p)),
			uintptr(times), uintptr(flags), 0, 0)
		return result(e)
	})
}
