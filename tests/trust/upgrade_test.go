// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"path/filepath"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
)

// TestNextImage: what was done to a file under one image hides the file of
// that name of the next one, for ever: a copy-up by chmod its new content, a
// whiteout a new migration. The next image's own scripts are run.
func TestNextImage(t *testing.T) {
	l := needLab(t)
	next := l.image(t, "2.0", map[string]string{
		"zulu/first":   "#!/bin/sh\n### BEGIN MIGRATION INFO\n# Revises: " + string(bundle.Sum([]byte(shipped["zulu/first"]))) + "\n### END MIGRATION INFO\necho revised >> /data/log\n",
		"alpha/second": shipped["alpha/second"], "mike/third": shipped["mike/third"],
		"kilo/fourth": "#!/bin/sh\necho fourth >> /data/log\n",
	}, "--previous", filepath.Join(l.images["1.0"], bundle.Dir, bundle.ManifestName))
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDevice(t, mode)
			d.shell(`chmod 0500 /etc/migration.d/0010-zulu:first
				echo x > /etc/migration.d/0040-kilo:fourth; rm /etc/migration.d/0040-kilo:fourth
				rm /etc/migration.d/manifest; mv /etc/migration.d/0030-mike:third /etc/migration.d/x`)
			// The first image does not get to run here: all is pending.
			d.Image = next
			before := d.touched()
			out := d.exec(nil, "/usr/sbin/migrate-runner", "run")
			if want := "revised second third fourth"; out.code != 0 || d.ran() != want {
				t.Errorf("exits with %d, %q ran, want %q: %s", out.code, d.ran(), want, out.stderr)
			}
			for _, say := range []string{
				"warning: /etc/migration.d/0010-zulu:first was replaced (another content); the image's copy is used",
				"files of /etc/migration.d are hidden", "warning: /etc/migration.d/x is not part of the image, is never run",
			} {
				if !strings.Contains(out.stderr, say) {
					t.Errorf("does not say %q: %s", say, out.stderr)
				}
			}
			if d.touched() != before {
				t.Error("/etc/migration.d was touched")
			}
		})
	}
}
