// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package statedir

import (
	"strings"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
)

// Judge returns the [*Error] with which a run would refuse the state below
// root, because of its owner, its mode or its file system, and changes
// nothing. Where the state directory is still to be made, the one that it
// would be made in is judged. That a file system is full or broken shows only
// when it is written to.
func Judge(root int, allowVolatile bool) error {
	fd, err := Nearest(root)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if !allowVolatile {
		if err := refuseVolatile(fd); err != nil {
			return err
		}
	}
	const readOnly = 1 // ST_RDONLY of statfs(2): of the file system or of the mount
	st, err := sys.Fstatfs(fd)
	if err == nil && uint32(st.Flags)&readOnly != 0 {
		err = syscall.EROFS
	}
	if err != nil {
		return &Error{"examining " + bundle.StateDir + ": " + err.Error(), cureFor(err)}
	}
	return nil
}

// Nearest opens the state directory below root, or the deepest directory above
// it that exists. The caller closes it.
func Nearest(root int) (int, error) {
	path := bundle.StateDir
	fd, err := openDir(root, path, false)
	for err == syscall.ENOENT && path != "" {
		path = path[:strings.LastIndexByte(path, '/')]
		fd, err = openDir(root, path, false)
	}
	if err != nil {
		return -1, openError(err)
	}
	return fd, nil
}

func refuseVolatile(fd int) error {
	if why := volatile(fd); why != "" {
		return &Error{bundle.StateDir + " is " + why + ": what is recorded there is lost at the next boot",
			"mount persistent storage on /var or on " + bundle.StateDir + " before the runner starts (--allow-volatile accepts it, for tests and live images)"}
	}
	return nil
}
