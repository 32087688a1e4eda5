// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"fmt"
	"io"
	"path"
	"sort"
	"strings"
)

// root is where migrations are in a package.
const root = "/usr/share/migration"

// fileKind is the type of a packed file, in the words of an error.
type fileKind string

const (
	regular     fileKind = "regular file"
	directory   fileKind = "directory"
	symlink     fileKind = "symbolic link"
	hardLink    fileKind = "hard link"
	device      fileKind = "device"
	fifo        fileKind = "fifo"
	unknownKind fileKind = "file of an unknown kind"
)

// place is where a packed path lies.
type place struct {
	path         string // absolute and clean
	above, below bool   // at or above root; below root
	recipe, name string // of a path two levels below root
}

// locate judges a path as an archive holds it. It must not hold "..". Below
// root it must be written plainly, so that no tool can take it for another
// file than we do: ./usr/… or usr/…, a directory with or without a last slash.
func locate(raw string) (place, error) {
	for rest, more := raw, true; more; {
		var part string
		part, rest, more = strings.Cut(rest, "/")
		if part == ".." {
			return place{}, fmt.Errorf("path %q leads upwards", raw)
		}
	}
	p := place{path: path.Clean("/" + raw)}
	p.above = p.path == "/usr" || p.path == "/usr/share" || p.path == root
	rel, ok := strings.CutPrefix(p.path, root+"/")
	if !ok {
		return p, nil
	}
	p.below = true
	if plain := strings.TrimSuffix(strings.TrimPrefix(raw, "."), "/"); plain != p.path && "/"+plain != p.path ||
		strings.HasPrefix(raw, "/") {
		return place{}, fmt.Errorf("path %q is not written as %q", raw, "."+p.path)
	}
	// Such names would break the lines that lists and logs consist of.
	for _, c := range []byte(rel) {
		if c <= ' ' || c >= 0x7f {
			return place{}, fmt.Errorf("path %q holds a space or a character that is not printable ASCII", raw)
		}
	}
	if recipe, name, two := strings.Cut(rel, "/"); two && !strings.Contains(name, "/") {
		p.recipe, p.name = recipe, name
	}
	return p, nil
}

// collector gathers one package's migrations and holds the rules for what may
// lie below root.
type collector struct {
	snippets []Snippet
	bytes    int64
	seen     map[string]fileKind
}

// admit judges an entry of any kind. It returns true where it is a migration,
// which take reads then.
func (c *collector) admit(p place, kind fileKind, size int64) (bool, error) {
	if p.above && kind != directory {
		return false, fmt.Errorf("%q is a %s, not a directory", p.path, kind)
	}
	if !p.below {
		return false, nil
	}
	if err := c.note(p.path, kind); err != nil || kind == directory {
		return false, err
	}
	switch {
	case kind != regular:
		return false, fmt.Errorf("%q is a %s: only regular files are migrations", p.path, kind)
	case p.name == "":
		return false, fmt.Errorf("%q is not at %s/<recipe>/<name>", p.path, root)
	case size < 0 || size > maxScript:
		return false, fmt.Errorf("%q has %d bytes, at most %s are read", p.path, size, sizeText(maxScript))
	case len(c.snippets) == maxSnippets:
		return false, fmt.Errorf("more than %d migrations", maxSnippets)
	case c.bytes+size > maxSnippetBytes:
		return false, fmt.Errorf("more than %s of migrations", sizeText(maxSnippetBytes))
	}
	return true, nil
}

// note remembers a path below root. Only a directory may be there twice.
func (c *collector) note(path string, kind fileKind) error {
	if c.seen == nil {
		c.seen = map[string]fileKind{}
	}
	if before, dup := c.seen[path]; dup && (kind != directory || before != directory) {
		return fmt.Errorf("%q is there twice", path)
	}
	// Twice what is ever sensible: each migration in a directory of its own.
	if len(c.seen) == 4*maxSnippets {
		return fmt.Errorf("more than %d entries below %s", 4*maxSnippets, root)
	}
	c.seen[path] = kind
	return nil
}

// take reads the content of an admitted migration.
func (c *collector) take(p place, mode uint32, size int64, r io.Reader) error {
	// The size was admitted, so it is at most maxScript.
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return fmt.Errorf("reading %q: %w", p.path, unexpected(err))
	}
	c.bytes += size
	c.snippets = append(c.snippets, Snippet{Recipe: p.recipe, Name: p.name, Mode: mode & 0o7777, Data: data})
	return nil
}

func (c *collector) sorted() []Snippet {
	sort.Slice(c.snippets, func(i, k int) bool {
		a, b := c.snippets[i], c.snippets[k]
		if a.Recipe != b.Recipe {
			return a.Recipe < b.Recipe
		}
		return a.Name < b.Name
	})
	return c.snippets
}
