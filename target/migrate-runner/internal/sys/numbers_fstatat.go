// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build arm64 || riscv64

package sys

import "syscall"

const sysFstatat = syscall.SYS_FSTATAT
