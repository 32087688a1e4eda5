// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build linux && (amd64 || arm64)

// Package ptrace runs a program and stops it at its N-th system call that
// changes something: it kills it there, as a power cut would, or makes the
// call fail, as a full or broken disk would.
//
// One counter goes over all threads and all descendants, so a program with
// threads and children is swept as a whole:
//
//	all, err := ptrace.Run(cmd, ptrace.Plan{})      // count
//	for n := 1; n <= all.Calls; n++ {
//		prepare the state anew
//		ptrace.Run(cmd, ptrace.Plan{At: n, Kill: true}) // call n has not happened
//		check the state, run to the end, check again
//	}
//
// # What is counted
//
// The entry of each call that changes files, makes them durable, starts or
// waits for a process, or ends one: the families of write, rename, unlink,
// mkdir, chmod, chown, symlink, link, mknod, truncate, fallocate, fsync, sync,
// setxattr, utimensat, mount, memfd_create, execve, wait and exit, ioctl only
// for FICLONE, open only with intent to write or create. close is counted if
// asked for. openat2 is not: it hides its flags in memory, and the programs
// here open by it for reading only. [Command.Select] narrows the choice.
// With [Command.Reads] it is the calls that only look that are counted.
//
// # What is promised
//
// With Kill, the N-th counted call has not happened and all before it have;
// every process of the program is dead when Run returns. With an errno, the
// call has not happened and the program saw the error. Which kind of call
// stands at an N can shift between runs where threads race; each N up to the
// count is reached all the same, give or take the last ones ([Result.Reached]
// says so).
//
// # Limits
//
// It needs Linux 5.3 (PTRACE_GET_SYSCALL_INFO), the right to trace, and a
// program of the tracer's own architecture. A SIGSTOP to the program is lost.
// What is written and not synced survives a kill: for lost writes see the
// block-level tests.
package ptrace
