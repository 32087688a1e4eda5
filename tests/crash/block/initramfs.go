// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"bytes"
	"fmt"
)

// An archive is an initramfs in the making, in cpio's "newc" format, as the
// kernel's Documentation/driver-api/early-userspace/buffer-format.rst
// describes it.
type archive struct {
	out bytes.Buffer
	ino int
}

func (a *archive) add(name string, mode int, data []byte) {
	a.ino++
	fmt.Fprintf(&a.out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.out.WriteString(name)
	a.out.WriteByte(0)
	a.pad()
	a.out.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.out.Len()%4 != 0 {
		a.out.WriteByte(0)
	}
}

func (a *archive) dir(name string)               { a.add(name, 0o040755, nil) }
func (a *archive) program(name string, b []byte) { a.add(name, 0o100755, b) }

func (a *archive) link(name, to string) { a.add(name, 0o120777, []byte(to)) }

// bytes ends the archive.
func (a *archive) bytes() []byte {
	a.add("TRAILER!!!", 0, nil)
	return a.out.Bytes()
}
