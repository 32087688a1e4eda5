// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build 386

package sys

// Numbers that Go's syscall lacks on this architecture or on another one.
const (
	unifiedBase = 0

	sysSyncfs         = 344
	sysMemfdCreate    = 356
	sysStatx          = 383
	sysNameToHandleAt = 341
)
