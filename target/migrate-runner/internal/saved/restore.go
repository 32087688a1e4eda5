// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strconv"
	"strings"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// Report says what [Restore] did.
type Report struct {
	Restored int      // objects made anew or written
	Adjusted int      // objects of which only owner, mode, times or attributes were set
	Removed  int      // objects that the save does not hold
	Left     []string // mounts that were to be removed and were left alone
	Copied   []string // Paths on an overlay of which something was restored or adjusted: copies of its upper layer
}

// Restore puts back what the save number in dir holds, inside root. What it
// returns nil for is on the medium. It may be cut off at any point and run
// again; it never removes the save. A damaged save is a [DamageError], and then
// nothing was changed. Any other error leaves the Paths in between, and Restore
// is to be run again.
//
// The working directory of the process is root afterwards.
func Restore(root, dir int, number uint64) (Report, error) {
	defer leave(root)
	name := strconv.FormatUint(number, 10)
	save, err := sys.Openat(dir, name, openDirectory, 0)
	if err != nil {
		return Report{}, during("opening", "save "+name, err)
	}
	defer syscall.Close(save)
	rd, err := openIndex(save, number)
	if err != nil {
		return Report{}, during("reading", "save "+name, err)
	}
	defer rd.close()
	inside, err := verify(rd, save)
	if err != nil {
		return Report{}, during("reading", "save "+name, err)
	}
	r := &restorer{root: root, save: save, reader: rd, inside: inside, disks: map[sys.Device]int{}}
	defer r.release()
	return r.report, during("putting back", "save "+name, r.all())
}

// restorer goes through the index twice. First it removes what the save does
// not hold, everywhere, so that there is space; then it puts back the rest.
type restorer struct {
	*reader
	root   int
	save   int
	inside map[string]uint32
	report Report
	// disks holds a descriptor on each file system that the Paths are on, to
	// sync them at the end. All of them, changed or not: an attempt before
	// this one may have been killed before its sync.
	disks map[sys.Device]int
	last  sys.Device // of the path that was put back last
}

func (r *restorer) all() error {
	for _, pass := range [...]func(t *target, p, rec *record) error{r.prune, r.put} {
		if err := r.rewind(); err != nil {
			return err
		}
		for {
			p, err := r.next()
			if err != nil {
				return err
			}
			if p.kind == kindEnd {
				break
			}
			before := r.report.Restored + r.report.Adjusted
			if err := r.one(&p, pass); err != nil {
				return during("putting back", p.name, err)
			}
			if r.report.Restored+r.report.Adjusted > before && r.overlaid() {
				r.report.Copied = append(r.report.Copied, p.name)
			}
		}
	}
	for _, fd := range r.disks {
		if err := sys.Syncfs(fd); err != nil {
			return during("syncing", "the file systems of the Paths", err)
		}
	}
	return nil
}

// overlaid says whether the path that was put back last is on an overlay.
func (r *restorer) overlaid() bool {
	st, err := sys.Fstatfs(r.disks[r.last])
	return err == nil && uint32(st.Type) == sys.TypeOverlay
}

func (r *restorer) release() {
	for _, fd := range r.disks {
		syscall.Close(fd)
	}
}

// one resolves the path p anew and hands it with its object to pass.
func (r *restorer) one(p *record, pass func(t *target, p, rec *record) error) error {
	rec, err := r.next()
	if err != nil {
		return err
	}
	t, err := resolve(r.root, p.name)
	if err != nil {
		return err
	}
	if err := r.sameMounts(p); err != nil {
		return err
	}
	return pass(&t, p, &rec)
}

// sameMounts checks that the directories above a path are mounts where they
// were when it was saved: else the file system that the path is on is not
// there, and another one would get its files.
func (r *restorer) sameMounts(p *record) error {
	names := split(p.name)
	for i := range p.ancestors {
		dir, err := openDir(r.root, names[:i])
		if err != nil {
			return nil // not there as a directory: made anew, or led past by a link
		}
		state, err := mountAt(dir, names[i])
		syscall.Close(dir)
		if err != nil {
			return nil
		}
		if err := checkMount(p.ancestors[i].mount, state); err != nil {
			return during("putting back", "/"+strings.Join(names[:i+1], "/"), err)
		}
	}
	return nil
}

func checkMount(saved, now uint8) error {
	switch {
	case saved == mountYes && now == mountNo:
		return text("it was a mount when it was saved and is none now")
	case saved == mountNo && now == mountYes:
		return text("it was no mount when it was saved and is one now")
	}
	return nil
}

// parent opens the directory that holds the last component of t, and remembers
// its file system.
func (r *restorer) parent(t *target) (fd int, above sys.Stat, err error) {
	fd, err = openDir(r.root, t.parents)
	if err != nil {
		return fd, above, err
	}
	above, err = sys.Fstat(fd)
	r.last = above.Dev
	if err == nil {
		err = r.note(fd, &above)
	}
	if err != nil {
		syscall.Close(fd)
	}
	return fd, above, err
}

// note remembers the file system of the directory fd.
func (r *restorer) note(fd int, st *sys.Stat) error {
	if _, known := r.disks[st.Dev]; known {
		return nil
	}
	own, err := sys.Openat(fd, ".", openDirectory, 0)
	if err == nil {
		r.disks[st.Dev] = own
	}
	return err
}

// skip reads over the object rec.
func (r *restorer) skip(rec *record) error {
	for depth := 0; ; {
		switch rec.kind {
		case kindDir:
			depth++
		case kindUp:
			depth--
		}
		if depth == 0 {
			return nil
		}
		next, err := r.next()
		if err != nil {
			return err
		}
		rec = &next
	}
}
