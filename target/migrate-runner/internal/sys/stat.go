// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"syscall"
	"unsafe"
)

// Stat is what is known about a file, the same on every architecture.
type Stat struct {
	Mode     uint32 // type and permission bits, as st_mode
	UID, GID uint32
	Nlink    uint32
	Ino      uint64
	Dev      Device // where the file is
	Rdev     Device // which device a device node stands for
	Size     int64  // bytes
	Blocks   int64  // of 512 bytes
	Atime    Timespec
	Mtime    Timespec
	Ctime    Timespec

	// MountID tells mounts apart, two of one file system too; 0 where the
	// kernel (before 5.8) does not tell.
	MountID uint64
	// MountKnown says whether MountRoot is valid: kernels before 5.8 do not
	// tell.
	MountKnown bool
	// MountRoot is true for the root of a mount, a bind mount included.
	MountRoot bool
	// Fixed is true where chattr's immutable or append-only flag is set and
	// the file system says so.
	Fixed bool
}

// Device is a device number.
type Device struct{ Major, Minor uint32 }

// Type returns the file's type, one of syscall.S_IFREG and so on.
func (s *Stat) Type() uint32 { return s.Mode & syscall.S_IFMT }

// Perm returns the permission bits with setuid, setgid and sticky.
func (s *Stat) Perm() uint32 { return s.Mode & 0o7777 }

// statx(2), from include/uapi/linux/stat.h.
type statxTime struct {
	Sec  int64
	Nsec uint32
	_    int32
}

type statxBuf struct {
	Mask           uint32
	Blksize        uint32
	Attributes     uint64
	Nlink          uint32
	UID            uint32
	GID            uint32
	Mode           uint16
	_              uint16
	Ino            uint64
	Size           uint64
	Blocks         uint64
	AttributesMask uint64
	Atime          statxTime
	Btime          statxTime
	Ctime          statxTime
	Mtime          statxTime
	RdevMajor      uint32
	RdevMinor      uint32
	DevMajor       uint32
	DevMinor       uint32
	MountID        uint64
	_              [13]uint64
}

const (
	statxBasicStats    = 0x7ff
	statxMountID       = 0x1000
	statxAttrImmutable = 0x10
	statxAttrAppend    = 0x20
	statxAttrMountRoot = 0x2000
)

var noStatx missing

// Statat returns what is known about path below dirfd. flags may hold
// [AT_SYMLINK_NOFOLLOW] and, with path "", [AT_EMPTY_PATH] for dirfd itself.
// Without statx(2) (kernels before 4.11) times are 32 bits on a 32-bit
// machine.
func Statat(dirfd int, path string, flags int) (Stat, error) {
	if !noStatx.known() {
		s, err := statx(dirfd, path, flags)
		if !noStatx.isFiltered(err) {
			return s, err
		}
	}
	var st syscall.Stat_t
	if err := Fstatat(dirfd, path, &st, flags); err != nil {
		return Stat{}, err
	}
	return fromOld(&st), nil
}

// Fstat is [Statat] for an open descriptor.
func Fstat(fd int) (Stat, error) { return Statat(fd, "", AT_EMPTY_PATH) }

func statx(dirfd int, path string, flags int) (Stat, error) {
	var b statxBuf
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return Stat{}, err
	}
	err = retry(func() error {
		_, _, e := syscall.Syscall6(sysStatx, uintptr(dirfd), uintptr(unsafe.Pointer(p)), uintptr(flags),
			statxBasicStats|statxMountID, uintptr(unsafe.Pointer(&b)), 0)
		return result(e)
	})
	if b.Mask&statxMountID == 0 {
		b.MountID = 0
	}
	return Stat{
		MountID: b.MountID,
		Mode:    uint32(b.Mode), UID: b.UID, GID: b.GID, Nlink: b.Nlink, Ino: b.Ino,
		Dev:  Device{b.DevMajor, b.DevMinor},
		Rdev: Device{b.RdevMajor, b.RdevMinor},
		Size: int64(b.Size), Blocks: int64(b.Blocks),
		Atime:      Timespec{b.Atime.Sec, int64(b.Atime.Nsec)},
		Mtime:      Timespec{b.Mtime.Sec, int64(b.Mtime.Nsec)},
		Ctime:      Timespec{b.Ctime.Sec, int64(b.Ctime.Nsec)},
		MountKnown: b.AttributesMask&statxAttrMountRoot != 0,
		MountRoot:  b.Attributes&statxAttrMountRoot != 0,
		Fixed:      b.Attributes&(statxAttrImmutable|statxAttrAppend) != 0,
	}, err
}

// fromOld translates the older structure, whose fields differ in width
// between architectures.
func fromOld(st *syscall.Stat_t) Stat {
	return Stat{
		Mode: uint32(st.Mode), UID: st.Uid, GID: st.Gid, Nlink: uint32(st.Nlink), Ino: uint64(st.Ino),
		Dev: device(uint64(st.Dev)), Rdev: device(uint64(st.Rdev)),
		Size: int64(st.Size), Blocks: int64(st.Blocks),
		Atime: Timespec{int64(st.Atim.Sec), int64(st.Atim.Nsec)},
		Mtime: Timespec{int64(st.Mtim.Sec), int64(st.Mtim.Nsec)},
		Ctime: Timespec{int64(st.Ctim.Sec), int64(st.Ctim.Nsec)},
	}
}

// device splits a number in the encoding of stat(2), the inverse of [Mkdev]
// for the sizes the kernel has.
func device(d uint64) Device {
	return Device{uint32(d>>8) & 0xfff, uint32(d)&0xff | uint32(d>>12)&0xfff00}
}
