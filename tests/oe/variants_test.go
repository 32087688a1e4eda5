// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"strings"
	"testing"
)

// multilibConf: with multilib scarthgap insists on binutils-cross for the names
// that later series do not use.
const multilibConf = `require conf/multilib.conf
MULTILIBS = "multilib:lib32"
DEFAULTTUNE:virtclass-multilib-lib32 = "core2-32"
OETEST_STANDIN_FOR:remove = "virtual/x86_64-oe-linux-binutils virtual/i686-oemllib32-linux-binutils"
ASSUME_PROVIDED += "virtual/x86_64-oe-linux-binutils virtual/i686-oemllib32-linux-binutils lib32-qemuwrapper-cross"
`

// otherNames: images with packages whose names are not their recipe's. Of a
// recipe and its multilib variant the installed one's migrations are taken, of
// both the recipe's; a package that debian.bbclass renames counts for its recipe.
func (b *build) otherNames(t *testing.T) {
	// The text says which of the two it is from; two packages must not own one file.
	const cloud = "MIGRATION_DESCRIPTION[agent] = \"From ${PN}\"\ndatadir = \"/usr/share/${PN}\"\n"
	for install, from := range map[string]string{"lib32-cloud": "lib32-cloud", "cloud lib32-cloud": "cloud"} {
		b.setCase(t, map[string]string{
			"conf":           multilibConf + "OETEST_INSTALL = \"accounts board libdemo " + install + "\"\n",
			"cloud.bbappend": cloud,
		})
		b.succeed(t, "oetest-image")
		image := b.image(t, "oetest-image")
		want := "0010-board:layout 0020-board:v1.2 0030-accounts:split-users 0040-cloud:agent 0050-cloud:keys 0060-libdemo:abi manifest"
		if got := strings.Join(below(image, "/etc/migration.d"), " "); got != want {
			t.Errorf("with %s the bundle holds %s", install, got)
		}
		if manifest := string(image["/etc/migration.d/manifest"].data); !strings.Contains(manifest, "\nDescription: From "+from+"\n") {
			t.Errorf("with %s the text is not that of %s:\n%s", install, from, manifest)
		}
	}
	if found := b.feed(t, `libdemo1[_\-]1.2*`); len(found) != 1 {
		t.Errorf("debian.bbclass did not rename libdemo, so this test shows nothing: %v", found)
	}
	if found := b.feed(t, `libdemo-migration[_\-]1.2*`); len(found) != 1 {
		t.Errorf("packages of libdemo's migration: %v", found)
	}
}
