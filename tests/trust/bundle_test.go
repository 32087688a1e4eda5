// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"os"
	"testing"
)

const (
	firstFile  = "/etc/migration.d/0010-zulu:first"
	secondFile = "/etc/migration.d/0020-alpha:second"
)

// TestScripts: what was done to a script in /etc/migration.d. The image's own
// is run, from its copy under /usr.
func TestScripts(t *testing.T) {
	replaced := func(why string) []string {
		return []string{`warning: ` + firstFile + ` was replaced \(` + why + `\); the image's copy is used, and the file in the way can be deleted`}
	}
	noted := []string{`release 1.0: complete`, `note: ` + firstFile + ` was replaced`}
	const (
		owner = "it, or a directory above it, is not owned by root"
		mode  = "it, or a directory above it, can be written by others than root"
		link  = "it, or a directory above it, is a symbolic link"
	)
	testAll(t, []attack{
		{
			name: "added", breaks: "added", ran: all,
			do:     evil + " > /etc/migration.d/0005-evil:added; chmod 755 /etc/migration.d/0005-evil:added",
			says:   []string{`warning: /etc/migration.d/0005-evil:added is not part of the image, is never run, and can be deleted`},
			status: []string{`release 1.0: complete`, `note: /etc/migration.d/0005-evil:added is not part of the image, is never run, and can be deleted`},
		},
		{
			name: "replaced by copy-up", breaks: "digest", ran: all, do: evil + " > " + firstFile,
			says: replaced("another content"), status: noted,
		},
		{
			name: "one line appended", breaks: "digest", ran: all, do: "echo 'echo evil >> /data/log' >> " + firstFile,
			says: replaced("another content"), status: noted,
		},
		{
			name: "open to others by chmod", breaks: "mode", ran: all, do: "chmod 0777 " + firstFile,
			says: replaced(mode), status: noted,
		},
		{
			name: "open to a group by chmod", breaks: "mode", ran: all, do: "chmod 0775 " + firstFile,
			says: replaced(mode), status: noted,
		},
		{
			// Its bytes are the image's; the next image's will not be.
			name: "closed by chmod", ran: all, do: "chmod 0400 " + firstFile, status: []string{`release 1.0: complete`},
		},
		{
			name: "given to a user", breaks: "owner", ran: all, do: "chown 1000:1000 " + firstFile,
			says: replaced(owner), status: noted,
		},
		{
			name: "hidden by a whiteout", breaks: "copy", ran: all, do: "rm " + firstFile,
			says:   []string{`warning: ` + firstFile + ` is hidden, by an overlay or another mount over /etc, or was deleted; the image's copy is used`},
			status: []string{`release 1.0: complete`, `note: ` + firstFile + ` is hidden`},
		},
		{
			name: "hidden without a word", breaks: "report", ran: all, do: "rm " + firstFile,
			says: []string{firstFile + ` is hidden`}, status: []string{firstFile + ` is hidden`},
		},
		{
			// The content is right, and yet whoever owns the target can change it.
			name: "symbolic link to the right content", breaks: "links", ran: all,
			do:   "cp " + firstFile + " /data/home/x; chown 1000 /data/home; rm " + firstFile + "; ln -s /data/home/x " + firstFile,
			says: replaced(link), status: noted,
		},
		{
			name: "symbolic link to evil", breaks: "report", ran: all,
			do:   evil + " > /data/home/x; rm " + firstFile + "; ln -s /data/home/x " + firstFile,
			says: replaced(link), status: noted,
		},
		{
			name: "hard link to a user's file", breaks: "owner", ran: all,
			do: "mv " + firstFile + " /etc/migration.d/x; mv /etc/migration.d/x " + firstFile,
			host: func(d *device) {
				upper := d.path("etc/upper/migration.d/0010-zulu:first")
				content, err := os.ReadFile(upper)
				must(d.t, err)
				must(d.t, os.WriteFile(d.path("home/mine"), content, 0o755))
				must(d.t, os.Chown(d.path("home/mine"), 1000, 1000))
				must(d.t, os.Remove(upper))
				must(d.t, os.Link(d.path("home/mine"), upper))
			},
			says: replaced(owner), status: noted,
		},
		{
			name: "fifo", breaks: "regular", ran: all, do: "rm " + firstFile + "; mkfifo " + firstFile,
			says: replaced("it is no regular file"), status: noted,
		},
		{
			name: "device", breaks: "regular", ran: all, do: "rm " + firstFile + "; mknod " + firstFile + " c 1 5",
			says: replaced("it is no regular file"), status: noted,
		},
		{
			name: "directory", breaks: "regular", ran: all, do: "rm " + firstFile + "; mkdir " + firstFile,
			says: replaced("it is no regular file"), status: noted,
		},
		{
			name: "names with a newline, escapes and ..", breaks: "printable", ran: all,
			do: `n=$(printf '0005-a\nmigrate-runner: complete'); e=$(printf '0006-\033[2J\033]0;x\007')
				for f in "$n" "$e" '0007-..' '..0008-zulu:first' "0009-\$(echo evil)"; do ` + evil + ` > "/etc/migration.d/$f"; done`,
			says: []string{
				`(?m)^migrate-runner: warning: /etc/migration.d/0005-a\?migrate-runner: complete is not part of the image`,
				`0006-\?\[2J\?\]0;x\? is not part`, `0007-\.\. is not part`, `\.\.0008-zulu:first is not part`,
			},
			status: []string{`0006-\?\[2J`},
		},
	})
}

// TestDirectory: what was done to all of /etc/migration.d.
func TestDirectory(t *testing.T) {
	hidden := []string{`warning: 4 files of /etc/migration.d are hidden, by an overlay or another mount over /etc, or were deleted \(manifest, …\); the image's copies are used`}
	noted := []string{`release 1.0: complete`, `note: 4 files of /etc/migration.d are hidden`}
	owned := []string{`was replaced \(it, or a directory above it, is not owned by root\); the image's copy is used`}
	testAll(t, []attack{
		{name: "opaque", breaks: "copy", ran: all, do: "rm -r /etc/migration.d; mkdir /etc/migration.d", says: hidden, status: noted},
		{name: "gone", breaks: "copy", ran: all, do: "rm -r /etc/migration.d", says: hidden, status: noted},
		{
			name: "opaque with evil", breaks: "added", ran: all,
			do:   "rm -r /etc/migration.d; mkdir /etc/migration.d; " + evil + " > /etc/migration.d/0015-evil:x",
			says: append([]string{`0015-evil:x is not part of the image, is never run`}, hidden...), status: noted,
		},
		{
			name: "another file system over it", breaks: "copy", ran: all,
			on:   stage{Mounts: []mountSpec{{"tmpfs", "/etc/migration.d", "tmpfs", 0, "mode=755"}}},
			says: hidden, status: noted,
		},
		{
			name: "a user's directory over it", breaks: "added", ran: all,
			host: func(d *device) {
				must(d.t, os.WriteFile(d.path("home/0010-zulu:first"), []byte("#!/bin/sh\necho evil >> /data/log\n"), 0o755))
				must(d.t, os.WriteFile(d.path("home/0011-evil:x"), []byte("#!/bin/sh\necho evil >> /data/log\n"), 0o755))
			},
			on:   stage{Mounts: []mountSpec{{"@/home", "/etc/migration.d", "", 4096, ""}}}, // MS_BIND
			says: append([]string{`0011-evil:x is not part of the image`}, owned...), status: []string{`release 1.0: complete`},
		},
		{name: "symbolic link", breaks: "links", ran: all, do: "cp -r /etc/migration.d /data/home/d; rm -r /etc/migration.d; ln -s /data/home/d /etc/migration.d",
			says: []string{`was replaced \(it, or a directory above it, is a symbolic link\)`}, status: []string{`release 1.0: complete`}},
		{name: "given to a user", breaks: "owner", ran: all, do: "chown 1000 /etc/migration.d", says: owned, status: []string{`release 1.0: complete`}},
		{name: "etc open to others", breaks: "mode", ran: all, do: "chmod 0777 /etc",
			says: []string{`was replaced \(it, or a directory above it, can be written by others than root\)`}},
	})
}
