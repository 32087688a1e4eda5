// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build arm

package sys

// Numbers that Go's syscall lacks on this architecture or on another one.
const (
	unifiedBase = 0

	sysSyncfs         = 373
	sysMemfdCreate    = 385
	sysStatx          = 397
	sysNameToHandleAt = 370
)
