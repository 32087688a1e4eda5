// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
)

// hostileFiles are no packages at all, or no longer.
func hostileFiles() []hostile {
	good := debWith(goodSnippet())
	return []hostile{
		{name: "empty", make: func() []byte { return nil }, want: "empty file"},
		{name: "text", make: func() []byte { return []byte("#!/bin/sh\nrm -rf /\n") }, want: `begins with "#!/bin/s"`},
		{name: "zip", make: func() []byte { return []byte("PK\x03\x04") }, want: "neither .deb, .ipk nor .rpm"},
		{name: "part of the magic", make: func() []byte { return []byte("!<ar") }, want: "neither"},
		{name: "a hole of 1 TiB", size: 1 << 40, make: func() []byte { return nil }, want: "neither"},
		{name: "cut in the middle", make: func() []byte { return good[:len(good)/2] }, want: "truncated"},
		{name: "garbage behind", make: func() []byte { return append(good, "garbage"...) }, want: "7 bytes behind the last member"},
		{name: "member of garbage behind", make: func() []byte { return append(good, strings.Repeat("x", 60)...) }, want: "not with the mark"},
		{name: "gzip of no tar", make: func() []byte { return gzipOf([]byte("hello")) }, want: "unexpected EOF"},
		{name: "gzip that is cut", make: func() []byte { b := outerOf(controlTar(), tarOf(goodSnippet())); return b[:len(b)-9] }, want: "unexpected EOF"},
		{name: "gzip with a tail", make: func() []byte { return append(outerOf(controlTar(), tarOf(goodSnippet())), "tail"...) }, want: "gzip"},
	}
}

func hostileAr() []hostile {
	bin := arPart{name: "debian-binary", data: []byte("2.0\n")}
	control := arPart{name: "control.tar", data: controlTar()}
	data := arPart{name: "data.tar", data: tarOf(goodSnippet())}
	quiet := quietControlTar()
	header := func(at int, text string) func() []byte {
		h := arHeader("control.tar", int64(len(control.data)))
		h = h[:at] + text + h[at+len(text):]
		return func() []byte { return arOf(bin, arPart{data: control.data, header: h}, data) }
	}
	return []hostile{
		// packages.md: what makes github.com/blakesmith/ar panic, loop or lie.
		{name: "mode of one digit", make: header(40, "0       "), want: "mode"},
		{name: "mode that is blank", make: header(40, "        "), want: "mode"},
		{name: "mode that is no number", make: header(40, "rwxr-xr-"), want: "mode"},
		{name: "negative size", make: header(48, "-60       "), want: `size "-60`},
		{name: "size that is no number", make: header(48, "zz        "), want: `size "zz`},
		{name: "size that is blank", make: header(48, "          "), want: "size"},
		{name: "size with a number behind", make: header(48, "1 000     "), want: "size"},
		{name: "wrong header mark", make: header(58, "xx"), want: "not with the mark"},
		{name: "member of 9 GB in a small file", make: header(48, "9999999999"), want: "truncated"},
		{name: "data of zeros in a hole", size: 1<<33 + 8 + 60 + 4 + 60 + int64(len(control.data)) + 60, make: func() []byte {
			return arOf(bin, control, arPart{header: arHeader("data.tar", 1<<33)})
		}, want: "at most 64 MiB"},
		{name: "zeros in a hole, nothing announced", size: 1<<33 + 8 + 60 + 4 + 60 + int64(len(quiet)) + 60, make: func() []byte {
			return arOf(bin, arPart{name: "control.tar", data: quiet}, arPart{header: arHeader("data.tar", 1<<33)})
		}, want: "more than 1 MiB behind the end"},
		{name: "GNU table of names", make: func() []byte { return arOf(bin, arPart{name: "//", data: []byte("x\n")}, control, data) }, want: "long name"},
		{name: "GNU symbol table", make: func() []byte { return arOf(bin, arPart{name: "/", data: []byte("x\n")}, control, data) }, want: "table"},
		{name: "GNU long name", make: func() []byte { return arOf(bin, arPart{name: "/12", data: []byte("x\n")}, control, data) }, want: "none of a package"},
		{name: "BSD long name", make: func() []byte { return arOf(bin, arPart{name: "#1/20", data: []byte("x\n")}, control, data) }, want: "long name"},
		{name: "a million members", make: func() []byte {
			return append(arOf(bin), strings.Repeat(arHeader("_x", 0), 1_000_000)...)
		}, want: "more than 16 members"},
		{name: "bad padding", make: func() []byte {
			b := arOf(bin, arPart{name: "_x", data: []byte("y")}, control, data)
			return bytes.Replace(b, []byte("y\n"), []byte("yz"), 1)
		}, want: "padded with"},
		{name: "no members", make: func() []byte { return []byte(arMagic) }, want: "without members"},
		{name: "two controls", make: func() []byte { return arOf(bin, control, control, data) }, want: "two members control.tar"},
		{name: "two data of two codecs", make: func() []byte {
			return arOf(bin, control, data, arPart{name: "data.tar.gz", data: gzipOf(nil)})
		}, want: "two members data.tar"},
		{name: "data before control", make: func() []byte { return arOf(bin, data, control) }, want: "before control"},
		{name: "no data", make: func() []byte { return arOf(bin, control) }, want: "no data.tar"},
		{name: "no control", make: func() []byte { return arOf(bin, data) }, want: "no control.tar"},
		{name: "no debian-binary", make: func() []byte { return arOf(control, data) }, want: "first member"},
		{name: "format 3", make: func() []byte { return arOf(arPart{name: bin.name, data: []byte("3.0\n")}, control, data) }, want: "not version 2"},
		{name: "huge debian-binary", make: func() []byte {
			return arOf(arPart{name: bin.name, data: make([]byte, 20<<20)}, control, data)
		}, want: "debian-binary has"},
		{name: "foreign member", make: func() []byte { return arOf(bin, control, arPart{name: "evil.sh"}, data) }, want: "none of a package"},
		{name: "codec that is not read", make: func() []byte { return arOf(bin, arPart{name: "control.tar.lzo"}, data) }, want: "not read"},
		{name: "codec that is another", make: func() []byte {
			return arOf(bin, arPart{name: "control.tar.gz", data: xzOf(control.data)}, data)
		}, want: "gzip"},
		{name: "outer tar without data", make: func() []byte {
			return gzipOf(tarOf(regularEntry("debian-binary", "2.0\n"), regularEntry("control.tar", string(control.data))))
		}, want: `0 members "data"`},
		{name: "outer tar with two controls", make: func() []byte {
			c := regularEntry("control.tar", string(control.data))
			return gzipOf(tarOf(regularEntry("debian-binary", "2.0\n"), c, c, regularEntry("data.tar", string(data.data))))
		}, want: `2 members "control"`},
		{name: "outer tar with a link", make: func() []byte {
			return gzipOf(tarOf(tarEntry{Header: tar.Header{Name: "control.tar", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"}}))
		}, want: "symbolic link"},
	}
}

// link is an entry of a kind that has no content.
func link(name string, kind byte, target string) tarEntry {
	return tarEntry{Header: tar.Header{Name: name, Typeflag: kind, Linkname: target, Mode: 0o755}}
}

func hostileTar() []hostile {
	const at = "./usr/share/migration/foo/"
	with := func(e ...tarEntry) func() []byte { return func() []byte { return debWith(e...) } }
	script := func(name string) tarEntry { return regularEntry(name, goodScript) }
	many := func(n, size int) func() []byte {
		return func() []byte {
			var e []tarEntry
			for i := range n {
				e = append(e, regularEntry(fmt.Sprintf("%s%d", at, i), strings.Repeat("x", size)))
			}
			return debOf(".zst", zstdOf(controlTar()), zstdOf(tarOf(e...)))
		}
	}
	return []hostile{
		{name: "symbolic link", make: with(link(at+"x", tar.TypeSymlink, "/etc/shadow")), want: "symbolic link"},
		{name: "symbolic link, then a file through it", make: with(link("./usr/share/migration/foo", tar.TypeSymlink, "/etc"), script(at+"passwd")), want: "symbolic link"},
		{name: "directory replaced by a file", make: with(script("./usr/share/migration/foo")), want: "is not at"},
		{name: "file, then the same as a directory", make: with(script(at+"x"), link(at+"x", tar.TypeDir, "")), want: "there twice"},
		{name: "root is a link", make: with(link("./usr/share/migration", tar.TypeSymlink, "/tmp"), script(at+"x")), want: "not a directory"},
		{name: "parent is a link", make: with(link("./usr/share", tar.TypeSymlink, "/tmp"), script(at+"x")), want: "not a directory"},
		{name: "hard link", make: with(goodSnippet(), link(at+"x", tar.TypeLink, at+"split")), want: "hard link"},
		{name: "hard link out", make: with(link(at+"x", tar.TypeLink, "/etc/shadow")), want: "hard link"},
		{name: "character device", make: with(link(at+"x", tar.TypeChar, "")), want: "device"},
		{name: "block device", make: with(link(at+"x", tar.TypeBlock, "")), want: "device"},
		{name: "fifo", make: with(link(at+"x", tar.TypeFifo, "")), want: "fifo"},
		{name: "unknown type", make: with(link(at+"x", 'Z', "")), want: "unknown kind"},
		{name: "too deep", make: with(script(at + "a/b")), want: "is not at"},
		{name: "too shallow", make: with(script("./usr/share/migration/x")), want: "is not at"},
		{name: "upwards", make: with(script(at + "../../../../../etc/passwd")), want: "leads upwards"},
		{name: "upwards and back", make: with(script(at + "../foo/x")), want: "leads upwards"},
		{name: "upwards elsewhere", make: with(script("../etc/passwd")), want: "leads upwards"},
		{name: "absolute", make: with(script("/usr/share/migration/foo/x")), want: "is not written as"},
		{name: "two slashes", make: with(script("./usr//share/migration/foo/x")), want: "is not written as"},
		{name: "dots", make: with(script("././usr/share/./migration/foo/x")), want: "is not written as"},
		{name: "newline in the name", make: with(script(at + "x\ny")), want: "not printable"},
		{name: "escape in the name", make: with(script(at + "x\x1b[2J")), want: "not printable"},
		{name: "space in the name", make: with(script(at + "x y")), want: "a space"},
		{name: "twice", make: with(script(at+"x"), script(at+"x")), want: "there twice"},
		{name: "twice, written in two ways", make: with(script(at+"x"), script(strings.TrimPrefix(at, "./")+"x")), want: "there twice"},
		{name: "name of 900 KB", make: with(script(strings.Repeat("a/", 450_000) + "x")), want: "tar header larger than"},
		{name: "name of 8 KiB", make: with(script(strings.Repeat("a/", 1<<12) + "x")), want: "path of more than"},
		{name: "link target of 900 KB", make: with(link("./x", tar.TypeSymlink, strings.Repeat("a/", 450_000))), want: "tar header larger than"},
		{name: "pax records of 900 KiB", make: with(tarEntry{Header: tar.Header{
			Name: "x", Typeflag: tar.TypeReg, Format: tar.FormatPAX, PAXRecords: map[string]string{"a.b": strings.Repeat("x", 900<<10)},
		}}), want: "tar header larger than"},
		{name: "migration of 2 MiB", make: with(regularEntry(at+"x", strings.Repeat("x", 2<<20))), want: "at most 1 MiB"},
		{name: "5,000 migrations", make: many(5000, 1), want: "more than 4096 migrations"},
		{name: "17 MiB of migrations", make: many(34, 512<<10), want: "more than 16 MiB"},
		{name: "20,000 directories", make: func() []byte {
			var e []tarEntry
			for i := range 20000 {
				e = append(e, link(fmt.Sprintf("%s%d/", at, i), tar.TypeDir, ""))
			}
			return debWith(e...)
		}, want: "more than 16384 entries"},
		{name: "file of 10 GiB announced", make: func() []byte {
			return debOf("", controlTar(), announced(at+"x", 10<<30))
		}, want: "announces 10737418240 bytes"},
		{name: "sparse map of a million regions", make: func() []byte {
			return debOf(".zst", zstdOf(controlTar()), zstdOf(sparseTar(1_000_000)))
		}, want: "tar header larger than"},
		{name: "sparse file of 1 EiB", make: func() []byte { return debOf("", controlTar(), sparseTar(1)) }, want: "is a sparse file"},
		{name: "cut without an end mark", make: func() []byte {
			b := tarOf(goodSnippet())
			return debOf("", controlTar(), b[:len(b)-1024])
		}, want: "without an end mark"},
		{name: "wrong header checksum", make: func() []byte {
			b := tarOf(goodSnippet())
			b[0]++
			return debOf("", controlTar(), b)
		}, want: "invalid tar header"},
		{name: "archive behind the end", make: func() []byte {
			return debOf("", controlTar(), append(tarOf(), tarOf(goodSnippet())...))
		}, want: "data behind the end"},
	}
}

// announced is a tar whose only entry announces more than follows.
func announced(name string, size int64) []byte {
	var b bytes.Buffer
	check(tar.NewWriter(&b).WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: size}))
	return b.Bytes()
}

// sparseTar is a file in GNU's pax format 1.0, whose map stands in front of
// the content: the number of regions, then offset and length of each.
func sparseTar(regions int) []byte {
	var m strings.Builder
	fmt.Fprintf(&m, "%d\n", regions)
	for range regions {
		m.WriteString("0\n0\n")
	}
	for m.Len()%512 != 0 {
		m.WriteByte(0)
	}
	records := map[string]string{"major": "1", "minor": "0", "name": "sparse", "realsize": "1152921504606846976"}
	var pax string
	for _, key := range []string{"major", "minor", "name", "realsize"} {
		record := fmt.Sprintf(" GNU.sparse.%s=%s\n", key, records[key])
		n := len(record) + 2
		pax += fmt.Sprint(n) + record
	}
	// tar.Writer refuses these keys, so the pax header is an entry of another
	// type whose flag and checksum are put right.
	x := tarOf(regularEntry("pax", pax))
	x = x[:len(x)-1024]
	setFlag(x, tar.TypeXHeader)
	return append(x, tarOf(regularEntry("sparse", m.String()))...)
}

func setFlag(block []byte, flag byte) {
	block[156] = flag
	copy(block[148:156], "        ")
	sum := 0
	for _, c := range block[:512] {
		sum += int(c)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
}
