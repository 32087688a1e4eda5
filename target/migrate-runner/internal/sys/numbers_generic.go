// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build arm64 || riscv64 || loong64

package sys

// Numbers that Go's syscall lacks on this architecture or on another one.
const (
	unifiedBase = 0

	sysSyncfs         = 267
	sysMemfdCreate    = 279
	sysStatx          = 291
	sysNameToHandleAt = 264
)
