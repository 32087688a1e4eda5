// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"meta-migration/tests/packages"
)

// A recipe is one version of a recipe in examples/.
type recipe struct {
	name, version string
	installed     bool              // in the image, not only in the feed
	migrations    map[string]string // texts by name
	names         []string          // of the migrations, as SRC_URI has them
	config        string            // the text of its configuration file
}

// readReleases reads examples/releases: the recipes of each release.
func readReleases(dir string) (map[string][]recipe, error) {
	file := filepath.Join(dir, "releases")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	releases := map[string][]recipe{}
	for i, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) != 3 {
			return nil, fmt.Errorf("%s:%d: not a release, a recipe and its version", file, i+1)
		}
		r, err := readRecipe(dir, strings.TrimPrefix(words[1], "-"), words[2])
		if err != nil {
			return nil, err
		}
		r.installed = words[1][0] != '-'
		releases[words[0]] = append(releases[words[0]], r)
	}
	return releases, nil
}

var (
	localFile = regexp.MustCompile(`file://([\w.-]+)`)
	required  = regexp.MustCompile(`(?m)^require (\S+)$`)
)

// readRecipe reads as much of a .bb file as tells what it packages: the local
// files of SRC_URI, its own and those of the files that it requires.
func readRecipe(dir, name, version string) (recipe, error) {
	r := recipe{name: name, version: version, migrations: map[string]string{}}
	dir = filepath.Join(dir, name)
	text, err := readRequired(dir, name+"_"+version+".bb")
	if err != nil {
		return r, err
	}
	for _, match := range localFile.FindAllStringSubmatch(text, -1) {
		data, err := findFile(dir, name, version, match[1])
		if err != nil {
			return r, err
		}
		migration, ok := strings.CutSuffix(match[1], ".migration")
		if !ok {
			r.config = data
			continue
		}
		r.names = append(r.names, migration)
		r.migrations[migration] = data
	}
	return r, nil
}

func readRequired(dir, name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	text := ""
	for _, match := range required.FindAllStringSubmatch(string(data), -1) {
		more, err := readRequired(dir, match[1])
		if err != nil {
			return "", err
		}
		text += more
	}
	for _, line := range strings.SplitAfter(string(data), "\n") {
		// COMMON_LICENSE_DIR is no file of the recipe.
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "LIC_FILES") {
			text += line
		}
	}
	return text, nil
}

// findFile looks where bitbake looks: beside the recipe in name-version, then
// in name.
func findFile(dir, name, version, file string) (string, error) {
	for _, sub := range []string{name + "-" + version, name} {
		data, err := os.ReadFile(filepath.Join(dir, sub, file))
		if err == nil {
			return string(data), nil
		}
		if !os.IsNotExist(err) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s_%s.bb: there is no %q in %s", name, version, file, dir)
}

// packages are what bitbake makes of the recipe: its own package, and with
// migration.bbclass the one that holds its migrations.
func (r recipe) packages() []packages.Package {
	own := packages.Package{Name: r.name, Version: r.version + "-r0", Recipe: r.name}
	if r.config != "" {
		own.Files = []packages.File{{Path: "/etc/" + r.name + ".conf", Data: r.config}}
	}
	if len(r.migrations) == 0 {
		return []packages.Package{own}
	}
	carrier := packages.Package{
		Name: r.name + "-migration", Version: own.Version, Recipe: r.name,
		Provides: []string{"migration-snippets"},
	}
	for _, name := range r.names {
		carrier.Files = append(carrier.Files, packages.File{
			Path: "/usr/share/migration/" + r.name + "/" + name,
			Data: r.migrations[name], Mode: 0o755,
		})
	}
	return []packages.Package{own, carrier}
}

// imageManifest is the list that Yocto writes beside an image: what is
// installed, never the packages that carry migrations.
func imageManifest(recipes []recipe) string {
	text := "busybox core2_64 1.36.1-r0\n"
	for _, r := range recipes {
		if r.installed {
			text += r.name + " all " + r.version + "-r0\n"
		}
	}
	return text + "migrate-runner core2_64 0.1.0-r0\n"
}
