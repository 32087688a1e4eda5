// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"archive/tar"
	"fmt"
	"io"
	"math/rand"
	"os"

	"github.com/klauspost/compress/zstd"
)

// writeIpk writes an ipk whose data is one file of size bytes that do not
// pack, or of as many zeros, and a migration if it announces some. Nothing
// else makes packages of a gigabyte in a second.
func writeIpk(file string, size int64, announces, zeros bool) error {
	control := "Package: large\nVersion: 1.0-r0\nArchitecture: all\nOE: large\n"
	if announces {
		control += "Provides: migration-snippets\n"
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.WriteString(out, "!<arch>\n"); err != nil {
		return err
	}
	members := []struct {
		name string
		fill func(io.Writer) error
	}{
		{"debian-binary/", func(w io.Writer) error { _, err := io.WriteString(w, "2.0\n"); return err }},
		{"control.tar.zst/", packed(func(w *tar.Writer) error { return tarFile(w, "./control", control) })},
		{"data.tar.zst/", packed(func(w *tar.Writer) error {
			if announces {
				if err := tarFile(w, "./usr/share/migration/large/step", "#!/bin/sh\n:\n"); err != nil {
					return err
				}
			}
			return tarContent(w, size, zeros)
		})},
	}
	for _, m := range members {
		if err := member(out, m.name, m.fill); err != nil {
			return err
		}
	}
	return nil
}

// member writes an ar member, and then its size into its header.
func member(out *os.File, name string, fill func(io.Writer) error) error {
	at, err := out.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	head := func(size int64) string {
		return fmt.Sprintf("%-16s%-12d%-6d%-6d%-8o%-10d`\n", name, 0, 0, 0, 0o100644, size)
	}
	if _, err := io.WriteString(out, head(0)); err != nil {
		return err
	}
	if err := fill(out); err != nil {
		return err
	}
	end, err := out.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	size := end - at - 60
	if _, err := out.WriteAt([]byte(head(size)), at); err != nil {
		return err
	}
	if size%2 == 1 {
		_, err = io.WriteString(out, "\n")
	}
	return err
}

func packed(fill func(*tar.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return err
		}
		t := tar.NewWriter(z)
		if err := fill(t); err != nil {
			return err
		}
		if err := t.Close(); err != nil {
			return err
		}
		return z.Close()
	}
}

func tarFile(w *tar.Writer, name, text string) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		return err
	}
	_, err := io.WriteString(w, text)
	return err
}

func tarContent(w *tar.Writer, size int64, zeros bool) error {
	if err := w.WriteHeader(&tar.Header{Name: "./usr/lib/large", Mode: 0o644, Size: size}); err != nil {
		return err
	}
	var from io.Reader = zeroReader{}
	if !zeros {
		from = rand.New(rand.NewSource(1))
	}
	_, err := io.CopyN(w, from, size)
	return err
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
