// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// Requests of linux/loop.h.
const (
	loopSetFD       = 0x4C00
	loopClearFD     = 0x4C01
	loopSetStatus64 = 0x4C04
	loopGetFree     = 0x4C82
	loopAutoclear   = 4
)

// loopInfo is struct loop_info64.
type loopInfo struct {
	device, inode, rdevice, offset, sizeLimit uint64
	number, encryptType, encryptKeySize       uint32
	flags                                     uint32
	fileName, cryptName                       [64]byte
	encryptKey                                [32]byte
	init                                      [2]uint64
}

func ioctl(fd, request, argument uintptr) (uintptr, error) {
	r, _, e := syscall.Syscall(syscall.SYS_IOCTL, fd, request, argument)
	if e != 0 {
		return 0, e
	}
	return r, nil
}

// ownMounts gives the calling goroutine, and what it starts, mounts that
// nobody else sees. They, and its thread, end with it.
func ownMounts() error {
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS | syscall.CLONE_FS); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	return nil
}

// mountImage mounts an ext4 image; the loop device goes with the mount.
func mountImage(image, point string) error {
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	loop, err := attach(file)
	if err != nil {
		return err
	}
	defer loop.Close()
	if err := syscall.Mount(loop.Name(), point, "ext4", syscall.MS_NOATIME, ""); err != nil {
		return &mountError{err}
	}
	return nil
}

// unmount waits while the mount is busy: until its exec, a process that
// another thread forks holds all files that are open in this one.
func unmount(point string) error {
	for tries := 0; ; tries++ {
		err := syscall.Unmount(point, 0)
		if !errors.Is(err, syscall.EBUSY) || tries == 1000 {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// A mountError is the file system's, not the loop device's.
type mountError struct{ err error }

func (e *mountError) Error() string { return "mounting the image: " + e.err.Error() }

// attach takes a free loop device. Between asking for it and taking it
// another may have done so.
func attach(file *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for tries := 0; ; tries++ {
		number, err := ioctl(control.Fd(), loopGetFree, 0)
		if err != nil {
			return nil, fmt.Errorf("asking for a loop device: %w", err)
		}
		loop, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", number), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		_, err = ioctl(loop.Fd(), loopSetFD, file.Fd())
		if err == nil {
			info := loopInfo{flags: loopAutoclear}
			if _, err = ioctl(loop.Fd(), loopSetStatus64, uintptr(unsafe.Pointer(&info))); err == nil {
				return loop, nil
			}
			_, _ = ioctl(loop.Fd(), loopClearFD, 0)
		}
		_ = loop.Close()
		if tries == 50 || !errors.Is(err, syscall.EBUSY) && !errors.Is(err, syscall.EAGAIN) {
			return nil, fmt.Errorf("attaching %q: %w", file.Name(), err)
		}
	}
}
