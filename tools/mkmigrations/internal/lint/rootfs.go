// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"meta-migration/internal/bundle"
)

// A Rootfs is the root file system of an image, as a directory. What was found
// in it is remembered: it may not change while it is used, and no two
// goroutines may use it at a time.
type Rootfs struct {
	dir   string
	verbs map[string]bool
	known map[wanted]string
}

// wanted is a command, or a file to source, that is looked for in ScriptPath.
type wanted struct {
	name       string
	executable bool
}

// OpenRootfs checks that dir is a directory. library is the text of the shell
// library: its functions are not looked for in the image.
func OpenRootfs(dir string, library []byte) (*Rootfs, error) {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("not a directory")
	}
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("opening root file system %q: %w", dir, err)
	}
	return &Rootfs{dir, verbsOf(library), map[wanted]string{}}, nil
}

// maxLinks is how many links the kernel follows in one path.
const maxLinks = 40

// maxPath is the kernel's PATH_MAX, with the zero at the end.
const maxPath = 4096

var errLinks = errors.New("more links than the kernel follows")

// A place is where a path of the image leads.
type place struct {
	path string      // without links, within the image; as far as it exists
	info fs.FileInfo // nil where it does not exist
	link string      // the last link that was followed, "" for none
	to   string      // what that link says
	err  error       // why it does not exist
}

// find follows a path in the image. Every link is followed within the image:
// an absolute one begins at its root, and ".." at the root stays there.
func (r *Rootfs) find(path string) place {
	p := place{path: "/"}
	if len(path) >= maxPath {
		p.err = syscall.ENAMETOOLONG
		return p
	}
	todo := strings.Split(path, "/")
	// behind is how much is left to do once the last link's target is done.
	for links, behind := 0, -1; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		if len(todo) < behind {
			p.link = ""
		}
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			p.path = filepath.Dir(p.path)
			continue
		}
		next := filepath.Join(p.path, part)
		info, err := os.Lstat(r.dir + next)
		if err != nil {
			return p.missing(next, todo, err)
		}
		p.info = info
		if info.Mode()&fs.ModeSymlink == 0 {
			p.path = next
			continue
		}
		if links++; links > maxLinks {
			return p.missing(next, todo, errLinks)
		}
		if p.to, err = os.Readlink(r.dir + next); err != nil {
			return p.missing(next, todo, err)
		}
		p.link, behind = next, len(todo)
		if strings.HasPrefix(p.to, "/") {
			p.path = "/"
		}
		todo = append(strings.Split(p.to, "/"), todo...)
	}
	if p.info == nil || p.info.Mode()&fs.ModeSymlink != 0 {
		// Ended at a directory by "..", or at the root.
		p.info, p.err = os.Lstat(r.dir + p.path)
	}
	return p
}

// missing ends a search. The path goes on as if the rest had no links, so that
// what is to be made there can still be compared.
func (p place) missing(next string, rest []string, err error) place {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	p.path, p.info, p.err = filepath.Join(append([]string{next}, rest...)...), nil, err
	return p
}

// why says why a place is no file that can be run, "" if it is one.
func (p place) why(asked string, executable bool) string {
	switch {
	case errors.Is(p.err, errLinks):
		return asked + ": " + p.err.Error()
	case p.info == nil && p.link != "":
		return p.link + " is a link to " + p.to + ", which is not there"
	case p.info == nil && !errors.Is(p.err, fs.ErrNotExist) && !strings.Contains(p.err.Error(), "not a directory"):
		return asked + ": " + p.err.Error()
	case p.info == nil:
		return "there is no " + asked
	case !p.info.Mode().IsRegular():
		return asked + " is no file"
	case executable && p.info.Mode()&0o111 == 0:
		return asked + " is not executable"
	}
	return ""
}

// lookup searches directories for a file as a shell does. It returns where it
// is, or why it is nowhere.
func (r *Rootfs) lookup(name string, dirs []string, executable bool) (found place, why string) {
	if strings.HasPrefix(name, "/") {
		p := r.find(name)
		return p, p.why(name, executable)
	}
	for _, dir := range dirs {
		path := dir + "/" + name
		p := r.find(path)
		reason := p.why(path, executable)
		if reason == "" {
			return p, ""
		}
		// A file that is there and cannot be run tells more than none.
		if why == "" && (p.info != nil && !p.info.IsDir() || r.there(path)) {
			why = reason
		}
	}
	if why == "" {
		why = "it is not in " + strings.Join(dirs, ", ")
	}
	return place{}, why
}

// there says whether path itself stands in the image, be it a dangling link.
func (r *Rootfs) there(path string) bool {
	dir := r.find(filepath.Dir(path))
	if dir.info == nil {
		return false
	}
	info, err := os.Lstat(r.dir + filepath.Join(dir.path, filepath.Base(path)))
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// shell tells which shell /bin/sh of the image is.
func (r *Rootfs) shell(i bundle.Interpreter, guess shell) shell {
	if guess != anyShell {
		return guess
	}
	name := i.Path
	if base(name) == "env" {
		name = envProgram(i)
	}
	p, why := r.lookup(name, scriptPath(), true)
	if why != "" {
		return guess
	}
	// update-alternatives adds the provider: busybox.nosuid, bash.bash.
	program, _, _ := strings.Cut(base(p.path), ".")
	switch program {
	case "busybox":
		return ash
	case "dash", "bash", "mksh":
		return shells[program]
	}
	return guess
}

// scriptPath is where the runner lets a migration find its commands.
func scriptPath() []string { return strings.Split(bundle.ScriptPath, ":") }
