// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package saved

import (
	"syscall"

	"meta-migration/target/migrate-runner/internal/sys"
)

const (
	magic         = "migration save\n"
	formatVersion = 1
	indexName     = "index"
	bufferSize    = 64 << 10
	frameSize     = 4 // length before a payload
	checkSize     = 8 // running check value after it
)

// writer appends records to an index file.
type writer struct {
	fd      int
	sum     check
	records uint64
	buf     []byte
	scratch []byte
}

// write appends one record: length, payload, and the check value of all
// payloads up to this one. So a record cannot be lost, doubled or moved
// unseen.
func (w *writer) write(r *record) error {
	w.scratch = r.encode(w.scratch[:0])
	n := len(w.scratch)
	if n > maxRecord {
		return syscall.E2BIG
	}
	w.records++
	w.sum = w.sum.add(w.scratch)
	w.buf = append(w.buf, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	w.buf = append(w.buf, w.scratch...)
	var c [checkSize]byte
	putUint64(c[:], uint64(w.sum))
	w.buf = append(w.buf, c[:]...)
	if len(w.buf) < bufferSize {
		return nil
	}
	return w.flush()
}

func (w *writer) flush() error {
	err := sys.WriteAll(w.fd, w.buf)
	w.buf = w.buf[:0]
	return err
}

// reader reads an index from its start.
type reader struct {
	number  uint64
	fd      int
	sum     check
	records uint64
	buf     []byte // read and not yet used
	scratch []byte
}

// openIndex opens the index of the save in the directory save.
func openIndex(save int, number uint64) (*reader, error) {
	fd, err := sys.Openat(save, indexName, syscall.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err == syscall.ENOENT {
		return nil, &DamageError{number, "it has no index"}
	}
	if err != nil {
		return nil, err
	}
	r := &reader{number: number, fd: fd}
	if err := r.header(); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return r, nil
}

// rewind goes back to the record behind the header.
func (r *reader) rewind() error {
	if _, err := sys.Seek(r.fd, 0, sys.SEEK_SET); err != nil {
		return err
	}
	*r = reader{number: r.number, fd: r.fd, buf: r.buf[:0], scratch: r.scratch}
	return r.header()
}

func (r *reader) header() error {
	h, err := r.next()
	if err == nil && (h.kind != kindHeader || h.number != r.number) {
		err = r.damage("its first record is not that of a save of this number and format")
	}
	return err
}

func (r *reader) damage(fault string) error { return &DamageError{r.number, fault} }

// next returns the next record. After kindEnd nothing may follow.
func (r *reader) next() (rec record, err error) {
	frame, err := r.take(frameSize)
	if err != nil {
		return rec, err
	}
	n := int(uint32(frame[0]) | uint32(frame[1])<<8 | uint32(frame[2])<<16 | uint32(frame[3])<<24)
	if n < 0 || n > maxRecord {
		return rec, r.damage("a record has an impossible length")
	}
	payload, err := r.take(n + checkSize)
	if err != nil {
		return rec, err
	}
	payload, tail := payload[:n], payload[n:]
	r.sum = r.sum.add(payload)
	if uint64(r.sum) != getUint64(tail) {
		return rec, r.damage("a check value does not fit")
	}
	rec, ok := decode(payload)
	if !ok {
		return rec, r.damage("a record is not of this format")
	}
	r.records++
	if rec.kind == kindEnd {
		err = r.end(&rec)
	}
	return rec, err
}

// end checks that the index ends here.
func (r *reader) end(rec *record) error {
	if rec.records != r.records-1 {
		return r.damage("records are missing")
	}
	if len(r.buf) == 0 {
		n, err := sys.Read(r.fd, make([]byte, 1))
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
	return r.damage("something follows its end")
}

// take returns the next n bytes, valid until the next call.
func (r *reader) take(n int) ([]byte, error) {
	if len(r.buf) < n {
		if err := r.fill(n); err != nil {
			return nil, err
		}
	}
	out := r.buf[:n]
	r.buf = r.buf[n:]
	return out, nil
}

// fill makes buf hold at least n bytes. It grows with what is really there,
// so a damaged length costs no memory.
func (r *reader) fill(n int) error {
	room := append(r.scratch[:0], r.buf...)
	for len(room) < n {
		if cap(room)-len(room) < bufferSize/2 {
			room = append(room, make([]byte, bufferSize+len(room))...)[:len(room)]
		}
		got, err := sys.Read(r.fd, room[len(room):cap(room)])
		if err != nil {
			return err
		}
		if got == 0 {
			return r.damage("its index is cut off")
		}
		room = room[:len(room)+got]
	}
	r.buf, r.scratch = room, room[:0]
	return nil
}

func (r *reader) close() { syscall.Close(r.fd) }
