// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package sys holds the Linux system calls that the runner needs and that
// Go's package syscall lacks, names differently on each architecture, or cuts
// to 32 bits.
//
// Every function is thin: one system call, or the newest of several with its
// fallback for older kernels. Three promises hold for all of them:
//
//   - EINTR is retried, except where a function says otherwise;
//   - an error is a plain [syscall.Errno], so a caller compares with == and
//     adds the object's name itself;
//   - a descriptor that is returned is close-on-exec.
//
// Files are addressed by a directory descriptor and a name, never by way of
// /proc, which a chroot may lack. Times are 64 bits wide on every
// architecture, so nothing ends in 2038.
//
// Fallbacks are chosen by ENOSYS, and by EPERM where an older seccomp filter
// answers so for calls it does not know. What was learnt is remembered for the
// life of the process.
package sys
