// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build ppc64 || ppc64le

package sys

// Numbers that Go's syscall lacks on this architecture or on another one.
const (
	unifiedBase = 0

	sysSyncfs         = 348
	sysMemfdCreate    = 360
	sysStatx          = 383
	sysNameToHandleAt = 345
)
