// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// Find returns the .ipk, .deb and .rpm files below dirs, sorted by path, each
// path once. A link to a file is followed, a link to a directory below dirs is
// not. A directory that is missing or cannot be read is an error, and so is a
// link to nothing. That two paths are one file is seen by [Scan], which opens
// them anyway.
func Find(dirs []string) ([]string, error) {
	var found []string
	for _, dir := range dirs {
		if err := find(dir, &found); err != nil {
			return nil, err
		}
	}
	sort.Strings(found)
	return slices.Compact(found), nil
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
		path = filepath.Clean(path)
		if ok, err := candidate(path, d); !ok || err != nil {
			return err
		}
		*found = append(*found, path)
		return nil
	})
}

// candidate says whether an entry may be a package: a regular file by itself
// or by a link, with the suffix of one.
func candidate(path string, d fs.DirEntry) (bool, error) {
	switch filepath.Ext(path) {
	case ".ipk", ".deb", ".rpm":
	default:
		return false, nil
	}
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type().IsRegular(), nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("searching for packages: %q: %w", path, bare(err))
	}
	return info.Mode().IsRegular(), nil
}
