// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"fmt"
	"os"
	"path/filepath"

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
	data, err := readSmall(file, maxList)
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
		file := filepath.Join(path, place)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	return "", &Fault{Rule: fmt.Sprintf("no bundle in %q", path),
		Cure: "give a manifest, a migration.d directory, the output of a build or a root file system"}
}
