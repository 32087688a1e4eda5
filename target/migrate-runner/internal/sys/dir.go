// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import (
	"syscall"

	"meta-migration/target/migrate-runner/internal/ascending"
)

// ReadDirNames returns all names in the directory fd without "." and "..",
// in byte order. It reads from the start whatever was read before. fd must not
// be an O_PATH descriptor.
func ReadDirNames(fd int) ([]string, error) {
	if _, err := Seek(fd, 0, SEEK_SET); err != nil {
		return nil, err
	}
	var names []string
	buf := make([]byte, 16<<10)
	for {
		n := 0
		err := retry(func() (err error) { n, err = syscall.ReadDirent(fd, buf); return err })
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			break
		}
		_, _, names = syscall.ParseDirent(buf[:n], -1, names)
	}
	ascending.Sort(names)
	return names, nil
}
