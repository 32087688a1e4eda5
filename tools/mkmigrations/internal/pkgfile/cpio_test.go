// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"testing"
)

// readCpio walks an archive in memory. Stripped entries are named by index.
func readCpio(data []byte, sizes []int64) ([]rpmOfFile, error) {
	var dec decoders
	s, err := dec.unpack(plain, bytes.NewReader(data), 1<<20, maxWindow)
	if err != nil {
		return nil, err
	}
	var files []rpmOfFile
	err = walkCpio(s, sizes, func(e cpioEntry, in io.Reader) error {
		content, err := io.ReadAll(in)
		if e.stripped {
			e.name = fmt.Sprintf(".%d", e.index)
		}
		if e.name[0] == '.' {
			e.name = e.name[1:]
		}
		if e.name == "" {
			e.name = "/"
		}
		files = append(files, rpmOfFile{base: e.name, mode: uint16(e.mode), data: string(content)})
		return err
	})
	return files, err
}

// TestCpioStripped guards the padding behind a stripped header. The bytes are
// what rpmbuild 4.18 writes for a package that has a file of over 4 GiB;
// go-rpmutils takes the two padding bytes for content.
func TestCpioStripped(t *testing.T) {
	trailer := cpioOf()
	data := "07070X00000001\x00\x00abc\n" + "07070X00000000\x00\x00wxyz1\x00\x00\x00" + string(trailer)
	got, err := readCpio([]byte(data), []int64{5, 4})
	want := []rpmOfFile{{base: "1", data: "abc\n"}, {base: "0", data: "wxyz1"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestRpmStripped reads a whole package of that kind, as rpm 6 writes all.
func TestRpmStripped(t *testing.T) {
	o := rpmOf{files: []rpmOfFile{{dir: "/", base: "other", mode: 0o100644, data: "12345"}, goodRpmFile()}}
	o.payload = []byte("07070X00000000\x00\x0012345\x00\x00\x00" + "07070X00000001\x00\x00" + goodScript + string(cpioOf()))
	if len(goodScript)%4 != 0 {
		t.Fatal("the sample needs padding")
	}
	_, snippets, err := readAll(NewReader(), write(t, "x.rpm", o.bytes()))
	if err != nil || len(snippets) != 1 || string(snippets[0].Data) != goodScript {
		t.Errorf("got %+v, %v", snippets, err)
	}
}

// TestRpmHardLinks: hard links elsewhere in a package do no harm. All but the
// last of a group have no content in the payload, whatever size is listed.
func TestRpmHardLinks(t *testing.T) {
	o := rpmOf{files: []rpmOfFile{
		{dir: "/usr/bin/", base: "a", mode: 0o100755, data: "linked", inode: 7},
		{dir: "/usr/bin/", base: "b", mode: 0o100755, data: "linked", inode: 7},
		goodRpmFile(),
	}}
	empty := o.files[0]
	empty.data = ""
	newc := cpioOf(empty, o.files[1], o.files[2])
	stripped := "07070X00000000\x00\x00" + "07070X00000001\x00\x00linked\x00\x00" +
		"07070X00000002\x00\x00" + goodScript + string(cpioOf())
	for name, payload := range map[string][]byte{"newc": newc, "stripped": []byte(stripped)} {
		o.payload = payload
		_, snippets, err := readAll(NewReader(), write(t, "x.rpm", o.bytes()))
		if err != nil || len(snippets) != 1 || string(snippets[0].Data) != goodScript {
			t.Errorf("%s: %+v, %v", name, snippets, err)
		}
	}
}
