// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build !mips && !mipsle && !mips64 && !mips64le

package sys

const (
	sigsetBytes = 8
	sigBlock    = 0
	sigSetmask  = 2
)
