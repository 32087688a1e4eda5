// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"meta-migration/tests/crash"
)

// A disk is a scenario's: what it was, and what happened to it.
type disk struct {
	name     string // at most 20 bytes; one that ends in "-busy" is busy
	runner   string // the program that works on it in the machine
	scenario crash.Scenario
	base     *base
	history  *history
	expect   *crash.Expectation
}

// read takes over what the machine did with the disk.
func (d *disk) read(log, console string) error {
	if !strings.Contains(console, fmt.Sprintf("RAN %s %d\r\n", d.name, d.scenario.Exit)) {
		return fmt.Errorf("reading the console: the runner did not exit with %d on %s", d.scenario.Exit, d.name)
	}
	file, err := os.Open(log)
	if err != nil {
		return err
	}
	defer file.Close()
	entries, err := readLog(file)
	if err != nil {
		return fmt.Errorf("disk %s: %w", d.name, err)
	}
	d.history = newHistory(entries, fsSize)
	if d.history.mark == len(entries) {
		return fmt.Errorf("disk %s: its log has no mark", d.name)
	}
	return os.Remove(log)
}

// A base is a disk's content before the boot, without its empty parts.
type base struct {
	parts []write
}

const grain = 16 << 10

// format makes an ext4 file system, with Debian's default features, of a
// tree. Nothing is left to initialise later, which would only add writes.
func format(file, tree string) (*base, error) {
	if err := makeSparse(file, diskSize); err != nil {
		return nil, err
	}
	cmd := exec.Command("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-J", "size=4",
		"-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", "-d", tree, file, fmt.Sprintf("%dk", fsSize>>10))
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("running mke2fs: %w: %s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	b, empty := &base{}, make([]byte, grain)
	for at := 0; at < len(data); at += grain {
		part := data[at:min(at+grain, len(data))]
		if !bytes.Equal(part, empty[:len(part)]) {
			b.parts = append(b.parts, write{-1, int64(at), bytes.Clone(part)})
		}
	}
	return b, os.Remove(file)
}

// with is the disk with these writes on it.
func (b *base) with(writes []write) *base {
	return &base{append(b.parts[:len(b.parts):len(b.parts)], writes...)}
}

// writeFile makes the disk: what it was, and these writes.
func (b *base) writeFile(path string, writes []write) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = file.Truncate(diskSize)
	for _, list := range [][]write{b.parts, writes} {
		for _, w := range list {
			if err == nil {
				_, err = file.WriteAt(w.data, w.at)
			}
		}
	}
	if e := file.Close(); err == nil {
		err = e
	}
	return err
}

func makeSparse(path string, size int64) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = file.Truncate(size)
	if e := file.Close(); err == nil {
		err = e
	}
	return err
}
