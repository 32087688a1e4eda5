//go:build linux && amd64

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"syscall"
	"unsafe"
)

// System calls that change what is on the disk. Numbers as in the kernel's table
// for x86-64; openat and open count only when they create or truncate.
var (
	changing = []uint32{
		syscall.SYS_WRITE, syscall.SYS_PWRITE64, syscall.SYS_SENDFILE, 326, // copy_file_range
		syscall.SYS_RENAME, syscall.SYS_RENAMEAT, 316, // renameat2
		syscall.SYS_UNLINK, syscall.SYS_UNLINKAT, syscall.SYS_MKDIR, syscall.SYS_MKDIRAT, syscall.SYS_RMDIR,
		syscall.SYS_LINK, syscall.SYS_LINKAT, syscall.SYS_SYMLINK, syscall.SYS_SYMLINKAT,
		syscall.SYS_MKNOD, syscall.SYS_MKNODAT, syscall.SYS_TRUNCATE, syscall.SYS_FTRUNCATE,
		syscall.SYS_CHMOD, syscall.SYS_FCHMOD, syscall.SYS_FCHMODAT, 452, // fchmodat2
		syscall.SYS_CHOWN, syscall.SYS_FCHOWN, syscall.SYS_LCHOWN, syscall.SYS_FCHOWNAT,
		syscall.SYS_UTIMENSAT, syscall.SYS_SETXATTR, syscall.SYS_LSETXATTR, syscall.SYS_FSETXATTR,
	}
	syncing = []uint32{syscall.SYS_SYNC, syscall.SYS_FSYNC, syscall.SYS_FDATASYNC, 306} // syncfs
)

const (
	bpfLoad = 0x20 // BPF_LD | BPF_W | BPF_ABS
	bpfJeq  = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
	bpfJset = 0x45 // BPF_JMP | BPF_JSET | BPF_K
	bpfRet  = 0x06 // BPF_RET | BPF_K

	retAllow = 0x7fff0000
	retTrace = 0x7ff00000
	retErrno = 0x00050000 // with errno 0: the call returns 0 and does nothing

	seccompSetMode = 317 // the system call seccomp
	noNewPrivs     = 38  // PR_SET_NO_NEW_PRIVS
)

type bpf struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

// watchSyscalls sets a seccomp filter for this thread and what it executes. Sync
// calls do nothing: the tests kill processes, not machines, and a sync on a busy
// machine takes seconds. With trace, changing and syncing calls stop for the
// tracer, and the thread asks to be traced by its parent.
func watchSyscalls(trace bool) error {
	var p []bpf
	add := func(nr uint32, action uint32) {
		p = append(p, bpf{bpfJeq, 0, 1, nr}, bpf{bpfRet, 0, 0, action})
	}
	p = append(p, bpf{bpfLoad, 0, 0, 0}) // seccomp_data.nr
	if trace {
		for _, nr := range append(append([]uint32{}, changing...), syncing...) {
			add(nr, retTrace)
		}
		// args[1] of open at offset 24, args[2] of openat at 32, low halves.
		for nr, offset := range map[uint32]uint32{syscall.SYS_OPEN: 24, syscall.SYS_OPENAT: 32} {
			p = append(p, bpf{bpfJeq, 0, 4, nr}, bpf{bpfLoad, 0, 0, offset},
				bpf{bpfJset, 0, 1, syscall.O_CREAT | syscall.O_TRUNC}, bpf{bpfRet, 0, 0, retTrace}, bpf{bpfRet, 0, 0, retAllow})
		}
	} else {
		for _, nr := range syncing {
			add(nr, retErrno)
		}
	}
	p = append(p, bpf{bpfRet, 0, 0, retAllow})
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return e
	}
	if trace {
		if _, _, e := syscall.RawSyscall(syscall.SYS_PTRACE, syscall.PTRACE_TRACEME, 0, 0); e != 0 {
			return e
		}
	}
	program := struct {
		n uint16
		p *bpf
	}{uint16(len(p)), &p[0]}
	if _, _, e := syscall.RawSyscall(seccompSetMode, 1, 0, uintptr(unsafe.Pointer(&program))); e != 0 {
		return e
	}
	return nil
}
