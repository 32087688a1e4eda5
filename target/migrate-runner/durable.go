// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strings"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// noStorage are file system types that keep nothing on storage, or cannot be
// synced. All others are synced: an unknown type may matter.
const noStorage = " autofs bpf binfmt_misc cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fuse.gvfsd-fuse fusectl " +
	"hugetlbfs mqueue nsfs proc pstore ramfs rpc_pipefs securityfs selinuxfs sysfs tmpfs tracefs "

// syncWritten makes all that was written to any writable mount below the
// root durable. It returns the first error that the kernel tells of, even
// from writing back earlier what the script wrote.
func syncWritten(root int, rootAt string) error {
	mounts, err := sys.Mounts()
	if err != nil {
		// Without /proc the mounts are not known: the root's file system is
		// synced with errors, all others without.
		syscall.Sync()
		return sys.Syncfs(root)
	}
	if err := sys.Syncfs(root); err != nil {
		return err
	}
	var first sys.Device
	if st, err := sys.Fstat(root); err == nil {
		first = st.Dev
	}
	return syncMounts(mounts, first, rootAt, syncMount)
}

// syncMounts syncs the file systems of mounts, each once, but for the first
// one. sync says which one it has reached.
func syncMounts(mounts []sys.Mount, first sys.Device, rootAt string, sync func(point string) (sys.Device, error)) error {
	synced := map[sys.Device]bool{first: true}
	for i := range mounts {
		m := &mounts[i]
		if m.Writable && !synced[m.Dev] && !strings.Contains(noStorage, " "+m.Type+" ") && below(rootAt, m.Point) {
			reached, err := sync(m.Point)
			if err != nil {
				return doing(m.Point, err)
			}
			// Another mount may cover this one, and the same file system be
			// reached at another place.
			synced[reached] = true
		}
	}
	return nil
}

// below says whether a mount at point can be seen below the root.
func below(root, point string) bool {
	return root == "" || strings.HasPrefix(point, strings.TrimRight(root, "/")+"/")
}

// syncMount syncs the file system at point. One that cannot be opened, such
// as a mount below another that covers it, cannot be written to either.
func syncMount(point string) (reached sys.Device, err error) {
	fd, err := sys.Openat(sys.AT_FDCWD, point, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return reached, nil
	}
	defer syscall.Close(fd)
	st, err := sys.Fstat(fd)
	if err == nil {
		err = sys.Syncfs(fd)
	}
	if err == syscall.EROFS {
		err = nil
	}
	return st.Dev, err
}

func closeFD(fd int) { syscall.Close(fd) }
