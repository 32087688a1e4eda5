// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/library"
	"meta-migration/tools/mkmigrations/internal/lint"
	"meta-migration/tools/mkmigrations/internal/pkgfile"
)

// An input is all that was read from disk.
type input struct {
	packages   []*pkgfile.Package
	candidates []*Candidate // by ID, then by File
	loose      []*Candidate // single scripts, which have no ID
	installed  *installed   // nil: everything is installed
	previous   []*previous
	library    []byte
	// incomplete says that a package, a directory or a script could not be
	// read: what is missing may be there.
	incomplete bool
	// deaf says that a list of what is installed or a manifest could not be
	// read, so nothing can be said about the whole.
	deaf bool
}

// collect reads all inputs. What is wrong with one of them goes into r; the
// error is that of ctx only.
func collect(ctx context.Context, o *Options, r *report) (*input, error) {
	in := &input{library: library.Text()}
	// Looking for the packages leaves all processors but one to others.
	go lint.Prepare(in.library)
	files, err := pkgfile.Find(o.Packages)
	in.failed(r, "", err)
	for _, file := range o.Files {
		if isPackage(file) {
			files = append(files, file)
		} else {
			in.addFile(r, file)
		}
	}
	results, err := pkgfile.Scan(ctx, files, o.Thorough, 0)
	if err != nil {
		return nil, err
	}
	for _, result := range results {
		in.addPackage(r, result)
	}
	for _, dir := range o.Snippets {
		in.addSnippets(ctx, r, dir)
	}
	sortCandidates(in.candidates)
	in.readLists(o, r)
	return in, ctx.Err()
}

func isPackage(file string) bool {
	switch filepath.Ext(file) {
	case ".ipk", ".deb", ".rpm":
		return true
	}
	return false
}

// failed notes that file could not be read.
func (in *input) failed(r *report, file string, err error) {
	if err != nil {
		in.incomplete = true
		r.addOf(file, err)
	}
}

func (in *input) addPackage(r *report, result pkgfile.Result) {
	if result.Err != nil {
		in.failed(r, result.File, result.Err)
		return
	}
	in.packages = append(in.packages, result.Package)
	switch {
	case result.Empty():
		r.warnf(result.File, "", "announces %s and holds none", pkgfile.Announcement)
	case result.Unannounced():
		r.warnf(result.File, "add "+pkgfile.Announcement+" to RPROVIDES of the package, or always build with --thorough",
			"holds migrations and does not announce them: only --thorough finds them")
	}
	headers := 0
	for _, s := range result.Snippets {
		headers += headerSize(s.Data)
	}
	if headers > maxPackageHeaders {
		in.failed(r, "", &Fault{File: result.File, Rule: "its migrations have headers of more than 1 MiB", Cure: "leave it out; a header is some hundred bytes"})
		return
	}
	for _, s := range result.Snippets {
		label := result.File + ": usr/share/migration/" + s.Recipe + "/" + s.Name
		in.addSnippet(r, s.Recipe, s.Name, label, result.Package, s.Data)
	}
}

func (in *input) addSnippet(r *report, recipe, name, file string, pkg *pkgfile.Package, data []byte) {
	c, err := newCandidate(recipe, name, file, pkg, data)
	if err != nil {
		in.failed(r, file, err)
		return
	}
	in.incomplete = in.incomplete || c.Err != nil
	in.candidates = append(in.candidates, c)
}

// addSnippets reads the <recipe>/<name> files of dir.
func (in *input) addSnippets(ctx context.Context, r *report, dir string) {
	recipes, err := os.ReadDir(dir)
	if err != nil {
		in.failed(r, dir, fmt.Errorf("reading snippets of %q: %w", dir, bare(err)))
		return
	}
	for _, recipe := range recipes {
		sub := filepath.Join(dir, recipe.Name())
		names, err := os.ReadDir(sub)
		if err != nil {
			in.failed(r, "", &Fault{File: sub, Rule: "reading snippets: " + bare(err).Error(),
				Cure: "--snippets DIR holds <recipe>/<name> files and nothing else"})
			continue
		}
		for _, name := range names {
			if ctx.Err() != nil {
				return
			}
			path := filepath.Join(sub, name.Name())
			data, err := readSmall(path, bundle.MaxScript)
			if err != nil {
				in.failed(r, path, err)
				continue
			}
			in.addSnippet(r, recipe.Name(), name.Name(), path, nil, data)
		}
	}
}

// addFile reads a single script. It has no ID, so only what stands in the
// script itself can be looked at.
func (in *input) addFile(r *report, file string) {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		in.failed(r, "", &Fault{File: file, Rule: "is a directory",
			Cure: "give one of packages as --packages, one of <recipe>/<name> files as --snippets, each with its own flag"})
		return
	}
	data, err := readSmall(file, bundle.MaxScript)
	if err != nil {
		in.failed(r, file, err)
		return
	}
	c := &Candidate{File: file, Data: data}
	c.Script, c.Err = parseScript(file, data)
	in.loose = append(in.loose, c)
}

// readSmall reads a regular file of at most limit bytes. Other kinds of files
// are refused before they are opened, since that may block for ever.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, bare(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, bare(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %q: not a regular file", path)
	}
	// Room for all of it at once: growing would hold several copies.
	var data bytes.Buffer
	data.Grow(int(min(info.Size(), limit)) + bytes.MinRead)
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, bare(err))
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("reading %q: larger than %d bytes", path, limit)
	}
	return data.Bytes(), nil
}

// bare takes the path and the system call off an error that names the path
// itself.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// lines splits text at its newlines; a newline at the end makes no line.
func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func quoted(s string) string { return strconv.Quote(s) }
