// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package statedir

import (
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
)

const markerDir = "complete"

// HasMarker says whether the device whose root is open at root is complete
// for the bundle with this anchor. It is the same test that the unit's
// condition makes.
func HasMarker(root int, anchor bundle.Digest) bool {
	_, err := sys.Statat(root, bundle.MarkerPath(anchor)[1:], sys.AT_SYMLINK_NOFOLLOW)
	return err == nil
}

// RemoveMarkers removes every marker, durably. It writes nothing where there
// is none.
func (d *Dir) RemoveMarkers() error { return d.removeMarkers("") }

func (d *Dir) removeMarkers(keep string) error {
	fd, err := subdir(d.FD, markerDir, false, true)
	if err == syscall.ENOENT {
		return nil
	}
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	names, err := sys.ReadDirNames(fd)
	if err != nil {
		return err
	}
	removed := false
	for _, name := range names {
		if name == keep {
			continue
		}
		err := sys.Unlinkat(fd, name, 0)
		if err == syscall.EISDIR {
			err = sys.Unlinkat(fd, name, sys.AT_REMOVEDIR)
		}
		if err != nil && err != syscall.ENOENT {
			return err
		}
		removed = true
	}
	if !removed {
		return nil
	}
	return sys.Fsync(fd)
}

// SetMarker makes the marker for anchor the only one, durably.
func (d *Dir) SetMarker(anchor bundle.Digest) error {
	if err := d.removeMarkers(anchor.Hex()); err != nil {
		return err
	}
	dir, err := d.Subdir(markerDir)
	if err != nil {
		return err
	}
	defer syscall.Close(dir)
	fd, err := d.openFile(dir, anchor.Hex(), syscall.O_WRONLY|syscall.O_CREAT)
	if err != nil {
		return err
	}
	err = sys.Fsync(fd)
	syscall.Close(fd)
	if err != nil {
		return err
	}
	return sys.Fsync(dir)
}
