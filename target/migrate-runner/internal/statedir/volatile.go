// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package statedir

import (
	"strings"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// File system types, from statfs(2) and include/uapi/linux/magic.h.
const (
	typeTmpfs = 0x01021994
	typeRamfs = 0x858458f6
)

// volatile says why the file system of fd does not outlive a reboot, "" when
// it does as far as can be seen.
func volatile(fd int) string {
	st, err := sys.Fstatfs(fd)
	if err != nil {
		return "on a file system that cannot be examined (" + err.Error() + ")"
	}
	switch uint32(st.Type) {
	case typeTmpfs:
		return "on a tmpfs"
	case typeRamfs:
		return "on a ramfs"
	case sys.TypeOverlay:
		return volatileOverlay(fd)
	}
	return ""
}

// volatileOverlay looks at the overlay that fd is on: one mounted with
// `volatile` drops every sync, and one whose upper layer is in memory is
// gone with it. The upper layer's path is often one that only the initramfs
// knew; then the mount options alone decide.
func volatileOverlay(fd int) string {
	options := overlayOptions(fd)
	for _, o := range strings.Split(options, ",") {
		if o == "volatile" || strings.HasPrefix(o, "fsync=volatile") {
			return "on an overlay mounted with the option \"volatile\""
		}
		upper, ok := strings.CutPrefix(o, "upperdir=")
		if !ok {
			continue
		}
		dir, err := sys.Openat(sys.AT_FDCWD, unescapeOption(upper), sys.O_PATH|syscall.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var st syscall.Statfs_t
		st, err = sys.Fstatfs(dir)
		syscall.Close(dir)
		if err == nil && uint32(st.Type) == typeTmpfs {
			return "on an overlay whose upper layer is on a tmpfs"
		}
		if err == nil && uint32(st.Type) == typeRamfs {
			return "on an overlay whose upper layer is on a ramfs"
		}
	}
	return ""
}

// overlayOptions returns the super block's options of the mount that fd is
// on, as /proc/self/mountinfo has them, "" when that cannot be found.
func overlayOptions(fd int) string {
	st, err := sys.Fstat(fd)
	if err != nil {
		return ""
	}
	mounts, err := sys.Mounts()
	if err != nil {
		return ""
	}
	for i := range mounts {
		if mounts[i].Dev == st.Dev && mounts[i].Type == "overlay" {
			return mounts[i].Options
		}
	}
	return ""
}

// unescapeOption undoes the backslash before a comma or colon of a path in
// the options of an overlay.
func unescapeOption(s string) string { return strings.Join(strings.Split(s, "\\"), "") }
