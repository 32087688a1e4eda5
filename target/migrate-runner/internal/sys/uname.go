// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import "syscall"

// KernelAtLeast reports whether the running kernel's release is major.minor or
// later. A release that cannot be read counts as old. Prefer trying a call and
// its ENOSYS; this is for what a kernel does differently without saying so.
func KernelAtLeast(major, minor int) bool {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return false
	}
	var part [2]int
	i := 0
	for _, c := range u.Release {
		switch {
		case c >= '0' && c <= '9':
			part[i] = part[i]*10 + int(c-'0')
		case c == '.' && i == 0:
			i = 1
		default:
			return part[0] > major || part[0] == major && part[1] >= minor
		}
	}
	return false
}
