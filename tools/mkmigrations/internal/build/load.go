// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"meta-migration/internal/bundle"
)

// Load reads the manifest of a bundle. path is a manifest, a migration.d
// directory that holds one, or the root of a bundle's tree or of a root file
// system. It checks the manifest alone; see [Verify] for all the rest.
func Load(path string) (*bundle.Manifest, bundle.Digest, error) {
	file, err := findManifest(path)
	if err != nil {
		return nil, "", err
	}
	data, err := readSmall(file, maxManifest)
	if err != nil {
		return nil, "", err
	}
	m, err := bundle.ParseManifest(file, data)
	if err != nil {
		return nil, "", err
	}
	return m, bundle.Sum(data), nil
}

func findManifest(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("reading %q: %w", path, bare(err))
	}
	if !info.IsDir() {
		return path, nil
	}
	// The copy last: in a root file system the first one is what a device
	// shows.
	for _, place := range []string{bundle.ManifestName, rel(bundle.Dir) + "/" + bundle.ManifestName, rel(bundle.CopyDir) + "/" + bundle.ManifestName} {
		if file := filepath.Join(path, place); isPlain(path, place) {
			return file, nil
		}
	}
	return "", &Fault{Rule: fmt.Sprintf("no bundle in %q", path),
		Cure: "give a manifest, a migration.d directory, the output of a build or a root file system"}
}

// isPlain says whether place is a regular file below dir that is reached
// without a link: one could lead out of a tree that somebody else made.
func isPlain(dir, place string) bool {
	parts := strings.Split(place, "/")
	for i := range parts {
		info, err := os.Lstat(filepath.Join(dir, filepath.Join(parts[:i+1]...)))
		if err != nil || i < len(parts)-1 && !info.IsDir() || i == len(parts)-1 && !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}
