// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"meta-migration/tests/packages"
)

var formats = map[string]func(string, packages.Compression, ...packages.Package) ([]string, error){
	"ipk": packages.MakeIpk, "deb": packages.MakeDeb, "rpm": packages.MakeRpm,
}

// spoil writes over an eighth of the file, which is in its payload.
func spoil(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) * 3 / 4; i < len(data)*7/8; i++ {
		data[i] ^= 0x55
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Payloads are opened of announcing packages only: one that is damaged is not
// noticed where nothing is announced, unless all are asked for. Of an rpm not
// even then: the list of its files stands in the header.
func TestPayloadsAreNotOpenedForNothing(t *testing.T) {
	content := strings.Repeat("some content that packs to something\n", 20000) + string(random(1<<17))
	for format, mk := range formats {
		t.Run(format, func(t *testing.T) {
			quiet := packages.Package{Name: "quiet", Files: []packages.File{{Path: "/usr/lib/quiet", Data: content}}}
			loud := packages.Migration("loud", "1.0-r0", packages.Snippet("loud", "step", "#!/bin/sh\n:\n"))
			loud.Files = append(loud.Files, packages.File{Path: "/usr/share/other", Data: content})
			files, err := mk(t.TempDir(), packages.Default, quiet, loud)
			packages.Check(t, err)
			for _, file := range files {
				spoil(t, file)
			}
			for _, c := range []struct {
				file     string
				thorough bool
				fault    bool
			}{{files[0], false, false}, {files[0], true, format != "rpm"}, {files[1], false, true}} {
				res, err := Scan(context.Background(), []string{c.file}, c.thorough, 1)
				if err != nil || len(res) != 1 {
					t.Fatal(res, err)
				}
				if got := res[0].Err != nil; got != c.fault {
					t.Errorf("%s, thorough %v: error %v, want one: %v", filepath.Base(c.file), c.thorough, res[0].Err, c.fault)
				}
			}
		})
	}
}

// random is what no codec makes smaller.
func random(n int) []byte {
	data, x := make([]byte, n), uint64(88172645463325252)
	for i := range data {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		data[i] = byte(x)
	}
	return data
}

// A new decoder of zstd or xz takes hundreds of kilobytes, more than all else.
func TestDecodersAreReused(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, too")
	}
	for name, c := range map[string]struct {
		format string
		packages.Compression
	}{"ipk, zstd": {"ipk", packages.Zstd}, "deb, xz": {"deb", packages.Xz}, "ipk, gzip": {"ipk", packages.Gzip}, "rpm": {"rpm", packages.Zstd}} {
		t.Run(name, func(t *testing.T) {
			files, err := formats[c.format](t.TempDir(), c.Compression, packages.Package{Name: "one"})
			packages.Check(t, err)
			r := NewReader()
			defer r.Close()
			read := func() {
				if _, err := r.ReadMetadata(files[0]); err != nil {
					t.Fatal(err)
				}
			}
			read()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			const rounds = 200
			for range rounds {
				read()
			}
			runtime.ReadMemStats(&after)
			if each := (after.TotalAlloc - before.TotalAlloc) / rounds; each > 32<<10 {
				t.Errorf("reading one more package allocates %d bytes", each)
			}
		})
	}
}

// What takes long must not be the last to start; metadata takes the same time
// for all.
func TestReadingOrder(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i, size := range []int64{10, 3000, 0, 3000, 500} {
		file := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, size); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	files = append(files, filepath.Join(dir, "missing"))
	if got, want := readingOrder(files, true), []int{1, 3, 4, 0, 2, 5}; !slices.Equal(got, want) {
		t.Errorf("payloads are read in the order %v, want %v", got, want)
	}
	if got, want := readingOrder(files, false), []int{0, 1, 2, 3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("metadata is read in the order %v, want %v", got, want)
	}
}
