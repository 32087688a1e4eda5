// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ptrace

import "syscall"

// names holds the calls that may count, by number.
var names = map[uint64]string{
	syscall.SYS_WRITE: "write", syscall.SYS_PWRITE64: "pwrite64", syscall.SYS_WRITEV: "writev", syscall.SYS_PWRITEV: "pwritev",
	328: "pwritev2", syscall.SYS_SENDFILE: "sendfile", 326: "copy_file_range",
	syscall.SYS_OPEN: "open", syscall.SYS_OPENAT: "openat", syscall.SYS_CREAT: "creat", syscall.SYS_CLOSE: "close",
	syscall.SYS_RENAME: "rename", syscall.SYS_RENAMEAT: "renameat", 316: "renameat2",
	syscall.SYS_UNLINK: "unlink", syscall.SYS_UNLINKAT: "unlinkat", syscall.SYS_RMDIR: "rmdir",
	syscall.SYS_MKDIR: "mkdir", syscall.SYS_MKDIRAT: "mkdirat", syscall.SYS_MKNOD: "mknod", syscall.SYS_MKNODAT: "mknodat",
	syscall.SYS_CHMOD: "chmod", syscall.SYS_FCHMOD: "fchmod", syscall.SYS_FCHMODAT: "fchmodat", 452: "fchmodat2",
	syscall.SYS_CHOWN: "chown", syscall.SYS_FCHOWN: "fchown", syscall.SYS_LCHOWN: "lchown", syscall.SYS_FCHOWNAT: "fchownat",
	syscall.SYS_SYMLINK: "symlink", syscall.SYS_SYMLINKAT: "symlinkat", syscall.SYS_LINK: "link", syscall.SYS_LINKAT: "linkat",
	syscall.SYS_TRUNCATE: "truncate", syscall.SYS_FTRUNCATE: "ftruncate", syscall.SYS_FALLOCATE: "fallocate",
	syscall.SYS_FSYNC: "fsync", syscall.SYS_FDATASYNC: "fdatasync", syscall.SYS_SYNC: "sync", 306: "syncfs", syscall.SYS_SYNC_FILE_RANGE: "sync_file_range",
	syscall.SYS_SETXATTR: "setxattr", syscall.SYS_LSETXATTR: "lsetxattr", syscall.SYS_FSETXATTR: "fsetxattr",
	syscall.SYS_REMOVEXATTR: "removexattr", syscall.SYS_LREMOVEXATTR: "lremovexattr", syscall.SYS_FREMOVEXATTR: "fremovexattr",
	syscall.SYS_UTIMENSAT: "utimensat", syscall.SYS_UTIME: "utime", syscall.SYS_UTIMES: "utimes", syscall.SYS_FUTIMESAT: "futimesat",
	syscall.SYS_MOUNT: "mount", syscall.SYS_UMOUNT2: "umount2", syscall.SYS_IOCTL: "ioctl", syscall.SYS_FLOCK: "flock", 319: "memfd_create",
	syscall.SYS_EXECVE: "execve", 322: "execveat", syscall.SYS_WAIT4: "wait4", syscall.SYS_WAITID: "waitid", syscall.SYS_EXIT_GROUP: "exit_group",
}

// reads holds the calls that only look, by number.
var reads = map[uint64]string{
	syscall.SYS_READ: "read", syscall.SYS_PREAD64: "pread64", syscall.SYS_LSEEK: "lseek", syscall.SYS_OPENAT: "openat", 437: "openat2",
	syscall.SYS_GETDENTS64: "getdents64", syscall.SYS_FSTAT: "fstat", syscall.SYS_NEWFSTATAT: "newfstatat", 332: "statx",
	syscall.SYS_READLINKAT: "readlinkat", syscall.SYS_STATFS: "statfs", syscall.SYS_FSTATFS: "fstatfs",
	syscall.SYS_GETXATTR: "getxattr", syscall.SYS_LGETXATTR: "lgetxattr", syscall.SYS_FGETXATTR: "fgetxattr",
	syscall.SYS_LISTXATTR: "listxattr", syscall.SYS_LLISTXATTR: "llistxattr", syscall.SYS_FLISTXATTR: "flistxattr",
}

const clockGettime = syscall.SYS_CLOCK_GETTIME

// Offsets in struct user of the registers that hold the call's number and its
// result (sys/user.h).
const (
	origRax = 15 * 8
	rax     = 10 * 8
)

// skipCall makes the kernel do nothing for the call that the task enters.
func skipCall(id int) error { return poke(id, origRax, -1) }

// setReturn sets what the call that the task leaves returns.
func setReturn(id int, errno syscall.Errno) error { return poke(id, rax, -int64(errno)) }

func poke(id int, offset uintptr, value int64) error {
	_, _, e := syscall.Syscall6(syscall.SYS_PTRACE, syscall.PTRACE_POKEUSR, uintptr(id), offset, uintptr(value), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}
