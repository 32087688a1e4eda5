// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package functions

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
)

// detail says how much of a tree a snapshot holds.
type detail int

const (
	// content: type, mode, owner, size, bytes, link targets, xattrs, and which
	// names are one file.
	content detail = iota
	// exact: also inode, change and modification time, so any write shows.
	exact
)

// tree is a snapshot: a line of attributes for each path.
type tree map[string]string

// snapshot reads what lies below root, without what the sandbox itself puts
// there and the migration's text.
func snapshot(t *testing.T, root string, d detail) tree {
	t.Helper()
	s, first := tree{}, map[uint64]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		switch name {
		case oeWork, bmcWork:
			// The kernel empties an overlay's work directory at each mount.
			return filepath.SkipDir
		case "usr/bin", "usr/sbin", "usr/lib", "usr/lib32", "usr/lib64", "bin", "sbin", "lib", "lib64", "dev", "opt", "proc":
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case ".", "migration":
			return nil
		case "var/lib/migration/state":
			// A migration's own; what is left in it counts, the times do not.
			if d == exact {
				return filepath.SkipDir
			}
		}
		s[name] = describe(t, path, name, d, first)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// describe is one line of a snapshot. first holds the first name of each inode.
func describe(t *testing.T, path, name string, d detail, first map[uint64]string) string {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("%o %d:%d", st.Mode, st.Uid, st.Gid)
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		line += fmt.Sprintf(" %d bytes %x", len(data), sha256.Sum256(data))
		if other, known := first[st.Ino]; known {
			line += " same as " + other
		} else if st.Nlink > 1 {
			first[st.Ino] = name
		}
	case syscall.S_IFLNK:
		target, _ := os.Readlink(path)
		line += " -> " + target
	case syscall.S_IFCHR, syscall.S_IFBLK:
		line += fmt.Sprintf(" device %x", st.Rdev)
	}
	for _, x := range xattrs(path) {
		line += " " + x
	}
	// overlayfs links all its whiteouts to one inode, which each mount changes.
	if d == exact && st.Mode&syscall.S_IFMT != syscall.S_IFCHR {
		line += fmt.Sprintf(" inode %d modified %d changed %d", st.Ino, st.Mtim.Nano(), st.Ctim.Nano())
	}
	return line
}

// xattrs lists the extended attributes of a file, sorted; not of a symbolic
// link, which the standard library cannot ask.
func xattrs(path string) []string {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSymlink != 0 {
		return nil
	}
	buf := make([]byte, 64<<10)
	n, err := syscall.Listxattr(path, buf)
	if err != nil || n == 0 {
		return nil
	}
	var list []string
	for _, name := range strings.Split(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		if strings.HasPrefix(name, "trusted.overlay.") {
			continue // the kernel's, and other in each tree
		}
		value := make([]byte, 64<<10)
		n, err := syscall.Getxattr(path, name, value)
		if err != nil {
			n = 0
		}
		list = append(list, fmt.Sprintf("%s=%q", name, value[:n]))
	}
	sort.Strings(list)
	return list
}

// compare reports every difference.
func (s tree) compare(t *testing.T, now tree, what string) {
	t.Helper()
	if diff := s.diff(now); diff != "" {
		t.Errorf("%s changed:\n%s", what, diff)
	}
}

func (s tree) diff(now tree) string {
	var lines []string
	for name, was := range s {
		if is, ok := now[name]; !ok {
			lines = append(lines, "- "+name+": "+was)
		} else if is != was {
			lines = append(lines, "  "+name+": "+was+"\n   => "+is)
		}
	}
	for name, is := range now {
		if _, ok := s[name]; !ok {
			lines = append(lines, "+ "+name+": "+is)
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
