// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build mips || mipsle

package sys

// Numbers that Go's syscall lacks on this architecture or on another one.
const (
	unifiedBase = 4000

	sysSyncfs         = 4342
	sysMemfdCreate    = 4354
	sysStatx          = 4366
	sysNameToHandleAt = 4339
)
