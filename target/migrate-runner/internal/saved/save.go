// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strconv"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

const (
	partSuffix = ".part"
	dropSuffix = ".drop"
	readFile   = syscall.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	makeFile   = syscall.O_RDWR | syscall.O_CREAT | syscall.O_EXCL | syscall.O_NOFOLLOW

	// syncEach is how many contents are synced one by one; with more, one
	// sync of the whole file system is cheaper.
	syncEach = 8
)

// Save saves what paths name inside root as the save number in the directory
// dir. The save is whole and on the medium when it returns nil. After an error
// or a power cut there is none, apart from what [Sweep] removes; only an error
// of the very last sync may leave a save, which is whole.
//
// Space is not checked beforehand: see [CheckSpace]. The working directory of
// the process is root afterwards.
func Save(root, dir int, number uint64, paths []string) error {
	defer leave(root)
	name := strconv.FormatUint(number, 10)
	if whole, err := Has(dir, number); err != nil || whole {
		if err == nil {
			err = syscall.EEXIST
		}
		return during("saving", "save "+name, err)
	}
	targets, err := plan(root, paths)
	if err != nil {
		return err
	}
	if err := removeIn(dir, name+partSuffix); err != nil {
		return err
	}
	if err := writeSave(root, dir, number, targets); err != nil {
		// The first error is what matters; Sweep tries again.
		_ = removeIn(dir, name+partSuffix)
		return err
	}
	if err := sys.Renameat(dir, name+partSuffix, dir, name); err != nil {
		return during("naming", "save "+name, err)
	}
	return during("syncing", "the directory of saves", sys.Fsync(dir))
}

// leave sets the working directory back from where attributes were read, so
// that no file system is kept busy.
func leave(root int) { _ = sys.Fchdir(root) }

// writeSave makes the directory of a save, durable but not yet named.
func writeSave(root, dir int, number uint64, targets []target) error {
	name := strconv.FormatUint(number, 10) + partSuffix
	if err := sys.Mkdirat(dir, name, 0o700); err != nil {
		return during("making", "save "+name, err)
	}
	save, err := sys.Openat(dir, name, openDirectory, 0)
	if err != nil {
		return during("opening", "save "+name, err)
	}
	defer syscall.Close(save)
	fd, err := sys.Openat(save, indexName, makeFile, 0o600)
	if err != nil {
		return during("making", "index of save "+name, err)
	}
	s := &saver{save: save, writer: writer{fd: fd}}
	err = s.all(root, dir, number, targets)
	if e := syscall.Close(fd); err == nil {
		err = during("closing", "index of save "+name, e)
	}
	return err
}

// saver is the sink that writes a save.
type saver struct {
	writer
	save   int    // its directory
	files  uint64 // contents made
	behind bool   // some of them are not synced yet
}

func (s *saver) all(root, dir int, number uint64, targets []target) error {
	if err := s.write(&record{kind: kindHeader, number: number}); err != nil {
		return err
	}
	if err := walkAll(root, dir, targets, s); err != nil {
		return err
	}
	err := s.write(&record{kind: kindEnd, records: s.records})
	if err == nil {
		err = s.flush()
	}
	if err == nil {
		err = sys.Fsync(s.fd)
	}
	if err == nil && s.behind {
		err = sys.Syncfs(s.save)
	}
	if err == nil {
		err = sys.Fsync(s.save)
	}
	return during("writing", "save "+strconv.FormatUint(number, 10), err)
}

func (s *saver) add(r *record) error { return s.write(r) }

func (s *saver) file(dir int, name string, st *sys.Stat, r *record) error {
	fd, err := openQuiet(dir, name, readFile)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	// The state of what was opened: the name may mean another file by now.
	now, err := sys.Fstat(fd)
	if err != nil {
		return err
	}
	if now.Ino != st.Ino || now.Type() != syscall.S_IFREG {
		return syscall.ESTALE
	}
	r.size = now.Size
	r.dense = now.Blocks*512 >= now.Size
	if r.size <= inlineMax {
		r.data = make([]byte, r.size)
		n, err := sys.Pread(fd, r.data, 0)
		if err != nil {
			return err
		}
		r.data, r.size = r.data[:n], int64(n)
		return s.write(r)
	}
	if err := s.content(fd, r); err != nil {
		return err
	}
	return s.write(r)
}

// content makes the file that holds the content of src.
func (s *saver) content(src int, r *record) error {
	s.files++
	r.file = s.files
	fd, err := sys.Openat(s.save, strconv.FormatUint(r.file, 10), makeFile, 0o600)
	if err != nil {
		return err
	}
	err = s.fill(fd, src, r)
	if err == nil {
		err = s.sync(fd)
	}
	if e := syscall.Close(fd); err == nil {
		err = e
	}
	return err
}

func (s *saver) fill(fd, src int, r *record) error {
	err := sys.Clone(fd, src)
	if err == nil {
		r.content = contentClone
		st, err := sys.Fstat(fd)
		r.size = st.Size
		return err
	}
	if !wantsCopy(err) {
		return err
	}
	r.content = contentFile
	r.sum, err = copyContent(fd, src, r.size, r.dense)
	return err
}

// sync makes a content durable, at once or with all others. A kernel before
// 5.8 would not report an error of writing back by syncfs.
func (s *saver) sync(fd int) error {
	if s.files <= syncEach || !sys.KernelAtLeast(5, 8) {
		return sys.Fsync(fd)
	}
	s.behind = true
	return nil
}
