// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build mips || mipsle || mips64 || mips64le

package sys

// MIPS has 128 signals and counts the operations from 1.
const (
	sigsetBytes = 16
	sigBlock    = 1
	sigSetmask  = 3
)
