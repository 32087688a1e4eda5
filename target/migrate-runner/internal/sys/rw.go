// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"errors"
	"syscall"
)

// ErrTooLong is returned by [ReadAll] for a file longer than its limit.
var ErrTooLong = errors.New("longer than allowed")

// ReadAll reads from fd's position to its end. More than limit bytes are
// [ErrTooLong], found without holding more than limit+1 of them.
func ReadAll(fd int, limit int64) ([]byte, error) {
	buf := make([]byte, 0, first(fd, limit))
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		room := buf[len(buf):cap(buf)]
		if over := int64(len(buf)+len(room)) - (limit + 1); over > 0 {
			room = room[:int64(len(room))-over]
		}
		n, err := Read(fd, room)
		if err != nil {
			return nil, err
		}
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, ErrTooLong
		case n == 0:
			return buf, nil
		}
	}
}

// first is a good first size for a buffer: one more than the file, so that its
// end is seen without growing.
func first(fd int, limit int64) int64 {
	size := int64(4096)
	if st, err := Fstat(fd); err == nil && st.Size > 0 {
		size = st.Size + 1
	}
	if size > limit {
		size = limit + 1
	}
	return size
}

// Read reads at most len(p) bytes; 0 with a nil error is the end.
func Read(fd int, p []byte) (n int, err error) {
	err = retry(func() (err error) { n, err = syscall.Read(fd, p); return err })
	if n < 0 {
		n = 0
	}
	return n, err
}

// Pread is [Read] at an offset.
func Pread(fd int, p []byte, off int64) (n int, err error) {
	err = retry(func() (err error) { n, err = syscall.Pread(fd, p, off); return err })
	if n < 0 {
		n = 0
	}
	return n, err
}

// WriteAll writes all of data, or returns the error that stopped it; part of
// data may be written then.
func WriteAll(fd int, data []byte) error {
	return writeAll(data, func(p []byte) (int, error) { return syscall.Write(fd, p) })
}

// WriteAt is [WriteAll] at an offset.
func WriteAt(fd int, data []byte, off int64) error {
	return writeAll(data, func(p []byte) (int, error) {
		n, err := syscall.Pwrite(fd, p, off)
		if n > 0 {
			off += int64(n)
		}
		return n, err
	})
}

func writeAll(data []byte, write func([]byte) (int, error)) error {
	for len(data) > 0 {
		n := 0
		err := retry(func() (err error) { n, err = write(data); return err })
		if err != nil {
			return err
		}
		if n == 0 {
			// Not allowed by POSIX for a regular file; it would be an
			// endless loop.
			return syscall.EIO
		}
		data = data[n:]
	}
	return nil
}

// Values of whence for [Seek].
const (
	SEEK_SET  = 0
	SEEK_CUR  = 1
	SEEK_END  = 2
	SEEK_DATA = 3 // the next data at or after the offset; ENXIO when there is none
	SEEK_HOLE = 4 // the next hole; the end of the file counts as one
)

// Seek sets the position of fd and returns it.
func Seek(fd int, offset int64, whence int) (pos int64, err error) {
	err = retry(func() (err error) { pos, err = syscall.Seek(fd, offset, whence); return err })
	return pos, err
}
