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
	err = sys.Syncfs(root)
	synced := map[sys.Device]bool{}
	if st, e := sys.Fstat(root); e == nil {
		synced[st.Dev] = true
	}
	for i := range mounts {
		m := &mounts[i]
		if err != nil {
			break
		}
		if m.Writable && !synced[m.Dev] && !strings.Contains(noStorage, " "+m.Type+" ") && below(rootAt, m.Point) {
			synced[m.Dev] = true
			err = doing(m.Point, syncMount(m.Point))
		}
	}
	return err
}

// below says whether a mount at point can be seen below the root.
func below(root, point string) bool {
	return root == "" || strings.HasPrefix(point, strings.TrimRight(root, "/")+"/")
}

// syncMount syncs the file system at point. One that cannot be opened, such
// as a mount below another that covers it, cannot be written to either.
func syncMount(point string) error {
	fd, err := sys.Openat(sys.AT_FDCWD, point, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	err = sys.Syncfs(fd)
	if err == syscall.EROFS {
		err = nil
	}
	return err
}

func closeFD(fd int) { syscall.Close(fd) }
