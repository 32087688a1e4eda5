// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// staged is in the name of the directory that a tree is first written to:
// `.<name of the output>.mkmigrations-<random>`.
const staged = ".mkmigrations-"

// writeTree makes dir hold exactly the tree, with all times set to at. The
// old content of dir is replaced as a whole, when everything is written and
// synced; after an error or an interrupt dir is as it was and nothing is left
// beside it. A dir that holds anything but a bundle is refused. Warnings are of
// what went wrong when the new tree was in place.
func writeTree(ctx context.Context, dir string, tree []file, at time.Time) (warnings Faults, err error) {
	dir = filepath.Clean(dir)
	if err := checkTarget(dir); err != nil {
		return nil, err
	}
	stage, err := newStage(dir)
	if err != nil {
		return nil, fmt.Errorf("writing %q: %w", dir, err)
	}
	if err := stage.publish(ctx, dir, tree, at); err != nil {
		return nil, errors.Join(err, stage.remove())
	}
	r := &report{}
	if err := syncPath(filepath.Dir(dir)); err != nil {
		r.warnf("", "", "the new %q is in place; syncing %q: %v", dir, filepath.Dir(dir), bare(err))
	}
	if err := stage.remove(); err != nil {
		r.warnf("", "remove that by hand", "the new %q is in place; %v", dir, err)
	}
	return r.warnings, nil
}

// publish writes the tree and puts it in the place of dir, whose content is in
// the stage then.
func (s *stage) publish(ctx context.Context, dir string, tree []file, at time.Time) error {
	if err := s.fill(ctx, tree, at); err != nil {
		return fmt.Errorf("writing %q: %w", dir, err)
	}
	// The last moment: behind it the new bundle stays.
	if err := ctx.Err(); err != nil {
		return err
	}
	err := swap(s.path, dir)
	if errors.Is(err, syscall.EBUSY) {
		return &Fault{Rule: fmt.Sprintf("replacing %q: %v", dir, err), Cure: "give a directory below it: a mount point cannot be replaced"}
	}
	if err != nil {
		return fmt.Errorf("replacing %q: %w", dir, err)
	}
	return nil
}

// checkTarget refuses to replace what is no bundle: a typing error must not
// delete a home directory.
func checkTarget(dir string) error {
	if name := filepath.Base(dir); name == "." || name == ".." {
		return &Fault{Rule: fmt.Sprintf("output %q has no name, and is replaced as a whole", dir), Cure: "give the directory by its name"}
	}
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking at %q: %w", dir, bare(err))
	case info.Mode()&fs.ModeSymlink != 0:
		return &Fault{Rule: fmt.Sprintf("output %q is a symbolic link", dir), Cure: "give the directory itself"}
	case !info.IsDir():
		return &Fault{Rule: fmt.Sprintf("output %q is not a directory", dir), Cure: "give a directory of its own"}
	}
	return checkContent(dir, func(path string) error {
		return &Fault{Rule: fmt.Sprintf("output %q holds what is no part of a bundle: %q", dir, path),
			Cure: "give a directory of its own, which a build replaces as a whole"}
	})
}

// checkContent calls foreign for the first entry below dir that no bundle
// has, links and other special files included.
func checkContent(dir string, foreign func(path string) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("looking at %q: %w", path, bare(err))
		}
		if path == dir {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if !d.IsDir() && !d.Type().IsRegular() || !belongs(filepath.ToSlash(name), d.IsDir()) {
			return foreign(name)
		}
		return nil
	})
}

// A stage is the directory beside the output that a tree is written to. It is
// locked as long as its process lives, so that one left over by a killed
// process can be told from one in use.
type stage struct {
	path string
	lock *os.File
}

func newStage(dir string) (*stage, error) {
	parent := filepath.Dir(dir)
	above, err := lockDir(parent, true)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", parent, bare(err))
	}
	// Held only until the stage has its own lock: between the two another
	// process would take it for a left-over.
	defer above.Close()
	prefix := "." + filepath.Base(dir) + staged
	removeStale(parent, prefix)
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, bare(err)
	}
	// The umask may have taken even the owner's rights.
	err = os.Chmod(path, 0o700)
	var lock *os.File
	if err == nil {
		lock, err = lockDir(path, false)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return &stage{path, lock}, nil
}

// lockDir opens a directory and locks it exclusively. File systems without
// locks are taken as they are.
func lockDir(dir string, wait bool) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	if err := syscall.Flock(int(f.Fd()), how); errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, err
	}
	return f, nil
}

// removeStale removes stages that no process holds any more and that hold
// nothing but parts of a bundle. What cannot be removed stays: it does no
// harm but to take space.
func removeStale(parent, prefix string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		if checkContent(path, func(string) error { return fs.ErrExist }) != nil {
			continue
		}
		if f, err := lockDir(path, false); err == nil {
			os.RemoveAll(path)
			f.Close()
		}
	}
}

func (s *stage) remove() error {
	defer s.lock.Close()
	if err := os.RemoveAll(s.path); err != nil {
		return fmt.Errorf("removing %q: %w", s.path, bare(err))
	}
	return nil
}

// fill writes the tree, durable. All is written before anything is synced:
// then the first sync does most of the work for all of them.
func (s *stage) fill(ctx context.Context, tree []file, at time.Time) error {
	dirs := dirsOf(tree)
	for _, dir := range dirs {
		if err := s.each(ctx, dir, makeDir); err != nil {
			return err
		}
	}
	err := sideBySide(len(tree), func(i int) error {
		return s.each(ctx, tree[i].path, func(path string) error { return writeFile(path, tree[i], at) })
	})
	if err != nil {
		return err
	}
	// The innermost first, the stage itself last: writing into one sets its time.
	settled := append([]string{""}, dirs...)
	for i := len(settled) - 1; i >= 0; i-- {
		if err := s.each(ctx, settled[i], func(path string) error { return settleDir(path, at) }); err != nil {
			return err
		}
	}
	return s.sync(ctx, tree, settled)
}

// each calls do with the full path of name, unless ctx has ended. The error
// names name, not the stage, whose own name means nothing to anybody.
func (s *stage) each(ctx context.Context, name string, do func(path string) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := do(filepath.Join(s.path, name)); err != nil {
		return fmt.Errorf("%q: %w", name, bare(err))
	}
	return nil
}

// makeDir makes a directory that can be written to, whatever the umask.
func makeDir(path string) error {
	if err := os.Mkdir(path, modeDir); err != nil {
		return err
	}
	return os.Chmod(path, modeDir)
}

func writeFile(path string, f file, at time.Time) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	if err != nil {
		return err
	}
	_, err = out.Write(f.data)
	if err == nil {
		// The umask took its part of the mode.
		err = out.Chmod(f.mode)
	}
	// File systems may report a full disk only here.
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chtimes(path, at, at)
	}
	return err
}

func settleDir(dir string, at time.Time) error {
	if err := os.Chmod(dir, modeDir); err != nil {
		return err
	}
	return os.Chtimes(dir, at, at)
}
