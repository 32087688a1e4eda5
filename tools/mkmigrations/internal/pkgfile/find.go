// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
)

// Find returns the .ipk, .deb and .rpm files below dirs, sorted by path. A
// link to a file is followed, a link to a directory below dirs is not. A file
// that is reached twice, by a link, a hard link or overlapping dirs, is
// returned once, by the path that sorts first. A directory that is missing or
// cannot be read is an error, and so is a link to nothing.
func Find(dirs []string) ([]string, error) {
	var found []string
	for _, dir := range dirs {
		if err := find(dir, &found); err != nil {
			return nil, err
		}
	}
	sort.Strings(found)
	return once(found)
}

func find(dir string, found *[]string) error {
	// The argument itself may be a link, which WalkDir does not follow.
	top := dir
	if info, err := os.Stat(dir); err != nil {
		return fmt.Errorf("searching %q for packages: %w", dir, bare(err))
	} else if !info.IsDir() {
		return fmt.Errorf("searching %q for packages: not a directory", dir)
	}
	// With a slash at the end it is the directory and not the link.
	if !strings.HasSuffix(top, string(filepath.Separator)) {
		top += string(filepath.Separator)
	}
	return filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("searching %q for packages: %w", path, bare(err))
		}
		if candidate(d) {
			*found = append(*found, filepath.Clean(path))
		}
		return nil
	})
}

// candidate says whether an entry may be a package: by its suffix, and no
// directory. What a link leads to is looked at later.
func candidate(d fs.DirEntry) bool {
	switch filepath.Ext(d.Name()) {
	case ".ipk", ".deb", ".rpm":
		return d.Type().IsRegular() || d.Type()&fs.ModeSymlink != 0
	}
	return false
}

// once drops what is not a regular file, and later names of the same one.
func once(sorted []string) ([]string, error) {
	type id struct{ dev, ino uint64 }
	seen := map[id]bool{}
	kept := sorted[:0]
	for _, path := range sorted {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("searching for packages: %q: %w", path, bare(err))
		}
		if !info.Mode().IsRegular() {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			key := id{uint64(st.Dev), uint64(st.Ino)}
			if seen[key] {
				continue
			}
			seen[key] = true
		}
		kept = append(kept, path)
	}
	return kept, nil
}
