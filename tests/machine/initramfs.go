// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package machine

import (
	"bytes"
	"fmt"
)

// An Archive is an initramfs in the making, in cpio's "newc" format, as the
// kernel's Documentation/driver-api/early-userspace/buffer-format.rst
// describes it.
type Archive struct {
	out bytes.Buffer
	ino int
}

// Add adds an entry; mode holds its type, as st_mode does. Parents must have
// been added before.
func (a *Archive) Add(name string, mode int, data []byte) {
	a.ino++
	fmt.Fprintf(&a.out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.out.WriteString(name)
	a.out.WriteByte(0)
	a.pad()
	a.out.Write(data)
	a.pad()
}

func (a *Archive) pad() {
	for a.out.Len()%4 != 0 {
		a.out.WriteByte(0)
	}
}

// Dir adds a directory.
func (a *Archive) Dir(name string) { a.Add(name, 0o040755, nil) }

// Program adds a file that can be executed.
func (a *Archive) Program(name string, b []byte) { a.Add(name, 0o100755, b) }

// Link adds a symbolic link.
func (a *Archive) Link(name, to string) { a.Add(name, 0o120777, []byte(to)) }

// Bytes ends the archive.
func (a *Archive) Bytes() []byte {
	a.Add("TRAILER!!!", 0, nil)
	return a.out.Bytes()
}
