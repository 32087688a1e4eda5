// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ptrace

import (
	"syscall"
	"unsafe"
)

// names holds the calls that may count, by number.
var names = map[uint64]string{
	syscall.SYS_WRITE: "write", syscall.SYS_PWRITE64: "pwrite64", syscall.SYS_WRITEV: "writev", syscall.SYS_PWRITEV: "pwritev",
	287: "pwritev2", syscall.SYS_SENDFILE: "sendfile", 285: "copy_file_range",
	syscall.SYS_OPENAT: "openat", syscall.SYS_CLOSE: "close",
	syscall.SYS_RENAMEAT: "renameat", 276: "renameat2", syscall.SYS_UNLINKAT: "unlinkat",
	syscall.SYS_MKDIRAT: "mkdirat", syscall.SYS_MKNODAT: "mknodat",
	syscall.SYS_FCHMOD: "fchmod", syscall.SYS_FCHMODAT: "fchmodat", 452: "fchmodat2",
	syscall.SYS_FCHOWN: "fchown", syscall.SYS_FCHOWNAT: "fchownat",
	syscall.SYS_SYMLINKAT: "symlinkat", syscall.SYS_LINKAT: "linkat",
	syscall.SYS_TRUNCATE: "truncate", syscall.SYS_FTRUNCATE: "ftruncate", syscall.SYS_FALLOCATE: "fallocate",
	syscall.SYS_FSYNC: "fsync", syscall.SYS_FDATASYNC: "fdatasync", syscall.SYS_SYNC: "sync", 267: "syncfs", 84: "sync_file_range",
	syscall.SYS_SETXATTR: "setxattr", syscall.SYS_LSETXATTR: "lsetxattr", syscall.SYS_FSETXATTR: "fsetxattr",
	syscall.SYS_REMOVEXATTR: "removexattr", syscall.SYS_LREMOVEXATTR: "lremovexattr", syscall.SYS_FREMOVEXATTR: "fremovexattr",
	syscall.SYS_UTIMENSAT: "utimensat", syscall.SYS_MOUNT: "mount", syscall.SYS_UMOUNT2: "umount2",
	syscall.SYS_IOCTL: "ioctl", syscall.SYS_FLOCK: "flock", 279: "memfd_create",
	syscall.SYS_EXECVE: "execve", 281: "execveat", syscall.SYS_WAIT4: "wait4", syscall.SYS_WAITID: "waitid", syscall.SYS_EXIT_GROUP: "exit_group",
}

// reads holds the calls that only look, by number.
var reads = map[uint64]string{
	syscall.SYS_READ: "read", syscall.SYS_PREAD64: "pread64", syscall.SYS_LSEEK: "lseek", syscall.SYS_OPENAT: "openat", 437: "openat2",
	syscall.SYS_GETDENTS64: "getdents64", syscall.SYS_FSTAT: "fstat", syscall.SYS_FSTATAT: "newfstatat", 291: "statx",
	syscall.SYS_READLINKAT: "readlinkat", syscall.SYS_STATFS: "statfs", syscall.SYS_FSTATFS: "fstatfs",
	syscall.SYS_GETXATTR: "getxattr", syscall.SYS_LGETXATTR: "lgetxattr", syscall.SYS_FGETXATTR: "fgetxattr",
	syscall.SYS_LISTXATTR: "listxattr", syscall.SYS_LLISTXATTR: "llistxattr", syscall.SYS_FLISTXATTR: "flistxattr",
}

const clockGettime = syscall.SYS_CLOCK_GETTIME

// Register sets (include/uapi/linux/elf.h).
const (
	getRegset     = 0x4204
	setRegset     = 0x4205
	ntPrstatus    = 1
	ntSystemCall  = 0x404
	registerCount = 34 // x0 to x30, sp, pc, pstate
)

// skipCall makes the kernel do nothing for the call that the task enters.
func skipCall(id int) error {
	number := int32(-1)
	return regset(setRegset, id, ntSystemCall, unsafe.Pointer(&number), 4)
}

// setReturn sets what the call that the task leaves returns.
func setReturn(id int, errno syscall.Errno) error {
	var regs [registerCount]uint64
	if err := regset(getRegset, id, ntPrstatus, unsafe.Pointer(&regs), unsafe.Sizeof(regs)); err != nil {
		return err
	}
	regs[0] = uint64(-int64(errno))
	return regset(setRegset, id, ntPrstatus, unsafe.Pointer(&regs), unsafe.Sizeof(regs))
}

func regset(request uintptr, id int, set uintptr, data unsafe.Pointer, size uintptr) error {
	vector := struct {
		base unsafe.Pointer
		size uintptr
	}{data, size}
	_, _, e := syscall.Syscall6(syscall.SYS_PTRACE, request, uintptr(id), set, uintptr(unsafe.Pointer(&vector)), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}
