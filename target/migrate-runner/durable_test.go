// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"reflect"
	"testing"

	"meta-migration/target/migrate-runner/internal/sys"
)

// TestSyncMounts: each writable file system is synced where it can be reached.
// It guards against data that were recorded as applied and never synced, because
// the first place where their file system is mounted lies below another mount.
func TestSyncMounts(t *testing.T) {
	root, data, slot, memory := sys.Device{Major: 1}, sys.Device{Major: 2}, sys.Device{Major: 3}, sys.Device{Minor: 4}
	mounts := []sys.Mount{
		{Point: "/", Type: "ext4", Dev: root, Writable: true},
		{Point: "/boot", Type: "vfat", Dev: slot},
		{Point: "/mnt/rw", Type: "ext4", Dev: data, Writable: true}, // below the tmpfs
		{Point: "/mnt", Type: "tmpfs", Dev: memory, Writable: true},
		{Point: "/userdata", Type: "ext4", Dev: data, Writable: true},
		{Point: "/again", Type: "ext4", Dev: data, Writable: true},
		{Point: "/slot", Type: "ext4", Dev: slot, Writable: true},
	}
	for _, c := range []struct {
		name, rootAt string
		covered      sys.Device // what is reached at /mnt/rw
		want         []string
	}{
		{"nothing there", "", sys.Device{}, []string{"/mnt/rw", "/userdata", "/slot"}},
		{"another one there", "", memory, []string{"/mnt/rw", "/userdata", "/slot"}},
		{"not covered", "", data, []string{"/mnt/rw", "/slot"}},
		{"another root", "/slot", data, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			err := syncMounts(mounts, root, c.rootAt, func(point string) (sys.Device, error) {
				asked = append(asked, point)
				if point == "/mnt/rw" {
					return c.covered, nil
				}
				for _, m := range mounts {
					if m.Point == point {
						return m.Dev, nil
					}
				}
				return sys.Device{}, nil
			})
			if err != nil || !reflect.DeepEqual(asked, c.want) {
				t.Errorf("synced %v, want %v, error %v", asked, c.want, err)
			}
		})
	}
}
