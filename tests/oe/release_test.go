// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import "testing"

// TestReleaseHash: which releases the image class takes for ones with a git
// hash. revision is METADATA_REVISION, which poky puts into DISTRO_VERSION.
func TestReleaseHash(t *testing.T) {
	const revision = "4f1c9d2e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d"
	cases := map[string]bool{
		"1.0": false, "5.0.4": false, "nodistro.0": false, "2026.08": false, "20260822": false, "20260822103000": false,
		"1.0~rc1": false, "1.2-dev": false, "1.0+build1234567": false, "6.0.1^beta": false, "decade": false, "facade2": true,
		"1.0+git0a1b2c3": true, "1.0-gdeadb33f": true, "1.0-14-g2414721": true, "1.0_0a1b2c3d4e": true,
		"5.3+snapshot-" + revision: true, "5.3+snapshot-" + revision[:10]: true, "x" + revision[:7]: true,
	}
	var releases []string
	for release := range cases {
		releases = append(releases, release)
	}
	var got []bool
	imagePython(t, checkouts(t)[0], "[meta_migration.image.has_hash(r, \""+revision+"\") for r in values]", releases, &got)
	for i, release := range releases {
		if got[i] != cases[release] {
			t.Errorf("%q holds a git hash: %v", release, got[i])
		}
	}
}
