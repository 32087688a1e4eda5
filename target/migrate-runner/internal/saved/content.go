// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

const (
	// blockSize is the unit in which zeros are told from data. Holes of
	// common file systems are multiples of it.
	blockSize = 4096
	// inlineMax is up to which size a content stands in the index: a file of
	// its own costs an inode, a block and a sync.
	inlineMax = 4096
)

// blocks reads the blocks of a file that are not all zeros, in order. Holes
// are jumped over, so a sparse file costs what it holds and not its size.
type blocks struct {
	fd    int
	size  int64
	zeros bool   // return blocks of zeros too, unless they are in a hole
	next  int64  // where to read on
	hole  int64  // where the next hole begins
	at    int64  // position of run
	run   []byte // not yet returned
	buf   []byte
}

func newBlocks(fd int, size int64) *blocks {
	return &blocks{fd: fd, size: size, buf: make([]byte, bufferSize)}
}

// block returns the next block and its offset; nil at the end. The last one of
// a file may be shorter.
func (b *blocks) block() (off int64, data []byte, err error) {
	for {
		for len(b.run) > 0 {
			n := min(len(b.run), blockSize)
			off, data = b.at, b.run[:n]
			b.at, b.run = b.at+int64(n), b.run[n:]
			if b.zeros || !isZero(data) {
				return off, data, nil
			}
		}
		if more, err := b.fill(); err != nil || !more {
			return 0, nil, err
		}
	}
}

// fill reads the next piece of data into run.
func (b *blocks) fill() (bool, error) {
	if err := b.skipHole(); err != nil {
		return false, err
	}
	b.at, b.run = b.next, b.buf[:0]
	for b.next < b.hole && len(b.run) < len(b.buf) {
		room := b.buf[len(b.run):]
		if left := b.hole - b.next; int64(len(room)) > left {
			room = room[:left]
		}
		n, err := sys.Pread(b.fd, room, b.next)
		if err != nil {
			return false, err
		}
		if n == 0 {
			b.size, b.hole = b.next, b.next // it was cut meanwhile
		}
		b.run = b.run[:len(b.run)+n]
		b.next += int64(n)
	}
	return len(b.run) > 0, nil
}

// skipHole moves to the next data and finds its end, both rounded to blocks.
// A file system that knows no holes says that all is data, or EINVAL.
func (b *blocks) skipHole() error {
	if b.next < b.hole || b.next >= b.size {
		return nil
	}
	b.hole = b.size
	start, err := sys.Seek(b.fd, b.next, sys.SEEK_DATA)
	switch err {
	case nil:
	case syscall.ENXIO:
		b.next = b.size
		return nil
	case syscall.EINVAL, syscall.EOPNOTSUPP:
		return nil
	default:
		return err
	}
	b.next = max(b.next, start&^(blockSize-1))
	end, err := sys.Seek(b.fd, start, sys.SEEK_HOLE)
	if err == nil && end > b.next {
		b.hole = min(b.size, (end+blockSize-1)&^(blockSize-1))
	}
	return nil
}

// hasHoles reports whether the file system shows a hole in the file.
func hasHoles(fd int, size int64) bool {
	end, err := sys.Seek(fd, 0, sys.SEEK_HOLE)
	return err == nil && end < size
}

func isZero(p []byte) bool {
	for _, c := range p {
		if c != 0 {
			return false
		}
	}
	return true
}

// digest returns the check value of a content: over size and each block that
// is not zero with its offset. So it does not depend on where holes are.
func digest(fd int, size int64) (check, error) {
	b := newBlocks(fd, size)
	sum := check(0).addNumber(uint64(size))
	for {
		off, data, err := b.block()
		if err != nil || data == nil {
			return sum, err
		}
		sum = sum.addNumber(uint64(off)).add(data)
	}
}

// copyContent writes size bytes of src to dst, which must be empty, and
// returns the check value of what it wrote. Holes stay holes. Where the file
// system does not show them, all zeros of a file that is not dense become some.
func copyContent(dst, src int, size int64, dense bool) (check, error) {
	b := newBlocks(src, size)
	b.zeros = dense || hasHoles(src, size)
	sum := check(0).addNumber(uint64(size))
	w := batch{fd: dst}
	for {
		off, data, err := b.block()
		if err != nil {
			return 0, err
		}
		if data == nil {
			break
		}
		if !b.zeros || !isZero(data) {
			sum = sum.addNumber(uint64(off)).add(data)
		}
		if err := w.add(off, data); err != nil {
			return 0, err
		}
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	return sum, sys.Ftruncate(dst, size)
}

// batch joins adjoining blocks to one write.
type batch struct {
	fd   int
	at   int64
	data []byte
}

func (w *batch) add(off int64, data []byte) error {
	if off != w.at+int64(len(w.data)) || len(w.data) >= bufferSize {
		if err := w.flush(); err != nil {
			return err
		}
		w.at = off
	}
	w.data = append(w.data, data...)
	return nil
}

func (w *batch) flush() error {
	err := sys.WriteAt(w.fd, w.data, w.at)
	w.data = w.data[:0]
	return err
}

// sameContent compares two files of the same size block by block.
func sameContent(a, b int, size int64) (bool, error) {
	x, y := newBlocks(a, size), newBlocks(b, size)
	for {
		offX, dataX, err := x.block()
		if err != nil {
			return false, err
		}
		offY, dataY, err := y.block()
		if err != nil {
			return false, err
		}
		if dataX == nil && dataY == nil {
			return x.size == size && y.size == size, nil
		}
		if offX != offY || string(dataX) != string(dataY) {
			return false, nil
		}
	}
}

// wantsCopy reports whether a failed clone is only one that this file system
// or pair of files cannot do.
func wantsCopy(err error) bool {
	switch err {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS:
		return false
	}
	return err != nil
}
