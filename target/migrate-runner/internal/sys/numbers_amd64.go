// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build amd64

package sys

// Numbers that Go's syscall lacks on this architecture or on another one.
const (
	unifiedBase = 0

	sysSyncfs         = 306
	sysMemfdCreate    = 319
	sysStatx          = 332
	sysNameToHandleAt = 303
)
