// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build s390x

package sys

// Numbers that Go's syscall lacks on this architecture or on another one.
const (
	unifiedBase = 0

	sysSyncfs         = 338
	sysMemfdCreate    = 350
	sysStatx          = 379
	sysNameToHandleAt = 335
)
