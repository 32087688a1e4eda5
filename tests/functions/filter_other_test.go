//go:build !linux || !amd64

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

// watchSyscalls does nothing here: the numbers of system calls are known to the
// tests for x86-64 only, so sync really syncs, and the crash tests skip.
func watchSyscalls(bool) error { return nil }

type event struct{ path string }

func (event) syncs() bool { return false }

func (event) writes() bool { return false }

func (b *box) trace(string, int) ([]event, bool) {
	b.t.Helper()
	b.t.Skip("crash points need x86-64")
	return nil, false
}
