// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package statedir

import (
	"strconv"
	"strings"
	"syscall"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/internal/sys"
	"meta-migration/target/migrate-runner/ledger"
)

const (
	ledgerName = "ledger"

	// chunk is how far the ledger is filled with zero bytes ahead of its
	// last line: an append then changes no metadata, so that making it
	// durable is one flush.
	chunk = 16 << 10
)

// ReadLedger reads the ledger; none is an empty one. The error is a
// *[ledger.DamageError] for a damaged one.
func (d *Dir) ReadLedger() (*ledger.Log, error) {
	fd, err := d.openFile(d.FD, ledgerName, syscall.O_RDONLY)
	if err == syscall.ENOENT {
		return ledger.Parse(nil)
	}
	if err != nil {
		return nil, &Error{"opening the ledger: " + err.Error(), cureFor(err)}
	}
	defer syscall.Close(fd)
	data, err := sys.ReadAll(fd, ledger.MaxSize)
	if err == sys.ErrTooLong {
		return nil, &ledger.DamageError{Line: 1, What: "is part of a file larger than any ledger"}
	}
	if err != nil {
		return nil, &Error{"reading the ledger: " + err.Error(), cureFor(err)}
	}
	return ledger.Parse(data)
}

// A Writer appends to the ledger. It belongs to the one that holds the lock.
type Writer struct {
	fd        int
	end       int64 // where the next line goes
	allocated int64 // bytes of the file that are there and durable
	next      uint64
	broken    error // the first error; nothing is written behind it
}

// OpenWriter opens the ledger for appending behind what log holds, making it
// where there is none. A torn last line is cut off, durably; when it returns, all
// that log holds is durable.
func (d *Dir) OpenWriter(log *ledger.Log) (*Writer, error) {
	fd, err := d.openFile(d.FD, ledgerName, syscall.O_RDWR|syscall.O_CREAT)
	if err == nil {
		err = sys.Fsync(d.FD)
	}
	var st sys.Stat
	if err == nil {
		st, err = sys.Fstat(fd)
	}
	w := &Writer{fd: fd, end: int64(log.End), allocated: st.Size, next: log.Next}
	if err == nil && log.Torn {
		err = w.fill(w.end, st.Size)
	}
	if err == nil && w.allocated < w.end {
		err = syscall.EIO
	}
	if err == nil {
		err = w.again(int64(log.Last))
	}
	if err != nil {
		return nil, &Error{"opening the ledger for writing: " + err.Error(), cureFor(err)}
	}
	return w, nil
}

// again makes the last line, from its offset on, durable. A runner that was
// killed, or met an error, between writing it and its sync left what can be read
// now and is not on the medium. It is written once more, since after an error
// the kernel takes it for synced.
func (w *Writer) again(from int64) error {
	line := make([]byte, w.end-from)
	if len(line) == 0 {
		return nil
	}
	if n, err := sys.Pread(w.fd, line, from); err != nil || n < len(line) {
		return syscall.EIO
	}
	if err := sys.WriteAt(w.fd, line, from); err != nil {
		return err
	}
	return sys.Fdatasync(w.fd)
}

// fill writes zero bytes and makes them durable with the file's size.
func (w *Writer) fill(from, to int64) error {
	if err := sys.WriteAt(w.fd, make([]byte, to-from), from); err != nil {
		return err
	}
	return sys.Fsync(w.fd)
}

// Reserve makes room for lines of n bytes in all, so that appending them
// cannot meet a full disk.
func (w *Writer) Reserve(n int64) error {
	if w.end+n <= w.allocated {
		return nil
	}
	to := (w.end + n + chunk - 1) / chunk * chunk
	if err := w.fill(w.allocated, to); err != nil {
		return err
	}
	w.allocated = to
	return nil
}

// Append gives e its number and the time and writes it. When it returns
// without an error the event is durable. After an error it is not known
// whether it is, so nothing further can be appended.
func (w *Writer) Append(e *ledger.Event) error {
	if w.broken != nil {
		return w.broken
	}
	e.Seq = w.next
	e.At, _ = sys.Realtime()
	line := ledger.Encode(e)
	// A size beyond the line keeps the zero bytes that tell a torn line.
	err := w.Reserve(int64(len(line)))
	if err == nil {
		err = sys.WriteAt(w.fd, []byte(line), w.end)
	}
	if err == nil {
		err = sys.Fdatasync(w.fd)
	}
	if err != nil {
		w.broken = &Error{"writing to the ledger: " + err.Error(), cureFor(err)}
		return w.broken
	}
	w.end += int64(len(line))
	w.next++
	return nil
}

const newLedger = "ledger.new"

// ReplaceLedger makes data the whole ledger: it is the old one or the new
// one, whenever the power goes. A part of a new one that a crash left is
// written over.
func (d *Dir) ReplaceLedger(data []byte) error {
	err := sys.Unlinkat(d.FD, newLedger, 0)
	if err != nil && err != syscall.ENOENT {
		return err
	}
	fd, err := d.openFile(d.FD, newLedger, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL)
	if err != nil {
		return err
	}
	err = sys.WriteAll(fd, append(data, make([]byte, chunk)...))
	if err == nil {
		err = sys.Fsync(fd)
	}
	if e := syscall.Close(fd); err == nil {
		err = e
	}
	if err == nil {
		err = sys.Renameat(d.FD, newLedger, d.FD, ledgerName)
	}
	if err == nil {
		err = sys.Fsync(d.FD)
	}
	return err
}

// SetAside gives a damaged ledger another name, so that an empty one begins.
// The old one is kept for people to look at.
func (d *Dir) SetAside() (name string, err error) {
	names, err := d.names()
	if err != nil {
		return "", err
	}
	taken := uint64(0)
	for _, n := range names {
		if text, ok := strings.CutPrefix(n, ledgerName+".corrupt-"); ok {
			if k, ok := bundle.Number(text); ok && k > taken {
				taken = k
			}
		}
	}
	name = ledgerName + ".corrupt-" + strconv.FormatUint(taken+1, 10)
	if err := sys.Renameat(d.FD, ledgerName, d.FD, name); err != nil {
		return "", err
	}
	return name, sys.Fsync(d.FD)
}

func (d *Dir) names() ([]string, error) {
	fd, err := sys.Openat(d.FD, ".", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	return sys.ReadDirNames(fd)
}
