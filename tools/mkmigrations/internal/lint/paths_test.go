// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import "testing"

func TestPaths(t *testing.T) {
	data := []byte("#!/bin/sh\n### BEGIN MIGRATION INFO\n# Since: 1\n#\tPaths: /var\n### END MIGRATION INFO\n")
	holds := func(p string) string {
		return "error: m:4: Paths: " + p + " holds the state directory /var/lib/migration or a part of it; name only what the migration itself changes"
	}
	expect(t, Paths("m", data, []string{"/var/lib/migration", "/etc/x", "/var", "/var/lib/migration/state", "/var/lib/migrations"}),
		holds("/var/lib/migration"), holds("/var"), holds("/var/lib/migration/state"))
	expect(t, Paths("m", nil, []string{"/var/lib"}),
		"error: m: Paths: /var/lib holds the state directory /var/lib/migration or a part of it; name only what the migration itself changes")
}

func TestPathsByLinks(t *testing.T) {
	script := func(path string) []byte {
		return []byte("#!/bin/sh\n### BEGIN MIGRATION INFO\n# Paths: " + path + "\n### END MIGRATION INFO\n:\n")
	}
	r := poky(t) // there /var/lib is a link to /data/lib
	const want = "error: m:3: Paths: /data holds the state directory /var/lib/migration or a part of it, by the links of the image; name only what the migration itself changes"
	expect(t, r.Check("m", script("/data")), want)
	expect(t, r.Check("m", script("/data/other")))
	expect(t, r.Check("m", script("/var/lib/x")))
	expect(t, r.Check("m", script("/not/there")))
}
