// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// good is an rpm with one migration; each case breaks one thing of it.
func good() rpmOf { return rpmOf{files: []rpmOfFile{goodRpmFile()}} }

func hostileRpm() []hostile {
	// raw cases state no digests, so that nothing else stops them.
	tags := func(set map[uint32]any) func() []byte {
		return func() []byte {
			o := good()
			o.tags, o.noSums = set, true
			return o.bytes()
		}
	}
	edit := func(f func(sig, main, p *[]byte)) func() []byte {
		return func() []byte {
			o := good()
			o.edit = f
			return o.bytes()
		}
	}
	intro := func(tags, size uint32) func() []byte {
		return edit(func(_, main, _ *[]byte) {
			binary.BigEndian.PutUint32((*main)[8:], tags)
			binary.BigEndian.PutUint32((*main)[12:], size)
		})
	}
	lead := func(at int, b byte) func() []byte {
		return func() []byte {
			p := good().bytes()
			p[at] = b
			return p
		}
	}
	return append([]hostile{
		{name: "lead only", make: func() []byte { return good().bytes()[:96] }, want: "truncated"},
		{name: "half a lead", make: func() []byte { return good().bytes()[:50] }, want: "truncated: lead"},
		{name: "unknown kind", make: lead(7, 9), want: "neither binary"},
		{name: "old signature", make: lead(79, 1), want: "signature type 1"},
		{name: "signature magic", make: lead(96, 0), want: "signature header: begins with"},
		{name: "header magic", make: edit(func(_, m, _ *[]byte) { (*m)[0] = 0 }), want: "main header: begins with"},
		// packages.md: 128 bytes that announce 2 GiB, a count that overflows.
		{name: "header of 2 GiB", make: intro(8, 1<<31), want: "at most 64 MiB"},
		{name: "header of 60 MiB", make: intro(8, 60<<20), want: "main header: truncated"},
		{name: "count that overflows 32 bits", make: intro(1<<28+1, 100), want: "1 to 65536"},
		{name: "no tags", make: intro(0, 100), want: "1 to 65536"},
		{name: "signature header of 2 GiB", make: edit(func(s, _, _ *[]byte) { binary.BigEndian.PutUint32((*s)[12:], 1<<31) }), want: "signature header: announces"},
		{name: "offset behind the data", make: tags(map[uint32]any{1005: rawTag{typeInt32, 1 << 30, 1}}), want: "do not fit"},
		{name: "offset that is negative", make: tags(map[uint32]any{1005: rawTag{typeInt32, 0xfffffff0, 1}}), want: "do not fit"},
		{name: "count behind the data", make: tags(map[uint32]any{1005: rawTag{typeInt64, 0, 1 << 20}}), want: "do not fit"},
		{name: "count that is negative", make: tags(map[uint32]any{1005: rawTag{typeInt32, 0, 0xffffffff}}), want: "do not fit"},
		{name: "no values", make: tags(map[uint32]any{tagName: rawTag{typeString, 0, 0}}), want: "do not fit"},
		{name: "unknown type", make: tags(map[uint32]any{1005: rawTag{17, 0, 1}}), want: "not known"},
		{name: "null type", make: tags(map[uint32]any{1005: rawTag{0, 0, 1}}), want: "not known"},
		{name: "negative tag", make: tags(map[uint32]any{0xfffffff0: rawTag{typeInt32, 0, 1}}), want: "do not fit"},
		{name: "string without an end", make: tags(map[uint32]any{6000: rawTag{typeString, 0, 1}, 6001: []byte("xxx"), tagArch: []byte("xxxxx"), tagName: rawTag{typeBin, 0, 4}}), want: "no string"},
		{name: "strings without an end", make: tags(map[uint32]any{6000: rawTag{typeStringArray, 0, 100}}), want: "without an end"},
		{name: "strings over each other", make: overlapping, want: "lies over other tags"},
		{name: "name is a number", make: tags(map[uint32]any{tagName: []uint32{1}}), want: "no string"},
		{name: "name is a path", make: tags(map[uint32]any{tagName: "../foo"}), want: "cannot be in it"},
		{name: "no name", make: tags(map[uint32]any{tagName: nil}), want: "tag NAME: empty"},
		{name: "epoch is a string", make: tags(map[uint32]any{tagEpoch: "1"}), want: "no number"},
		{name: "provides without an end", make: tags(map[uint32]any{tagProvideName: rawTag{typeStringArray, 0, 90}}), want: "do not fit"},
		{name: "a million provides", make: manyProvides, want: "at most 65536"},
		{name: "a string of 5000 bytes", make: tags(map[uint32]any{tagProvideName: []string{"migration-snippets", strings.Repeat("x", 5000)}}), want: "more than 4096 bytes"},
		{name: "tag twice", make: twice, want: "there twice"},
		{name: "directory index out of range", make: tags(map[uint32]any{1116: []uint32{7}}), want: "directory 7 of 1"},
		{name: "directory indexes of 16 bits", make: tags(map[uint32]any{1116: []uint16{0}}), want: "has type"},
		{name: "more directory indexes than files", make: tags(map[uint32]any{1116: []uint32{0, 0}}), want: "2 values for 1 files"},
		{name: "no directories", make: tags(map[uint32]any{1118: nil}), want: "directory 0 of 0"},
		{name: "fewer modes than files", make: func() []byte {
			o := good()
			o.files = append(o.files, o.files[0])
			o.tags = map[uint32]any{1030: []uint16{0o100644}}
			return o.bytes()
		}, want: "1 values for 2 files"},
		{name: "20,000 files", make: func() []byte {
			var o rpmOf
			for i := range 20000 {
				o.files = append(o.files, rpmOfFile{dir: "/", base: fmt.Sprint(i), mode: 0o100644})
			}
			return o.bytes()
		}, want: "of a package with migrations"},
		{name: "modes are strings", make: tags(map[uint32]any{1030: []string{"x"}}), want: "int type"},
		{name: "no users", make: tags(map[uint32]any{1039: nil}), want: "file list: "},
		{name: "60 MiB header of directories", make: manyDirs, want: "at most"},
		{name: "header of 3 MiB", make: tags(map[uint32]any{1005: make([]byte, 3<<20)}), want: "at most 2 MiB"},
		{name: "wrong header digest", make: edit(func(_, m, _ *[]byte) {
			*m = bytes.Replace(*m, []byte("foo-migration\x00"), []byte("fop-migration\x00"), 1)
		}), want: "wrong checksum: SHA256 of the main header"},
		{name: "wrong payload digest", make: edit(func(_, _, p *[]byte) { (*p)[len(*p)-1] ^= 1 }), want: "payload of"},
		{name: "payload cut", make: edit(func(_, _, p *[]byte) { *p = (*p)[:len(*p)-1] }), want: "are announced"},
		{name: "payload with a tail", make: edit(func(_, _, p *[]byte) { *p = append(*p, 0) }), want: "1 bytes behind the end"},
		{name: "digest that is not known", make: tags(map[uint32]any{5092: []string{"x"}, 5093: []uint32{77}}), want: "77 is not known"},
		{name: "digest algorithm missing", make: tags(map[uint32]any{5092: []string{"x"}}), want: "digest algorithm: "},
		{name: "compressor that is not known", make: tags(map[uint32]any{1125: "lz4"}), want: `compressor "lz4"`},
		{name: "compressor that is another", make: tags(map[uint32]any{1125: "xz"}), want: "xz"},
		{name: "payload that is no cpio", make: tags(map[uint32]any{1124: "drpm"}), want: `format "drpm"`},
	}, hostileRpmFiles()...)
}

// overlapping makes 60,000 tags of one long string array: read one by one,
// as the library does, they have 120 GB.
func overlapping() []byte {
	set := map[uint32]any{6000: bytes.Repeat([]byte("x\x00"), 400<<10)}
	for i := range uint32(60_000) {
		set[10_000+i] = rawTag{typeStringArray, 4096, 60_000}
	}
	o := good()
	o.tags, o.noSums = set, true
	return o.bytes()
}

func manyProvides() []byte {
	o := good()
	o.tags = map[uint32]any{tagProvideName: strings.Split(strings.Repeat("a,", 1_000_000), ",")}
	return o.bytes()
}

// manyDirs announces nothing, so that only thorough looks at its list.
func manyDirs() []byte {
	o := good()
	o.tags = map[uint32]any{tagProvideName: []string{"foo"}, 1118: strings.Split(strings.Repeat("/a,", 15<<20), ",")}
	return o.bytes()
}

func twice() []byte {
	o := good()
	o.noSums = true
	o.edit = func(_, main, _ *[]byte) {
		// The second entry becomes a second NAME.
		copy((*main)[32:36], (*main)[16:20])
	}
	return o.bytes()
}

func hostileRpmFiles() []hostile {
	with := func(files ...rpmOfFile) func() []byte { return func() []byte { return rpmOf{files: files}.bytes() } }
	file := func(dir, base string, mode uint16) rpmOfFile {
		return rpmOfFile{dir: dir, base: base, mode: mode, data: goodScript}
	}
	const at = "/usr/share/migration/foo/"
	same := goodRpmFile()
	same.inode = 7
	other := same
	other.base = "other"
	ghost := goodRpmFile()
	ghost.flags = 1 << 6
	return []hostile{
		{name: "symbolic link", make: with(file(at, "x", 0o120777)), want: "symbolic link"},
		{name: "root is a link", make: with(file("/usr/share/", "migration", 0o120777)), want: "not a directory"},
		{name: "hard links", make: with(same, other), want: "hard link"},
		{name: "device", make: with(file(at, "x", 0o060644)), want: "device"},
		{name: "fifo", make: with(file(at, "x", 0o010644)), want: "fifo"},
		{name: "socket", make: with(file(at, "x", 0o140644)), want: "unknown kind"},
		{name: "ghost", make: with(ghost), want: "ghost"},
		{name: "too deep", make: with(file(at+"a/", "b", 0o100644)), want: "is not at"},
		{name: "too shallow", make: with(file("/usr/share/migration/", "b", 0o100644)), want: "is not at"},
		{name: "twice", make: with(goodRpmFile(), goodRpmFile()), want: "listed twice"},
		{name: "newline in the name", make: with(file(at, "x\ny", 0o100644)), want: "not printable"},
		{name: "migration of 2 MiB", make: with(rpmOfFile{dir: at, base: "x", mode: 0o100644, data: strings.Repeat("x", 2<<20)}), want: "at most 1 MiB"},
		{name: "listed, but not packed", make: func() []byte { o := good(); o.payload = cpioOf(); return o.bytes() }, want: "missing in the payload"},
		{name: "packed, but not listed", make: func() []byte {
			o := good()
			o.payload = cpioOf(o.files[0], file(at, "other", 0o100644))
			return o.bytes()
		}, want: "not listed"},
		{name: "packed twice", make: func() []byte { o := good(); o.payload = cpioOf(o.files[0], o.files[0]); return o.bytes() }, want: "there twice"},
		{name: "packed as a link", make: func() []byte {
			o := good()
			o.payload = cpioOf(file(at, "split", 0o120777))
			return o.bytes()
		}, want: "listed as a regular file"},
		{name: "packed with another size", make: func() []byte {
			o := good()
			f := o.files[0]
			f.data += "x"
			o.payload = cpioOf(f)
			return o.bytes()
		}, want: "is listed with"},
		{name: "packed with other content", make: func() []byte {
			o := good()
			f := o.files[0]
			f.data = strings.ToUpper(f.data)
			o.payload = cpioOf(f)
			return o.bytes()
		}, want: "wrong checksum: SHA-256 of"},
	}
}

func hostileCpio() []hostile {
	payload := func(p string) func() []byte {
		return func() []byte {
			o := good()
			o.payload = []byte(p)
			return o.bytes()
		}
	}
	const tail = "\x00\x00" + goodScript
	name := "./usr/share/migration/foo/split\x00"
	entry := cpioHeader(0o100644, uint32(len(goodScript)), uint32(len(name)))
	field := func(i int, text string) string {
		at := 6 + 8*i
		return entry[:at] + text + entry[at+8:] + name + tail
	}
	return []hostile{
		{name: "empty", make: payload(""), want: "unexpected EOF"},
		{name: "magic", make: payload("070707" + entry[6:] + name), want: "begins with"},
		// packages.md: a panic of the library's reader, and 2 GiB in 110 bytes.
		{name: "name of no bytes", make: payload(field(11, "00000000")), want: "name of 0 bytes"},
		{name: "name of 2 GiB", make: payload(field(11, "7fffffff")), want: "name of 2147483647 bytes"},
		{name: "name without NUL", make: payload(strings.Replace(entry+name+tail, "\x00", "x", 1)), want: "NUL"},
		{name: "name with NULs", make: payload(entry + strings.Replace(name, "usr", "u\x00r", 1) + tail), want: "NUL"},
		{name: "name upwards", make: payload(entry + strings.Replace(name, "usr", "../", 1) + tail), want: "leads upwards"},
		{name: "size with a sign", make: payload(field(6, "-0000001")), want: "no number"},
		{name: "size with an underscore", make: payload(field(6, "0000_001")), want: "no number"},
		{name: "file of 2 GiB", make: payload(field(6, "7fffffff")), want: "announces"},
		{name: "file of 60 MiB", make: payload(field(6, "03c00000")), want: "at most 1 MiB"},
		{name: "cut in the content", make: payload(entry + name + tail[:5]), want: "unexpected EOF"},
		{name: "no trailer", make: func() []byte {
			o := good()
			p := cpioOf(o.files...)
			o.payload = p[:bytes.LastIndex(p, []byte(cpioNewc))]
			return o.bytes()
		}, want: "unexpected EOF"},
		{name: "archive behind the trailer", make: payload(string(cpioOf(goodRpmFile())) + string(cpioOf())), want: "data behind"},
		{name: "index out of range", make: payload("07070X00000001\x00\x00"), want: "file 1 of 1"},
		{name: "index that is negative", make: payload("07070X-0000001\x00\x00"), want: "no number"},
		{name: "700,000 entries of nothing", make: func() []byte {
			o := good()
			var b bytes.Buffer
			for b.Len() < 60<<20 {
				writeCpio(&b, "./x", 0o100644, "")
			}
			o.payload = b.Bytes()
			return o.bytes()
		}, want: "not listed"},
	}
}
