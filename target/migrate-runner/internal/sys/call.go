// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// words32 is true where a C long has 32 bits. The compiler drops the dead
// branch, so one source serves both kinds of architecture.
const words32 = unsafe.Sizeof(uintptr(0)) == 4

// retry calls f until it does not end in EINTR.
func retry(f func() error) error {
	for {
		if err := f(); err != syscall.EINTR {
			return err
		}
	}
}

// result makes an error of an errno, with nil for 0. A plain conversion would
// give a non-nil error that holds 0.
func result(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// missing remembers that the kernel, or a seccomp filter, lacks one call, so
// that the fallback is taken at once the next time.
type missing struct{ seen uint32 }

// known reports whether the call was found missing before.
func (m *missing) known() bool { return atomic.LoadUint32(&m.seen) != 0 }

// is reports whether err says that the call is missing, and remembers it.
func (m *missing) is(err error) bool {
	if err == syscall.ENOSYS {
		atomic.StoreUint32(&m.seen, 1)
	}
	return err == syscall.ENOSYS
}

// isFiltered is like is, and takes EPERM for ENOSYS: filters of older
// container engines answer unknown calls that way. Only for calls that never
// give EPERM for another reason. EPERM is not remembered.
func (m *missing) isFiltered(err error) bool { return m.is(err) || err == syscall.EPERM }

// pointers returns the C strings of two names. NUL inside one is EINVAL.
func pointers(a, b string) (pa, pb *byte, err error) {
	if pa, err = syscall.BytePtrFromString(a); err != nil {
		return nil, nil, err
	}
	pb, err = syscall.BytePtrFromString(b)
	return pa, pb, err
}
