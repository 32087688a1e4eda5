// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package trust reads an image's bundle so that only what the image's maker
// shipped is used: the anchor gives the manifest's digest, the manifest the
// digests of the scripts and of functions.sh. A file is taken from
// /etc/migration.d if its digest fits, else from its copy below /usr/lib;
// what an overlay or a person did to /etc/migration.d is reported and never
// used. Nothing is changed, ever.
package trust

import (
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
)

// maxManifest is the largest manifest that is read, in bytes.
const maxManifest = 64 << 20

// An Error says why a bundle cannot be trusted.
type Error struct{ reason string }

func (e *Error) Error() string { return e.reason }

// Hint says what to do about it.
func (e *Error) Hint() string {
	return "the bundle must be as the image build made it, owned by root; install the image again"
}

// A Bundle is one that passed all checks. Its files are still to be read
// with [Bundle.Script], which checks again what it returns.
type Bundle struct {
	Manifest    *bundle.Manifest
	Anchor      bundle.Digest
	Differences []Difference // of /etc/migration.d from what was shipped

	root int
}

// Read opens the bundle of the image whose root directory is open at root
// and checks all of it: every script and functions.sh have the digests that
// the manifest states, and owners and modes that let nobody but root change
// them. The error is an [*Error], or one of the system.
func Read(root int) (*Bundle, error) {
	b, err := ReadManifest(root)
	if err != nil {
		return nil, err
	}
	return b, b.checkFiles()
}

// ReadAnchor reads the anchor alone.
func ReadAnchor(root int) (bundle.Digest, error) {
	text, err := readFile(root, bundle.AnchorPath, 256)
	if err != nil {
		return "", &Error{"reading the anchor " + bundle.AnchorPath + ": " + err.Error()}
	}
	anchor, err := bundle.ParseAnchor(bundle.AnchorPath, text)
	if err != nil {
		return "", &Error{err.Error()}
	}
	return anchor, nil
}

// ReadManifest reads the anchor and the manifest as [Read] does, and leaves
// the scripts alone: for commands that run none.
func ReadManifest(root int) (*Bundle, error) {
	anchor, err := ReadAnchor(root)
	if err != nil {
		return nil, err
	}
	b := &Bundle{root: root, Anchor: anchor}
	manifest, err := b.take(bundle.ManifestName, b.Anchor, maxManifest, true)
	if err != nil {
		return nil, err
	}
	if b.Manifest, err = bundle.ParseManifest(bundle.Dir+"/"+bundle.ManifestName, manifest); err != nil {
		return nil, &Error{err.Error()}
	}
	return b, nil
}

func (b *Bundle) checkFiles() error {
	for i := range b.Manifest.Migrations {
		m := &b.Manifest.Migrations[i]
		if _, err := b.take(m.File, m.Digest, bundle.MaxScript, true); err != nil {
			return err
		}
	}
	library, err := readFile(b.root, bundle.LibraryPath, bundle.MaxScript)
	if err != nil {
		return &Error{"reading " + bundle.LibraryPath + ": " + err.Error()}
	}
	if bundle.Sum(library) != b.Manifest.Library {
		return &Error{bundle.LibraryPath + " is not the one that the manifest names"}
	}
	b.findAdded()
	return nil
}

// Script reads the script of the migration at position. What it returns was
// read once and has the manifest's digest.
func (b *Bundle) Script(position int) ([]byte, error) {
	m := &b.Manifest.Migrations[position]
	return b.take(m.File, m.Digest, bundle.MaxScript, false)
}

// take returns the file name of the bundle with the digest want: that of
// /etc/migration.d or its copy.
func (b *Bundle) take(name string, want bundle.Digest, limit int64, report bool) ([]byte, error) {
	data, err := readFile(b.root, bundle.Dir+"/"+name, limit)
	if err == nil && bundle.Sum(data) == want {
		return data, nil
	}
	if report {
		b.Differences = append(b.Differences, difference(name, err))
	}
	data, copyErr := readFile(b.root, bundle.CopyDir+"/"+name, limit)
	switch {
	case copyErr != nil:
		return nil, &Error{"neither " + bundle.Dir + "/" + name + " (" + wrong(err) + ") nor " + bundle.CopyDir + "/" + name +
			" (" + copyErr.Error() + ") is the file that the image shipped"}
	case bundle.Sum(data) != want:
		return nil, &Error{"neither " + bundle.Dir + "/" + name + " (" + wrong(err) + ") nor " + bundle.CopyDir + "/" + name +
			" (another content) is the file that the image shipped"}
	}
	return data, nil
}

func wrong(err error) string {
	if err == nil {
		return "another content"
	}
	return err.Error()
}

// errNotOurs and others are rules of [readFile].
type ruleError string

func (e ruleError) Error() string { return string(e) }

const (
	errNotFile  = ruleError("it is no regular file")
	errOwner    = ruleError("it, or a directory above it, is not owned by root")
	errWritable = ruleError("it, or a directory above it, can be written by others than root")
	errLink     = ruleError("it, or a directory above it, is a symbolic link")
)

// readFile reads path below root, not following any link, each directory and
// the file owned by root and not writable by group or others.
func readFile(root int, path string, limit int64) ([]byte, error) {
	fd, err := open(root, path)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	return sys.ReadAll(fd, limit)
}

// open checks each component by its own descriptor, so that what was checked
// is what is walked through.
func open(root int, path string) (int, error) {
	dir := root
	if err := checkOwner(dir); err != nil {
		return -1, err
	}
	for start := 1; ; {
		end := start
		for end < len(path) && path[end] != '/' {
			end++
		}
		flags := syscall.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC | syscall.O_NONBLOCK
		if end < len(path) {
			flags = sys.O_PATH | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
		}
		fd, err := sys.Openat(dir, path[start:end], flags, 0)
		if err != nil && isLink(dir, path[start:end]) {
			err = errLink
		}
		if dir != root {
			syscall.Close(dir)
		}
		if err == nil {
			err = checkOwner(fd)
		}
		if err == nil && end == len(path) {
			err = checkRegular(fd)
		}
		if err != nil {
			if fd >= 0 {
				syscall.Close(fd)
			}
			return -1, err
		}
		if end == len(path) {
			return fd, nil
		}
		dir, start = fd, end+1
	}
}

func isLink(dir int, name string) bool {
	st, err := sys.Statat(dir, name, sys.AT_SYMLINK_NOFOLLOW)
	return err == nil && st.Type() == syscall.S_IFLNK
}

func checkOwner(fd int) error {
	st, err := sys.Fstat(fd)
	switch {
	case err != nil:
		return err
	case st.UID != 0:
		return errOwner
	case st.Mode&0o022 != 0:
		return errWritable
	}
	return nil
}

func checkRegular(fd int) error {
	st, err := sys.Fstat(fd)
	if err == nil && st.Type() != syscall.S_IFREG {
		err = errNotFile
	}
	return err
}
