// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strings"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// maxLinks bounds the links that one path may lead through, as the kernel does.
const maxLinks = 40

// target is a path with the links of its parents resolved.
type target struct {
	parents []string // existing directories, from the root
	rest    []string // the last component; before it what does not exist
}

func (t *target) names() []string {
	return append(t.parents[:len(t.parents):len(t.parents)], t.rest...)
}

func (t *target) path() string { return "/" + strings.Join(t.names(), "/") }

// name returns the last component.
func (t *target) name() string { return t.rest[len(t.rest)-1] }

// resolver walks a path inside root as a process chrooted there would, except
// that the last component is not followed.
type resolver struct {
	root  int
	dir   int      // the directory parents leads to
	todo  []string // components still to walk
	links int
	target
}

// resolve finds what path names inside the directory root. Parents that do not
// exist, or are no directories, are no error: they are left in rest.
func resolve(root int, path string) (target, error) {
	r := resolver{root: root, dir: root, todo: split(path)}
	defer r.release()
	if len(path) == 0 || path[0] != '/' || strings.IndexByte(path, 0) >= 0 {
		return target{}, text("the path must be absolute")
	}
	for _, name := range r.todo {
		if name == ".." {
			return target{}, text(`the path must not hold ".."`)
		}
	}
	if len(r.todo) == 0 {
		return target{}, text("the root directory cannot be saved as a whole")
	}
	for len(r.todo) > 1 {
		if err := r.step(); err != nil {
			return target{}, err
		}
	}
	r.rest = append(r.rest, r.todo...)
	if len(r.rest) == 0 || r.rest[len(r.rest)-1] == ".." {
		return target{}, text("a link leads it to the root directory")
	}
	return r.target, nil
}

func split(path string) []string {
	var names []string
	for _, name := range strings.Split(path, "/") {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}

// step walks one component that is not the last one.
func (r *resolver) step() error {
	name := r.todo[0]
	r.todo = r.todo[1:]
	switch {
	case name == "..":
		return r.up()
	case len(r.rest) > 0:
		r.rest = append(r.rest, name)
		return nil
	}
	st, err := sys.Statat(r.dir, name, sys.AT_SYMLINK_NOFOLLOW)
	switch {
	case err == syscall.ENOENT:
		r.rest = append(r.rest, name)
		return nil
	case err != nil:
		return err
	case st.Type() == syscall.S_IFLNK:
		return r.follow(name)
	case st.Type() == syscall.S_IFDIR:
		return r.enter(append(r.parents, name))
	}
	// A file is in the way, so nothing below it exists.
	r.rest = append(r.rest, name)
	return nil
}

// up handles ".." out of a link's target; at the root it stays there.
func (r *resolver) up() error {
	if n := len(r.rest); n > 0 {
		r.rest = r.rest[:n-1]
		return nil
	}
	if n := len(r.parents); n > 0 {
		return r.enter(r.parents[:n-1])
	}
	return nil
}

func (r *resolver) follow(name string) error {
	if r.links++; r.links > maxLinks {
		return syscall.ELOOP
	}
	link, err := sys.Readlinkat(r.dir, name)
	if err != nil {
		return err
	}
	r.todo = append(split(link), r.todo...)
	if strings.HasPrefix(link, "/") {
		return r.enter(nil)
	}
	return nil
}

// enter makes the directory named by parents the present one.
func (r *resolver) enter(parents []string) error {
	fd, err := openDir(r.root, parents)
	if err != nil {
		return err
	}
	r.release()
	r.dir, r.parents = fd, parents[:len(parents):len(parents)]
	return nil
}

func (r *resolver) release() {
	if r.dir != r.root {
		syscall.Close(r.dir)
	}
	r.dir = r.root
}

// plan resolves paths, sorts them, and leaves out what another one covers: a
// path below a named directory, unless a mount lies between them, whose
// content the directory's save does not hold.
func plan(root int, paths []string) ([]target, error) {
	var all []target
	for _, p := range paths {
		t, err := resolve(root, p)
		if err != nil {
			return nil, during("saving", p, err)
		}
		all = append(all, t)
	}
	// An insertion sort: Paths are few, and one by reflection is 3 KB.
	for i := range all {
		for j := i; j > 0 && lessNames(all[j].names(), all[j-1].names()); j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	var kept []target
	for _, t := range all {
		covered, err := isCovered(root, kept, &t)
		if err != nil {
			return nil, during("saving", t.path(), err)
		}
		if !covered {
			kept = append(kept, t)
		}
	}
	return kept, nil
}

// lessNames orders component by component, so that a directory stands right
// before what is below it.
func lessNames(a, b []string) bool {
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return i < len(b) && a[i] < b[i]
		}
	}
	return len(a) < len(b)
}

func isCovered(root int, kept []target, t *target) (bool, error) {
	names := t.names()
	for i := range kept {
		above := kept[i].names()
		if len(above) > len(names) || strings.Join(names[:len(above)], "/") != strings.Join(above, "/") {
			continue
		}
		mounted, err := mountBetween(root, names, len(above))
		if err != nil || !mounted {
			return err == nil, err
		}
	}
	return false, nil
}

// mountBetween reports whether one of the components of names after the first
// n is the root of a mount.
func mountBetween(root int, names []string, n int) (bool, error) {
	for ; n < len(names); n++ {
		dir, err := openDir(root, names[:n])
		if err == syscall.ENOENT || err == syscall.ENOTDIR || err == syscall.ELOOP {
			return false, nil // nothing is there to be mounted on
		}
		if err != nil {
			return false, err
		}
		state, err := mountAt(dir, names[n])
		syscall.Close(dir)
		if err == syscall.ENOENT {
			return false, nil
		}
		if err != nil || state == mountYes {
			return err == nil, err
		}
	}
	return false, nil
}

func mountAt(dir int, name string) (uint8, error) {
	above, err := sys.Fstat(dir)
	if err != nil {
		return 0, err
	}
	st, err := sys.Statat(dir, name, sys.AT_SYMLINK_NOFOLLOW)
	return mountOf(&above, &st), err
}

// mountOf tells whether st, in the directory above, is the root of a mount.
// Kernels before 5.8 do not say so. There another device number decides for
// directories; a file on an overlay has one too without being a mount.
func mountOf(above, st *sys.Stat) uint8 {
	switch {
	case st.MountKnown && st.MountRoot:
		return mountYes
	case st.MountKnown:
		return mountNo
	case st.Type() == syscall.S_IFDIR && above.Dev != st.Dev:
		return mountYes
	}
	return mountUnknown
}

// openDir opens a directory inside root by its names, none of which may be a
// link. The kernel takes no path longer than PATH_MAX, so a long one is walked
// in pieces.
func openDir(root int, names []string) (int, error) {
	dir := root
	for {
		n, size := 0, 0
		for ; n < len(names) && size+len(names[n]) < 3000; n++ {
			size += len(names[n]) + 1
		}
		fd, err := sys.OpenIn(dir, strings.Join(names[:n], "/"), sys.O_PATH|syscall.O_DIRECTORY)
		if dir != root {
			syscall.Close(dir)
		}
		if err != nil || n == len(names) {
			return fd, err
		}
		dir, names = fd, names[n:]
	}
}

// Exists says whether path, with the links of its parents followed inside
// root, names anything.
func Exists(root int, path string) (bool, error) {
	t, err := resolve(root, path)
	if err != nil || len(t.rest) > 1 {
		return false, err
	}
	dir, err := openDir(root, t.parents)
	if err != nil {
		return false, err
	}
	defer closeUnless(root, dir)
	_, err = sys.Statat(dir, t.name(), sys.AT_SYMLINK_NOFOLLOW)
	if err == syscall.ENOENT {
		return false, nil
	}
	return err == nil, err
}
