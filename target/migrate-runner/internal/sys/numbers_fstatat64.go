// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build 386 || arm || mips || mipsle

package sys

import "syscall"

const sysFstatat = syscall.SYS_FSTATAT64
