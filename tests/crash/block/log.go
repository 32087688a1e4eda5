// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// sector is the unit of places and lengths in a log, in bytes.
const sector = 512

// An entry of a log is one request to the disk.
type entry struct {
	at    int64  // first byte
	size  int64  // in bytes; of a flush 0
	flags uint64 // see the constants
	data  []byte // nil for a flush and a discard
}

// Flags of an entry, from the Linux kernel's Documentation/admin-guide/
// device-mapper/log-writes.rst, which QEMU's blklogwrites driver follows.
const (
	flagFlush   = 1 // all before is durable, before this entry's own data
	flagFUA     = 2 // this entry is durable when it is done
	flagDiscard = 4
	flagMark    = 8
)

const logMagic = 0x6a736677736872

// readLog reads a log of dm-log-writes format with sectors of 512 bytes: one
// sector that says how many entries there are, then for each entry a sector
// with its place, length and flags, then its data.
func readLog(r io.ReaderAt) ([]entry, error) {
	head := make([]byte, sector)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("reading the head of the log: %w", err)
	}
	if binary.LittleEndian.Uint64(head) != logMagic || binary.LittleEndian.Uint32(head[24:]) != sector {
		return nil, errors.New("reading the head of the log: it is none, or its sectors are not of 512 bytes")
	}
	var entries []entry
	place := int64(sector)
	for n := binary.LittleEndian.Uint64(head[16:]); n > 0; n-- {
		if _, err := r.ReadAt(head, place); err != nil {
			return nil, fmt.Errorf("reading entry %d of the log: %w", len(entries), err)
		}
		place += sector
		first, count := binary.LittleEndian.Uint64(head), binary.LittleEndian.Uint64(head[8:])
		if first > 1<<40 || count > 1<<16 {
			return nil, fmt.Errorf("reading entry %d of the log: %d sectors at %d are too many", len(entries), count, first)
		}
		e := entry{at: int64(first) * sector, size: int64(count) * sector, flags: binary.LittleEndian.Uint64(head[16:])}
		if e.flags&(flagDiscard|flagMark) == 0 && e.size > 0 {
			e.data = make([]byte, e.size)
			if _, err := r.ReadAt(e.data, place); err != nil {
				return nil, fmt.Errorf("reading the data of entry %d of the log: %w", len(entries), err)
			}
			place += e.size
		}
		entries = append(entries, e)
	}
	return entries, nil
}
