// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// object is one object that is no directory, as it is and as it was.
type object struct {
	*restorer
	*spot
	rec    *record
	exists bool
	live   sys.Stat
	mount  uint8
}

// put puts the object back in the way that changes least.
func (o *object) put() error {
	if !o.exists {
		return o.replace()
	}
	same, err := o.sameBody()
	if err != nil {
		return err
	}
	switch {
	case same && o.mayAdjust():
		changed, err := setAttrs(o.dir, o.name, &o.rec.attrs)
		if changed {
			o.report.Adjusted++
		}
		return err
	case same && o.live.Nlink <= o.rec.nlink:
		// Hard links are not as they were, but if nothing else differs this
		// name can stay: a link too many goes when its own name is put back.
		have, err := attrsNow(o.dir, o.name)
		if err != nil || sameAttrs(&o.rec.attrs, &have) {
			return err
		}
	case !same && o.mustKeep():
		return o.rewrite()
	}
	return o.replace()
}

// mayAdjust reports whether setting attributes reaches no other name than it
// should.
func (o *object) mayAdjust() bool {
	alone := o.rec.nlink == 1 && o.live.Nlink == 1
	return alone || o.mount == mountYes || o.original() && o.live.Nlink <= o.rec.nlink
}

// mustKeep reports whether the file has to be written in place: a mount cannot
// be renamed over, and a hard link outside the Paths would be lost.
func (o *object) mustKeep() bool {
	if o.rec.kind != kindFile || o.live.Type() != syscall.S_IFREG {
		return o.mount == mountYes
	}
	outside := o.rec.nlink > o.inside[o.path()]+1
	return o.mount == mountYes || outside && o.original() && o.live.Nlink <= o.rec.nlink
}

// original reports whether it is still the file that was saved, by its number.
func (o *object) original() bool { return o.live.Ino == o.rec.ino }

// sameBody compares all but the attributes: type, content, target, device.
func (o *object) sameBody() (bool, error) {
	if o.live.Type() != o.rec.typ() {
		return false, nil
	}
	switch o.rec.kind {
	case kindLink:
		target, err := sys.Readlinkat(o.dir, o.name)
		return target == o.rec.target, err
	case kindNode:
		device := o.rec.typ() == syscall.S_IFCHR || o.rec.typ() == syscall.S_IFBLK
		return !device || o.live.Rdev == o.rec.rdev, nil
	}
	if o.live.Size != o.rec.size || o.rec.size == 0 {
		return o.live.Size == o.rec.size, nil
	}
	return o.sameFile()
}

// sameFile compares contents. A file that cannot be read any more differs, so
// that it is replaced.
func (o *object) sameFile() (bool, error) {
	fd, err := openQuiet(o.dir, o.name, readFile)
	if err != nil {
		return false, err
	}
	defer syscall.Close(fd)
	if o.rec.content == contentInline {
		data, err := sys.ReadAll(fd, inlineMax)
		return err == nil && string(data) == string(o.rec.data), nil
	}
	saved, err := openContent(o.save, o.rec)
	if err != nil {
		return false, err
	}
	defer syscall.Close(saved)
	same, err := sameContent(saved, fd, o.rec.size)
	if err == syscall.EIO {
		same, err = false, nil // the save is read again if it was that one
	}
	return same, err
}

// replace builds the object beside and renames it into place, so that the name
// means the old or the new one at any moment.
func (o *object) replace() error {
	err := sys.Unlinkat(o.dir, temporary, 0)
	if err != nil && err != syscall.ENOENT {
		return err
	}
	if err = o.build(); err == nil {
		err = sys.Renameat(o.dir, temporary, o.dir, o.name)
	}
	if err == nil {
		o.report.Restored++
		return nil
	}
	if e := sys.Unlinkat(o.dir, temporary, 0); e != nil && e != syscall.ENOENT {
		return err
	}
	regular := o.exists && o.live.Type() == syscall.S_IFREG && o.rec.kind == kindFile && o.live.Nlink == 1
	switch err {
	case syscall.EBUSY, syscall.ENOSPC, syscall.EDQUOT:
		// A mount that this kernel does not show, or no space for both.
		if regular {
			return o.rewrite()
		}
	}
	return err
}

// build makes the object under its temporary name, with all attributes and
// its content durable: a rename must never lead to an empty file.
func (o *object) build() (err error) {
	switch o.rec.kind {
	case kindLink:
		err = sys.Symlinkat(o.rec.target, o.dir, temporary)
	case kindNode:
		err = sys.Mknodat(o.dir, temporary, o.rec.typ()|0o600, sys.Mkdev(o.rec.rdev.Major, o.rec.rdev.Minor))
	default:
		return o.buildFile()
	}
	if err == nil {
		_, err = setAttrs(o.dir, temporary, &o.rec.attrs)
	}
	return err
}

func (o *object) buildFile() error {
	fd, err := sys.Openat(o.dir, temporary, makeFile, 0o600)
	if err != nil {
		return err
	}
	return o.finish(fd, temporary)
}

// rewrite writes the file in place. A power cut leaves it in between until
// Restore is run again.
func (o *object) rewrite() error {
	if o.rec.kind != kindFile || o.live.Type() != syscall.S_IFREG {
		return text("it is a mount of something else than what was saved")
	}
	fd, err := sys.Openat(o.dir, o.name, syscall.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	if err := sys.Ftruncate(fd, 0); err != nil {
		syscall.Close(fd)
		return err
	}
	o.report.Restored++
	return o.finish(fd, o.name)
}

// finish fills an empty file, sets its attributes, syncs and closes it.
func (o *object) finish(fd int, name string) error {
	err := o.fill(fd)
	if err == nil {
		_, err = setAttrs(o.dir, name, &o.rec.attrs)
	}
	if err == nil {
		err = sys.Fsync(fd)
	}
	if e := syscall.Close(fd); err == nil {
		err = e
	}
	return err
}

func (o *object) fill(fd int) error {
	if o.rec.content == contentInline {
		return sys.WriteAll(fd, o.rec.data)
	}
	src, err := openContent(o.save, o.rec)
	if err != nil {
		return err
	}
	defer syscall.Close(src)
	if err := sys.Clone(fd, src); !wantsCopy(err) {
		return err
	}
	sum, err := copyContent(fd, src, o.rec.size, o.rec.dense)
	if err == nil && o.rec.content == contentFile && sum != o.rec.sum {
		return syscall.EIO // it was right when it was verified
	}
	return err
}

// putSame makes the name one more of a file that is already put back.
func (o *object) putSame() error {
	dir, first, err := o.firstName()
	if err != nil {
		return err
	}
	defer syscall.Close(dir)
	st, err := sys.Statat(dir, first, sys.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return during("finding the first name", o.rec.target, err)
	}
	if o.exists && o.live.Ino == st.Ino && o.live.Dev == st.Dev {
		return nil
	}
	err = sys.Unlinkat(o.dir, temporary, 0)
	if err != nil && err != syscall.ENOENT {
		return err
	}
	if err := sys.Linkat(dir, first, o.dir, temporary, 0); err != nil {
		return err
	}
	o.report.Restored++
	return sys.Renameat(o.dir, temporary, o.dir, o.name)
}

// firstName opens the directory of the file that this is to be a link to.
func (o *object) firstName() (dir int, name string, err error) {
	names := split(o.rec.target)
	name = names[len(names)-1]
	dir, err = openDir(o.root, names[:len(names)-1])
	if err == syscall.ELOOP || err == syscall.ENOTDIR {
		// A directory above the Paths has become a link since.
		var t target
		if t, err = resolve(o.root, o.rec.target); err == nil {
			dir, err = openDir(o.root, t.names()[:len(t.names())-1])
		}
	}
	return dir, name, during("finding the first name", o.rec.target, err)
}
