// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package trust

import (
	"strconv"
	"strings"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
)

// A Kind of difference between /etc/migration.d and what the image shipped.
type Kind string

// The kinds of difference. None of them changes what is run.
const (
	Hidden   Kind = "hidden"   // it is not there: a whiteout, an opaque directory, another mount
	Replaced Kind = "replaced" // it is there with another content, owner or mode
	Added    Kind = "added"    // the image did not ship it
)

// A Difference is one file of /etc/migration.d that is not as shipped.
type Difference struct {
	Name string
	Kind Kind
	Why  string
}

// String says what the difference means and what was done.
func (d Difference) String() string {
	path := bundle.Dir + "/" + d.Name
	switch d.Kind {
	case Hidden:
		return path + " is hidden, by an overlay or another mount over /etc, or was deleted; the image's copy is used"
	case Added:
		return path + " is not part of the image, is never run, and can be deleted"
	}
	return path + " was replaced (" + d.Why + "); the image's copy is used, and the file in the way can be deleted"
}

// Summary says each difference in one line, but all that is hidden in one
// when there are several: one mount or one whiteout hides them together.
func Summary(differences []Difference) []string {
	var lines, hidden []string
	for _, d := range differences {
		if d.Kind == Hidden {
			hidden = append(hidden, d.Name)
		}
	}
	if len(hidden) > 1 {
		lines = append(lines, strconv.Itoa(len(hidden))+" files of "+bundle.Dir+" are hidden, by an overlay or another mount over /etc, or were deleted ("+
			hidden[0]+", …); the image's copies are used")
	}
	for _, d := range differences {
		if d.Kind != Hidden || len(hidden) == 1 {
			lines = append(lines, d.String())
		}
	}
	return lines
}

// Overlaid says what follows where the anchor is on a writable overlay, as it
// is where that covers all of the root; "" where it is not.
func (b *Bundle) Overlaid() string {
	dir := bundle.AnchorPath[:strings.LastIndexByte(bundle.AnchorPath, '/')]
	fd, err := sys.OpenIn(b.root, dir, sys.O_PATH|syscall.O_DIRECTORY)
	if err != nil {
		return ""
	}
	defer syscall.Close(fd)
	st, err := sys.Fstatfs(fd)
	if err != nil || uint32(st.Type) != sys.TypeOverlay || uint32(st.Flags)&sys.ReadOnly != 0 {
		return ""
	}
	return dir + " is on a writable overlay: what is written there replaces the anchor and what is run; the bundle is only as good as who can write to /usr"
}

func difference(name string, err error) Difference {
	if err == syscall.ENOENT || err == syscall.ENOTDIR {
		return Difference{name, Hidden, ""}
	}
	return Difference{name, Replaced, wrong(err)}
}

// findAdded looks for names in /etc/migration.d that the manifest has not
// got. A directory that cannot be read has none: that its files are hidden
// was seen before.
func (b *Bundle) findAdded() {
	fd, err := sys.OpenIn(b.root, bundle.Dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	names, err := sys.ReadDirNames(fd)
	if err != nil {
		return
	}
	shipped := map[string]bool{bundle.ManifestName: true}
	for i := range b.Manifest.Migrations {
		shipped[b.Manifest.Migrations[i].File] = true
	}
	for _, name := range names {
		if !shipped[name] {
			b.Differences = append(b.Differences, Difference{printable(name), Added, ""})
		}
	}
}

// printable keeps escape codes in a file's name off the console.
func printable(name string) string {
	clean := []byte(name)
	for i, c := range clean {
		if c < ' ' || c >= 0x7f {
			clean[i] = '?'
		}
	}
	return string(clean)
}
