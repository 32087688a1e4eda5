// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
)

// TestManifest: what was done to the manifest, the anchor and functions.sh.
// Below /usr that takes somebody who can write there; the runner refuses what
// does not fit together.
func TestManifest(t *testing.T) {
	const (
		neither = `error: neither /etc/migration.d/manifest \(another content\) nor /usr/lib/migration/bundle.d/manifest \(another content\) is the file that the image shipped`
		hint    = `hint: the bundle must be as the image build made it, owned by root; install the image again`
		refused = `release : refused: `
	)
	usr := stage{Usr: true}
	testAll(t, []attack{
		{
			name: "manifest edited in one place", breaks: "digest", ran: all,
			do:     "sed -i s/zulu:first/evil:first/ /etc/migration.d/manifest",
			says:   []string{`warning: /etc/migration.d/manifest was replaced \(another content\); the image's copy is used`},
			status: []string{`release 1.0: complete`, `note: /etc/migration.d/manifest was replaced`},
		},
		{
			name: "manifest edited in both places", on: usr, breaks: "copy's digest", exit: 6,
			do:   "for d in /etc/migration.d /usr/lib/migration/bundle.d; do sed -i 's/^Attempts: .*//;$aAttempts: 9' $d/manifest; done",
			says: []string{neither, hint}, status: []string{refused},
		},
		{
			name: "manifest a symbolic link", breaks: "links", ran: all,
			do:   "cp /etc/migration.d/manifest /data/home/m; rm /etc/migration.d/manifest; ln -s /data/home/m /etc/migration.d/manifest",
			says: []string{`manifest was replaced \(it, or a directory above it, is a symbolic link\)`}, status: []string{`complete`},
		},
		{
			name: "manifest a fifo", breaks: "regular", ran: all,
			do:   "rm /etc/migration.d/manifest; mkfifo /etc/migration.d/manifest",
			says: []string{`manifest was replaced \(it is no regular file\)`},
		},
		{
			name: "script edited in both places", on: usr, breaks: "copy's digest", exit: 6,
			do: "for d in /etc/migration.d /usr/lib/migration/bundle.d; do echo 'echo evil >> /data/log' >> $d/0020-alpha:second; done",
			says: []string{`error: neither /etc/migration.d/0020-alpha:second \(another content\) nor ` +
				`/usr/lib/migration/bundle.d/0020-alpha:second \(another content\) is the file that the image shipped`, hint},
			status: []string{refused},
		},
		{
			name: "the last script missing in both places", on: usr, exit: 6,
			do:   "rm /etc/migration.d/0030-mike:third /usr/lib/migration/bundle.d/0030-mike:third",
			says: []string{`neither /etc/migration.d/0030-mike:third \(no such file or directory\) nor`, hint}, status: []string{refused},
		},
		{
			name: "anchor of another bundle", on: usr, breaks: "digest", exit: 6,
			do:   "echo sha256:" + strings.Repeat("0", 64) + " > /usr/lib/migration/bundle",
			says: []string{neither, hint}, status: []string{refused},
		},
		{
			name: "anchor that is none", on: usr, exit: 6, do: "echo '../../data/home' > /usr/lib/migration/bundle",
			says: []string{`error: /usr/lib/migration/bundle:1: the anchor must be one digest`, hint}, status: []string{refused},
		},
		{
			name: "no anchor", on: usr, exit: 6, do: "rm /usr/lib/migration/bundle",
			says: []string{`error: reading the anchor /usr/lib/migration/bundle: no such file or directory`, hint}, status: []string{refused},
		},
		{
			name: "anchor a symbolic link", on: usr, breaks: "links", exit: 6,
			do:   "mv /usr/lib/migration/bundle /data/home/b; ln -s /data/home/b /usr/lib/migration/bundle",
			says: []string{`reading the anchor .*is a symbolic link`, hint}, status: []string{refused},
		},
		{
			name: "anchor given to a user", on: usr, breaks: "owner", exit: 6, do: "chown 1000 /usr/lib/migration/bundle",
			says: []string{`reading the anchor .*is not owned by root`, hint}, status: []string{refused},
		},
		{
			name: "usr-lib-migration given to a user", on: usr, breaks: "owner", exit: 6, do: "chown 1000 /usr/lib/migration",
			says: []string{`reading the anchor .*is not owned by root`, hint}, status: []string{refused},
		},
		{
			name: "usr open to a group", on: usr, breaks: "mode", exit: 6, do: "chmod 0775 /usr",
			says: []string{`reading the anchor .*can be written by others than root`, hint}, status: []string{refused},
		},
		{
			name: "functions.sh edited", on: usr, breaks: "library", exit: 6,
			do:   "echo 'echo evil >> /data/log' >> /usr/lib/migration/functions.sh",
			says: []string{`error: /usr/lib/migration/functions.sh is not the one that the manifest names`, hint}, status: []string{refused},
		},
		{
			name: "functions.sh a symbolic link", on: usr, breaks: "links", exit: 6,
			do:   "mv /usr/lib/migration/functions.sh /data/home/f; ln -s /data/home/f /usr/lib/migration/functions.sh",
			says: []string{`reading /usr/lib/migration/functions.sh: .*is a symbolic link`, hint}, status: []string{refused},
		},
		{
			name: "a manifest that leads out", on: usr, breaks: "file's name", exit: 6, host: forge("../../data/home/evil"),
			says: []string{`error: /etc/migration.d/manifest: File is "../../data/home/evil", must be "0010-zulu:first"`, hint}, status: []string{refused},
		},
		{
			name: "a manifest with an escape in a name", on: usr, exit: 6, host: forge("0010-\x1b[2J"),
			says: []string{`File is "0010-\\x1b\[2J", must be "0010-zulu:first"`}, status: []string{refused},
		},
	})
}

// forge makes a bundle of its own, in which the first script has this file
// name, with all digests right, as somebody can who writes to /usr.
func forge(name string) func(d *device) {
	return func(d *device) {
		const script = "#!/bin/sh\necho evil >> /data/log\n"
		must(d.t, os.WriteFile(d.path("home/evil"), []byte(script), 0o755))
		data, err := os.ReadFile(filepath.Join(d.Image, bundle.Dir, bundle.ManifestName))
		must(d.t, err)
		text := strings.Replace(string(data), "File: 0010-zulu:first\n", "File: "+name+"\n", 1)
		old, err := os.ReadFile(filepath.Join(d.Image, firstFile))
		must(d.t, err)
		text = strings.Replace(text, string(bundle.Sum(old)), string(bundle.Sum([]byte(script))), 1)
		if text == string(data) {
			d.t.Fatalf("nothing of the manifest was changed:\n%s", data)
		}
		layers := []string{"etc/upper/migration.d", "usr/upper/lib/migration/bundle.d"}
		anchor := "usr/upper/lib/migration/bundle"
		if d.WholeRoot {
			layers, anchor = []string{"root/upper/etc/migration.d", "root/upper/usr/lib/migration/bundle.d"}, "root/upper/usr/lib/migration/bundle"
		}
		for _, dir := range layers {
			must(d.t, os.MkdirAll(d.path(dir), 0o755))
			must(d.t, os.WriteFile(d.path(dir+"/manifest"), []byte(text), 0o644))
			if !strings.Contains(name, "/") {
				must(d.t, os.WriteFile(d.path(dir+"/"+name), []byte(script), 0o755))
			}
		}
		must(d.t, os.WriteFile(d.path(anchor), []byte(string(bundle.Sum([]byte(text)))+"\n"), 0o644))
	}
}

// TestWholeRoot: where the root is one writable overlay the anchor protects
// as much as nothing, and `status` says so; who can write there is answered
// by what the runner runs.
func TestWholeRoot(t *testing.T) {
	const said = `note: /usr/lib/migration is on a writable overlay: what is written there replaces the anchor and what is run; the bundle is only as good as who can write to /usr`
	root := stage{WholeRoot: true}
	testAll(t, []attack{
		{name: "untouched", on: root, breaks: "whole root", ran: all, status: []string{`release 1.0: complete`, said}},
		{name: "script replaced", on: root, breaks: "digest", ran: all, do: evil + " > " + firstFile,
			says: []string{firstFile + ` was replaced \(another content\)`}, status: []string{said}},
		{name: "anchor replaced", on: root, exit: 6, do: "echo sha256:" + strings.Repeat("0", 64) + " > /usr/lib/migration/bundle",
			says: []string{`neither /etc/migration.d/manifest`}, status: []string{`refused`}},
		// Not defended, and said: whoever can write to all of /usr is the maker.
		{name: "all forged", on: root, ran: "evil second third", host: forge("0010-zulu:first"), status: []string{said}},
		{name: "usr alone is an overlay", on: stage{Usr: true}, breaks: "whole root", ran: all, status: []string{said}},
		{name: "read-only /usr", ran: all, status: []string{`^release 1.0: complete\n  applied  zulu:first\n  applied  alpha:second\n  applied  mike:third\n$`}},
	})
}
