// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// Requests of linux/loop.h, and the flag that lets a loop device go with its
// last user.
const (
	loopSetFd     = 0x4C00
	loopSetStatus = 0x4C04
	loopGetFree   = 0x4C82
	loopAutoclear = 4
	loopInfoSize  = 232
	loopFlagsAt   = 52
	loopMajor     = 7
)

// A disk is a partition of the device: a loop device over a file.
type disk struct {
	file   string
	number int // of the loop device
	node   string
	held   *os.File // keeps it until the test ends
}

func ioctl(f *os.File, request, arg uintptr) (int, error) {
	n, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, arg)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// newDisk makes a partition of size bytes, without a file system, with the name
// that it has on the device.
func newDisk(t *testing.T, file, node string, size int64) *disk {
	t.Helper()
	f, err := os.Create(file)
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := &disk{file: file, node: node}
	for try := 0; ; try++ {
		err := d.attach(f)
		if err == nil {
			break
		}
		// Another program may have taken the free one first.
		if !errors.Is(err, syscall.EBUSY) || try == 20 {
			t.Skipf("no loop device: %v", err)
		}
	}
	t.Cleanup(func() { d.held.Close() })
	return d
}

func (d *disk) attach(f *os.File) error {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer control.Close()
	if d.number, err = ioctl(control, loopGetFree, 0); err != nil {
		return err
	}
	if err := mknod(d.node, syscall.S_IFBLK|0o600, loopMajor, d.number); err != nil {
		return err
	}
	loop, err := os.OpenFile(d.node, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if _, err := ioctl(loop, loopSetFd, f.Fd()); err != nil {
		loop.Close()
		return err
	}
	var info [loopInfoSize]byte
	binary.NativeEndian.PutUint32(info[loopFlagsAt:], loopAutoclear)
	if _, err := ioctl(loop, loopSetStatus, uintptr(unsafe.Pointer(&info[0]))); err != nil {
		loop.Close()
		return err
	}
	d.held = loop
	return nil
}

// mknod makes a node, in place of one that is there.
func mknod(path string, mode uint32, major, minor int) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return syscall.Mknod(path, mode, major<<8|minor&0xff|(minor&^0xff)<<12)
}

// makeNodes fills a /dev with what programs expect of it, and with loop devices
// but those that are in use as partitions.
func makeNodes(dev string, used map[int]bool) error {
	made := []error{
		mknod(dev+"/null", syscall.S_IFCHR|0o666, 1, 3), mknod(dev+"/zero", syscall.S_IFCHR|0o666, 1, 5),
		mknod(dev+"/random", syscall.S_IFCHR|0o666, 1, 8), mknod(dev+"/urandom", syscall.S_IFCHR|0o666, 1, 9),
		mknod(dev+"/loop-control", syscall.S_IFCHR|0o600, 10, 237), os.Symlink("/proc/self/fd", dev+"/fd"),
	}
	for n := 0; n < 256; n++ {
		if !used[n] {
			made = append(made, mknod(fmt.Sprintf("%s/loop%d", dev, n), syscall.S_IFBLK|0o600, loopMajor, n))
		}
	}
	return errors.Join(made...)
}

// privateDev gives the tests a /dev of their own: the kernel remembers by which
// name a file system was mounted, and the updaters look at it.
func privateDev() error {
	dir, err := os.MkdirTemp("", "migration-dev-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	if err := makeNodes(dir, nil); err != nil {
		return err
	}
	return syscall.Mount(dir, "/dev", "", syscall.MS_MOVE, "")
}

// write puts an image on the disk, as a factory does.
func (d *disk) write(t *testing.T, image string) {
	t.Helper()
	data, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(d.node, os.O_WRONLY, 0)
	if err == nil {
		if _, err = f.Write(data); err == nil {
			err = f.Sync()
		}
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// first returns the first n bytes, to see whether it was written.
func (d *disk) first(t *testing.T, n int) string {
	t.Helper()
	f, err := os.Open(d.node)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data := make([]byte, n)
	if _, err := f.ReadAt(data, 0); err != nil {
		t.Fatal(err)
	}
	return string(data)
}
