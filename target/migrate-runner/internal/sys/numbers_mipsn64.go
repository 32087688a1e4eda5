// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build mips64 || mips64le

package sys

// Numbers that Go's syscall lacks on this architecture or on another one.
const (
	unifiedBase = 5000

	sysSyncfs         = 5301
	sysMemfdCreate    = 5314
	sysStatx          = 5326
	sysNameToHandleAt = 5298
)
