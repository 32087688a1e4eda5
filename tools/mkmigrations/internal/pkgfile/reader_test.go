// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// small are packages of each kind and codec, short enough to be cut and
// changed at every byte.
func small() map[string][]byte {
	control, data := controlTar(), tarOf(goodSnippet())
	rpm := good()
	rpm.tags, rpm.payload = map[uint32]any{1125: "zstd"}, zstdOf(cpioOf(rpm.files...))
	return map[string][]byte{
		"deb gz": debOf(".gz", gzipOf(control), gzipOf(data)),
		"deb xz": debOf(".xz", xzOf(control), xzOf(data)),
		"ipk":    ipkOf(control, data),
		"outer":  outerOf(control, data),
		"rpm":    rpm.bytes(),
	}
}

// TestCutAnywhere cuts each package after every byte: that is an error, since
// a cut package must not look like a short one. Only the last member's padding
// may be missing.
func TestCutAnywhere(t *testing.T) {
	for name, data := range small() {
		r := NewReader()
		for n := range data {
			if pkg, _, err := readBytes(r, data[:n]); err == nil {
				if n < len(data)-1 || data[n] != '\n' {
					t.Errorf("%s cut at %d of %d gives %+v", name, n, len(data), pkg)
				}
			} else if !strings.Contains(err.Error(), `"fuzz"`) {
				t.Errorf("%s cut at %d: the error does not name the file: %v", name, n, err)
			}
		}
		for _, tail := range []string{"\x00", "x", "\n\n"} {
			if _, _, err := readBytes(r, append(bytes.Clone(data), tail...)); err == nil {
				t.Errorf("%s with %q behind it is accepted", name, tail)
			}
		}
	}
}

// TestFlippedBytes changes each byte in two ways: the result is an error or
// the migration as it was. Where a format has no checksum, other bytes of the
// metadata may change.
func TestFlippedBytes(t *testing.T) {
	for name, data := range small() {
		r := NewReader()
		_, want, err := readBytes(r, data)
		if err != nil {
			t.Fatal(name, err)
		}
		for i := range data {
			for _, bits := range []byte{0x01, 0xff} {
				data[i] ^= bits
				if pkg, got, err := readBytes(r, data); err == nil && pkg.Announces && !reflect.DeepEqual(got, want) {
					t.Errorf("%s with byte %d changed by %#x gives %q", name, i, bits, got)
				}
				data[i] ^= bits
			}
		}
	}
}

// TestChecksum says that damage is told from bad form, where a package
// states a checksum itself.
func TestChecksum(t *testing.T) {
	for name, edit := range map[string]func(sig, main, payload *[]byte){
		"header":  func(_, main, _ *[]byte) { (*main)[len(*main)-3] ^= 1 },
		"payload": func(_, _, payload *[]byte) { (*payload)[0] ^= 1 },
	} {
		o := good()
		o.edit = edit
		if _, _, err := readAll(NewReader(), write(t, "x.rpm", o.bytes())); !errors.Is(err, ErrChecksum) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Before rpm 4.14 there was only an MD5 over header and payload.
	o := good()
	o.noSums = true
	o.edit = func(sig, _, _ *[]byte) {
		*sig = headerOf(map[uint32]any{sigMD5: make([]byte, 16)})
		for len(*sig)%8 != 0 {
			*sig = append(*sig, 0)
		}
	}
	if _, _, err := readAll(NewReader(), write(t, "x.rpm", o.bytes())); !errors.Is(err, ErrChecksum) {
		t.Errorf("MD5: %v", err)
	}
}

// TestFirstError writes out the errors that people see most.
func TestFirstError(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.ipk")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	deb := debOf(".gz", gzipOf(controlTar()), gzipOf(tarOf()))
	for file, want := range map[string]string{
		filepath.Join(dir, "none.ipk"): `opening "none.ipk": no such file or directory`,
		fifo:                           `opening "fifo.ipk": not a regular file`,
		dir:                            `opening "": not a regular file`,
		put("empty.rpm", nil):          `reading "empty.rpm": empty file`,
		put("x.deb", []byte("hello")):  `reading "x.deb": neither .deb, .ipk nor .rpm: begins with "hello"`,
		put("cut.deb", deb[:200]):      `reading "cut.deb": member "control.tar.gz": truncated: file ends at 200 bytes, `,
		put("gz.deb", debOf(".gz", gzipOf(controlTar())[:50], nil)): `reading control of "gz.deb": member "control.tar.gz": unexpected EOF`,
		put("link.deb", debWith(link("./usr/share/migration/foo/x", '2', "/etc/shadow"))): `reading data of "link.deb": member "data.tar": ` +
			`"/usr/share/migration/foo/x" is a symbolic link: only regular files are migrations`,
	} {
		_, _, err := readAll(NewReader(), file)
		if err == nil {
			t.Errorf("%s is accepted", file)
			continue
		}
		got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), dir+"/", ""), dir, "")
		if !strings.HasPrefix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestReaderAfterFault guards against a decoder that keeps a fault: the next
// package of the same Reader must read as with a new one.
func TestReaderAfterFault(t *testing.T) {
	r := NewReader()
	for name, data := range small() {
		for _, n := range []int{len(data) / 2, len(data) - 5} {
			if _, _, err := readBytes(r, data[:n]); err == nil {
				t.Errorf("%s cut is accepted", name)
			}
			if _, snippets, err := readBytes(r, data); err != nil || len(snippets) != 1 {
				t.Errorf("%s after a cut one: %v", name, err)
			}
		}
	}
}
