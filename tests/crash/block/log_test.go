// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// encode writes a log as readLog reads it. Of a head sector only what
// readLog looks at is set.
func encode(entries []entry) []byte {
	words := func(all ...uint64) []byte {
		head := make([]byte, sector)
		for i, w := range all {
			binary.LittleEndian.PutUint64(head[8*i:], w)
		}
		return head
	}
	log := words(logMagic, 1, uint64(len(entries)), sector)
	for _, e := range entries {
		log = append(log, words(uint64(e.at/sector), uint64(e.size/sector), e.flags, 0)...)
		log = append(log, e.data...)
	}
	return log
}

func data(b byte, size int) []byte { return bytes.Repeat([]byte{b}, size) }

func TestReadLog(t *testing.T) {
	want := []entry{
		{at: 4096, size: 8192, data: data('a', 8192)},
		{flags: flagFlush},
		{at: 512, size: 1024, flags: flagDiscard},
		{at: 0, size: 512, flags: flagFUA, data: data('b', 512)},
	}
	log := encode(want)
	got, err := readLog(bytes.NewReader(log))
	if err != nil || !bytes.Equal(encode(got), log) {
		t.Fatalf("read %v, %v", got, err)
	}
	for cut, says := range map[int]string{100: "the head", 600: "entry 0", 3000: "the data of entry 0", len(log) - 1: "the data of entry 3"} {
		if _, err := readLog(bytes.NewReader(log[:cut])); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("cut at %d: %v, want an error about %s", cut, err, says)
		}
	}
	log[0]++
	if _, err := readLog(bytes.NewReader(log)); err == nil {
		t.Error("a wrong magic number is no error")
	}
}

// FuzzReadLog: what is read is what stands there.
func FuzzReadLog(f *testing.F) {
	f.Add(encode(nil))
	f.Add(encode([]entry{{at: 4096, size: 512, data: data('a', 512)}, {flags: flagFlush}}))
	f.Fuzz(func(t *testing.T, log []byte) {
		entries, err := readLog(bytes.NewReader(log))
		if err != nil {
			return
		}
		again, err := readLog(bytes.NewReader(encode(entries)))
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%d entries are %d when written and read again: %v", len(entries), len(again), err)
		}
		for i := range entries {
			if a, b := entries[i], again[i]; a.at != b.at || a.size != b.size || a.flags != b.flags || !bytes.Equal(a.data, b.data) {
				t.Fatalf("entry %d: %v became %v", i, a, b)
			}
		}
	})
}
