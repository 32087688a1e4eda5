// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// syncFileSystem makes durable all that was written to the file system of f.
func syncFileSystem(f *os.File) error {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil || !reportsErrors(unix.ByteSliceToString(name.Release[:])) {
		return errNoSyncfs
	}
	return unix.Syncfs(int(f.Fd()))
}

// reportsErrors says whether syncfs of a kernel tells of a failed write:
// before 5.8 it waits, and returns 0 whatever came of it.
func reportsErrors(release string) bool {
	major, rest, _ := strings.Cut(release, ".")
	minor := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	x, err := strconv.Atoi(major)
	if err != nil {
		return false
	}
	y, err := strconv.Atoi(minor)
	return err == nil && (x > 5 || x == 5 && y >= 8)
}
