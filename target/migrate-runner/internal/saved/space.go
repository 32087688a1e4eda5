// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"strconv"
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

// Space is room on a file system.
type Space struct {
	Bytes, Inodes uint64
}

// Need returns what a save of paths would take, and what putting the largest
// file back needs beside it. It writes nothing and reads no contents, and is an
// estimate on the safe side: files on a file system with reflinks are counted
// as nothing where a trial shows that they can be shared with the directory of
// saves.
//
// It is for the state of the moment: a migration that runs earlier may change
// what a later one's save takes.
func Need(root, dir int, paths []string) (Space, error) {
	defer leave(root)
	targets, err := plan(root, paths)
	if err != nil {
		return Space{}, err
	}
	fs, err := sys.Fstatfs(dir)
	if err != nil {
		return Space{}, during("measuring", "the directory of saves", err)
	}
	m := &meter{dir: dir, unit: uint64(max(int64(fs.Bsize), 512)), clones: map[sys.Device]bool{}}
	if err := walkAll(root, dir, targets, m); err != nil {
		return Space{}, err
	}
	// The index, the directory, and what a file system spends on its own
	// bookkeeping: block maps and journal.
	bytes := m.contents + m.round(m.index) + m.round(64*m.files) + m.largest
	return Space{Bytes: bytes + bytes/64 + 16*m.unit, Inodes: m.files + 3}, nil
}

// ext4 is the magic number of ext2, ext3 and ext4.
const ext4 = 0xef53

// Free returns what is free where fd is, for root.
func Free(fd int) (Space, error) {
	fs, err := sys.Fstatfs(fd)
	if err != nil {
		return Space{}, during("measuring", "the directory of saves", err)
	}
	blocks := fs.Bfree
	if flags, err := sys.Attributes(fd); err == nil && uint32(fs.Type) == ext4 && flags&sys.FS_EXTENT_FL != 0 {
		// Reserved from root, too, where there are extents (ext4_statfs and
		// ext4_calculate_resv_clusters of the kernel), and still called free.
		blocks -= min(blocks, fs.Blocks/50, 4096)
	}
	free := Space{Bytes: blocks * uint64(max(int64(fs.Bsize), 1)), Inodes: fs.Ffree}
	if fs.Files == 0 {
		free.Inodes = 1 << 63 // no fixed number of inodes, as on btrfs
	}
	return free, nil
}

// Fits returns a [SpaceError] if need is more than is free in dir.
func Fits(dir int, need Space) error {
	free, err := Free(dir)
	if err != nil {
		return err
	}
	if need.Bytes > free.Bytes || need.Inodes > free.Inodes {
		return &SpaceError{need, free}
	}
	return nil
}

// CheckSpace returns a [SpaceError] if the largest save among sets of Paths, or
// with all their sum, would not fit into dir, where freed will be free, too. It
// writes nothing. Paths that cannot be measured count as nothing: the reason is
// [Save]'s to say, of the one migration that they belong to.
func CheckSpace(root, dir int, sets [][]string, all bool, freed Space) error {
	var total Space
	for _, paths := range sets {
		need, err := Need(root, dir, paths)
		if err != nil {
			continue
		}
		if all {
			total.Bytes += need.Bytes
			total.Inodes += need.Inodes
		} else {
			total.Bytes = max(total.Bytes, need.Bytes)
			total.Inodes = max(total.Inodes, need.Inodes)
		}
	}
	total.Bytes -= min(total.Bytes, freed.Bytes)
	total.Inodes -= min(total.Inodes, freed.Inodes)
	return Fits(dir, total)
}

// Sizes returns what the saves with these numbers take in dir. What cannot be
// measured counts as nothing; blocks that a save shares with other files count,
// though they will not be free.
func Sizes(dir int, numbers []uint64) (sum Space) {
	for _, number := range numbers {
		save, err := sys.Openat(dir, strconv.FormatUint(number, 10), openDirectory, 0)
		if err != nil {
			continue
		}
		names, _ := sys.ReadDirNames(save)
		for _, name := range names {
			if st, err := sys.Statat(save, name, sys.AT_SYMLINK_NOFOLLOW); err == nil {
				sum.Bytes += uint64(st.Blocks) * 512
				sum.Inodes++
			}
		}
		syscall.Close(save)
	}
	return sum
}

// meter is a sink that only counts.
type meter struct {
	dir                             int
	unit                            uint64 // block size of the directory of saves
	contents, index, files, largest uint64
	clones                          map[sys.Device]bool // whether its files can be shared
	scratch                         []byte
}

func (m *meter) add(r *record) error {
	m.scratch = r.encode(m.scratch[:0])
	m.index += uint64(len(m.scratch)) + frameSize + checkSize
	return nil
}

func (m *meter) file(dir int, name string, st *sys.Stat, r *record) error {
	r.size = st.Size
	if st.Size <= inlineMax {
		m.index += uint64(st.Size)
		r.content = contentFile
		return m.add(r)
	}
	r.content = contentFile
	m.files++
	bytes := m.round(uint64(st.Size))
	if st.Blocks*512 < st.Size {
		bytes = m.round(dataSize(dir, name, st))
	}
	if shared, err := m.cloned(dir, name, st); err != nil || !shared {
		if err != nil {
			return err
		}
		m.contents += bytes
		m.largest = max(m.largest, bytes)
	}
	return m.add(r)
}

func (m *meter) round(n uint64) uint64 { return (n + m.unit - 1) / m.unit * m.unit }

// dataSize returns how many bytes of a file with fewer blocks than its length
// asks for are no holes: it may be sparse or compressed. Where the file system
// does not tell, it is the length.
func dataSize(dir int, name string, st *sys.Stat) (size uint64) {
	fd, err := openQuiet(dir, name, readFile)
	if err != nil {
		return uint64(st.Size)
	}
	defer syscall.Close(fd)
	for off := int64(0); off < st.Size; {
		data, err := sys.Seek(fd, off, sys.SEEK_DATA)
		if err == syscall.ENXIO {
			break
		}
		hole, e := sys.Seek(fd, data, sys.SEEK_HOLE)
		if err != nil || e != nil || hole <= off {
			return uint64(st.Size)
		}
		size += uint64(hole - data)
		off = hole
	}
	return size
}

// Magic numbers of file systems that may share blocks between files
// (include/uapi/linux/magic.h). On others no trial is made.
var reflinks = [...]uint32{0x9123683e, 0x58465342, 0xca451a4e, 0x7461636f}

// cloned finds out whether a file can be shared with the directory of saves,
// by sharing it with a file that has no name and is gone at once.
func (m *meter) cloned(dir int, name string, st *sys.Stat) (bool, error) {
	if known, ok := m.clones[st.Dev]; ok {
		return known, nil
	}
	fs, err := sys.Fstatfs(m.dir)
	if err != nil {
		return false, err
	}
	able := false
	for _, t := range reflinks {
		able = able || uint32(fs.Type) == t
	}
	if able {
		able = tryClone(m.dir, dir, name) == nil
	}
	m.clones[st.Dev] = able
	return able, nil
}

func tryClone(saves, dir int, name string) error {
	src, err := openQuiet(dir, name, readFile)
	if err != nil {
		return err
	}
	defer syscall.Close(src)
	dst, err := sys.Openat(saves, ".", sys.O_TMPFILE|syscall.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer syscall.Close(dst)
	return sys.Clone(dst, src)
}
