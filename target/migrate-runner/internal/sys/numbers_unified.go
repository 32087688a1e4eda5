// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

// System calls from number 403 on have the same number on all architectures,
// except that the MIPS ABIs add their base (o32 4000, n64 5000). This is the
// rule of the kernel since 5.1; see scripts/syscall.tbl and
// arch/mips/kernel/syscalls in its sources.
const (
	sysClockGettime64  = unifiedBase + 403 // 32-bit only
	sysUtimensatTime64 = unifiedBase + 412 // 32-bit only
	sysPidfdOpen       = unifiedBase + 434
	sysCloseRange      = unifiedBase + 436
	sysOpenat2         = unifiedBase + 437
)
