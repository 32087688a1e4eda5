// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"errors"
	"io"
	"syscall"
)

// descriptor is an open file. With os.File a third of the time that an rpm's
// metadata takes goes into asking the kernel whether the file can be polled,
// and into its bookkeeping.
type descriptor int

// fileID tells files apart whatever their paths are.
type fileID struct{ dev, ino uint64 }

// openDescriptor opens a regular file and returns its size.
func openDescriptor(name string) (d descriptor, size int64, id fileID, err error) {
	var fd int
	// A FIFO must not block the build.
	err = retry(func() (err error) {
		fd, err = syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
		return err
	})
	if err != nil {
		return 0, 0, id, err
	}
	var st syscall.Stat_t
	err = retry(func() error { return syscall.Fstat(fd, &st) })
	if err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		err = errors.New("not a regular file")
	}
	if err != nil {
		_ = syscall.Close(fd)
		return 0, 0, id, err
	}
	return descriptor(fd), st.Size, fileID{uint64(st.Dev), uint64(st.Ino)}, nil
}

// ReadAt implements io.ReaderAt.
func (d descriptor) ReadAt(p []byte, off int64) (int, error) {
	total := 0
	for total < len(p) {
		var n int
		err := retry(func() (err error) {
			n, err = syscall.Pread(int(d), p[total:], off+int64(total))
			return err
		})
		if err != nil {
			return total, err
		}
		if n == 0 {
			return total, io.EOF
		}
		total += n
	}
	return total, nil
}

// Close implements io.Closer.
func (d descriptor) Close() error { return syscall.Close(int(d)) }

// retry repeats a call that a signal interrupted, as os does: the runtime
// sends itself signals, and a network file system may return early on them.
func retry(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
