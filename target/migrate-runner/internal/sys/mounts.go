// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"strings"
	"syscall"

	"meta-migration/internal/bundle"
)

// A Mount is one line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type Mount struct {
	Dev      Device
	Point    string // where it is mounted, seen from the process' root
	Writable bool   // neither the mount nor its file system is read-only
	Type     string // of the file system
	Options  string // of the file system's super block
}

// maxMountinfo bounds what is read of mountinfo, in bytes.
const maxMountinfo = 16 << 20

// Mounts lists the mounts that the process can see. It needs /proc.
func Mounts() ([]Mount, error) {
	fd, err := Openat(AT_FDCWD, "/proc/self/mountinfo", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	data, err := ReadAll(fd, maxMountinfo)
	if err != nil {
		return nil, err
	}
	var mounts []Mount
	for _, line := range strings.Split(string(data), "\n") {
		if m, ok := parseMount(line); ok {
			mounts = append(mounts, m)
		}
	}
	return mounts, nil
}

// parseMount reads `id parent major:minor root point options [tags] - type
// source superoptions`.
func parseMount(line string) (m Mount, ok bool) {
	head, tail, ok := strings.Cut(line, " - ")
	left, right := strings.Split(head, " "), strings.Split(tail, " ")
	if !ok || len(left) < 6 || len(right) < 3 {
		return m, false
	}
	major, minor, _ := strings.Cut(left[2], ":")
	ma, ok1 := bundle.Number(major)
	mi, ok2 := bundle.Number(minor)
	if !ok1 || !ok2 {
		return m, false
	}
	m = Mount{Device{uint32(ma), uint32(mi)}, unescapeMount(left[4]), true, right[0], unescapeMount(right[2])}
	for _, o := range append(strings.Split(left[5], ","), strings.Split(right[2], ",")...) {
		if o == "ro" {
			m.Writable = false
		}
	}
	return m, true
}

// unescapeMount undoes the \ooo that the kernel writes for blanks and
// backslashes.
func unescapeMount(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			// The kernel writes three octal digits, always.
			b.WriteByte(s[i+1]<<6 | s[i+2]&7<<3 | s[i+3]&7)
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
