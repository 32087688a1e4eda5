// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Packages that no tool would make are put together here. Each writer is
// correct by default, so that a test states only what it breaks.

const goodControl = "Package: foo-migration\nVersion: 1.0-r0\nArchitecture: all\nOE: foo\nProvides: migration-snippets\n"

const goodScript = "#!/bin/sh\n:\n"

// regularEntry is a tar entry of a regular file.
func regularEntry(name, data string) tarEntry {
	return tarEntry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data))}, data}
}

func goodSnippet() tarEntry { return regularEntry("./usr/share/migration/foo/split", goodScript) }

type tarEntry struct {
	tar.Header
	data string
}

// tarOf writes entries as they are; tar.Writer refuses what is inconsistent.
func tarOf(entries ...tarEntry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := e.Header
		check(w.WriteHeader(&h))
		_, err := io.WriteString(w, e.data)
		check(err)
	}
	check(w.Close())
	return b.Bytes()
}

func controlTar() []byte { return tarOf(regularEntry("./control", goodControl)) }

// arPart is one member; header, if set, replaces the 60 bytes.
type arPart struct {
	name   string
	data   []byte
	header string
}

func arHeader(name string, size int64) string {
	// %-16s would count characters, not bytes.
	pad := strings.Repeat(" ", max(0, 16-len(name)))
	return fmt.Sprintf("%s%-12d%-6d%-6d%-8s%-10d`\n", name+pad, 1700000000, 0, 0, "100644", size)
}

func arOf(parts ...arPart) []byte {
	b := bytes.NewBufferString(arMagic)
	for _, p := range parts {
		if p.header == "" {
			p.header = arHeader(p.name, int64(len(p.data)))
		}
		b.WriteString(p.header)
		b.Write(p.data)
		if len(p.data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

// debOf joins a deb from its two archives, plain if the suffix is empty.
func debOf(suffix string, control, data []byte) []byte {
	return arOf(arPart{name: "debian-binary", data: []byte("2.0\n")},
		arPart{name: "control.tar" + suffix, data: control}, arPart{name: "data.tar" + suffix, data: data})
}

// debWith is a good deb but for the data archive's entries.
func debWith(entries ...tarEntry) []byte { return debOf("", controlTar(), tarOf(entries...)) }

func ipkOf(control, data []byte) []byte {
	return arOf(arPart{name: "debian-binary/", data: []byte("2.0\n")},
		arPart{name: "control.tar.zst/", data: zstdOf(control)}, arPart{name: "data.tar.zst/", data: zstdOf(data)})
}

func outerOf(control, data []byte) []byte {
	return gzipOf(tarOf(regularEntry("./debian-binary", "2.0\n"),
		regularEntry("./data.tar.gz", string(gzipOf(data))), regularEntry("./control.tar.gz", string(gzipOf(control)))))
}

func gzipOf(p []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(p)
	check(err)
	check(w.Close())
	return b.Bytes()
}

func zstdOf(p []byte) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<20))
	check(err)
	_, err = w.Write(p)
	check(err)
	check(w.Close())
	return b.Bytes()
}

func xzOf(p []byte) []byte {
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
	check(err)
	_, err = w.Write(p)
	check(err)
	check(w.Close())
	return b.Bytes()
}

// rawTag is an index entry without a value of its own. Other tags are given as
// string, []string, []uint16, []uint32 or []byte.
type rawTag struct {
	typ, off, count uint32
}

// rpmOf describes an rpm. Zero values are those of a good one.
type rpmOf struct {
	tags    map[uint32]any // added to the default ones, nil removes one
	files   []rpmOfFile
	payload []byte                     // packed; nil is a cpio of files
	edit    func(sig, main, p *[]byte) // last, with the digests already made
	noSums  bool
}

type rpmOfFile struct {
	dir, base string
	mode      uint16
	data      string
	inode     uint32
	flags     uint32
}

func goodRpmFile() rpmOfFile {
	return rpmOfFile{dir: "/usr/share/migration/foo/", base: "split", mode: 0o100644, data: goodScript}
}

func (o rpmOf) bytes() []byte {
	tags := map[uint32]any{
		tagName: "foo-migration", tagVersion: "1.0", tagRelease: "r0", tagArch: "noarch",
		tagSourceRpm: "foo-1.0-r0.src.rpm", tagProvideName: []string{"foo-migration", "migration-snippets"},
		1124: "cpio",
	}
	if len(o.files) > 0 {
		addFileTags(tags, o.files)
	}
	payload := o.payload
	if payload == nil {
		payload = cpioOf(o.files...)
	}
	if !o.noSums {
		sum := sha256.Sum256(payload)
		tags[5092], tags[5093] = []string{hex.EncodeToString(sum[:])}, []uint32{8}
	}
	for tag, value := range o.tags {
		tags[tag] = value
	}
	main := headerOf(tags)
	sigTags := map[uint32]any{}
	if !o.noSums {
		sum := sha256.Sum256(main)
		sigTags[sigSHA256] = hex.EncodeToString(sum[:])
		sigTags[sigSize] = []uint32{uint32(len(main) + len(payload))}
	} else {
		sigTags[1008] = []byte{0}
	}
	sig := headerOf(sigTags)
	for len(sig)%8 != 0 {
		sig = append(sig, 0)
	}
	if o.edit != nil {
		o.edit(&sig, &main, &payload)
	}
	lead := make([]byte, rpmLeadSize)
	copy(lead, rpmMagic+"\x03\x00\x00\x00\x00\x01foo-migration-1.0-r0")
	lead[77], lead[79] = 1, 5
	return bytes.Join([][]byte{lead, sig, main, payload}, nil)
}

func addFileTags(tags map[uint32]any, files []rpmOfFile) {
	var base, dirs, digests, users, links []string
	var index, sizes, flags, times, inodes, devices []uint32
	var modes []uint16
	for i, f := range files {
		base, dirs, index = append(base, f.base), append(dirs, f.dir), append(index, uint32(i))
		sum := sha256.Sum256([]byte(f.data))
		digest := hex.EncodeToString(sum[:])
		if f.mode&0o170000 != 0o100000 {
			digest = ""
		}
		digests, users = append(digests, digest), append(users, "root")
		link := ""
		if f.mode&0o170000 == 0o120000 {
			link = f.data
		}
		links = append(links, link)
		sizes, modes, flags = append(sizes, uint32(len(f.data))), append(modes, f.mode), append(flags, f.flags)
		inode := f.inode
		if inode == 0 {
			inode = uint32(1000 + i)
		}
		times, inodes, devices = append(times, 0), append(inodes, inode), append(devices, 1)
	}
	for tag, value := range map[uint32]any{
		1117: base, 1118: dirs, 1116: index, 1028: sizes, 1030: modes, 1034: times, 1035: digests,
		1036: links, 1037: flags, 1039: users, 1040: users, 1095: devices, 1096: inodes, 5011: []uint32{8},
	} {
		tags[tag] = value
	}
}

// headerOf writes intro, index in order of tags, and store.
func headerOf(tags map[uint32]any) []byte {
	var order []uint32
	for tag, value := range tags {
		if value != nil {
			order = append(order, tag)
		}
	}
	sort.Slice(order, func(i, k int) bool { return order[i] < order[k] })
	var index, store bytes.Buffer
	put := func(v ...uint32) { check(binary.Write(&index, binary.BigEndian, v)) }
	for _, tag := range order {
		at := func(align int) uint32 {
			for store.Len()%align != 0 {
				store.WriteByte(0)
			}
			return uint32(store.Len())
		}
		switch v := tags[tag].(type) {
		case string:
			put(tag, typeString, at(1), 1)
			store.WriteString(v + "\x00")
		case []string:
			put(tag, typeStringArray, at(1), uint32(len(v)))
			for _, s := range v {
				store.WriteString(s + "\x00")
			}
		case []uint16:
			put(tag, typeInt16, at(2), uint32(len(v)))
			check(binary.Write(&store, binary.BigEndian, v))
		case []uint32:
			put(tag, typeInt32, at(4), uint32(len(v)))
			check(binary.Write(&store, binary.BigEndian, v))
		case []byte:
			put(tag, typeBin, at(1), uint32(len(v)))
			store.Write(v)
		case rawTag:
			put(tag, v.typ, v.off, v.count)
		default:
			panic(fmt.Sprintf("tag %d: %T", tag, v))
		}
	}
	return bytes.Join([][]byte{intro(len(order), store.Len()), index.Bytes(), store.Bytes()}, nil)
}

func intro(tags, size int) []byte {
	p := binary.BigEndian.AppendUint32(nil, rpmIntroMagic)
	p = binary.BigEndian.AppendUint32(p, 0)
	p = binary.BigEndian.AppendUint32(p, uint32(tags))
	return binary.BigEndian.AppendUint32(p, uint32(size))
}

func cpioOf(files ...rpmOfFile) []byte {
	var b bytes.Buffer
	for _, f := range files {
		writeCpio(&b, "."+f.dir+f.base, uint32(f.mode), f.data)
	}
	writeCpio(&b, cpioTrailer, 0, "")
	return b.Bytes()
}

func writeCpio(b *bytes.Buffer, name string, mode uint32, data string) {
	b.WriteString(cpioHeader(mode, uint32(len(data)), uint32(len(name)+1)))
	b.WriteString(name + "\x00")
	pad4(b)
	b.WriteString(data)
	pad4(b)
}

func cpioHeader(mode, size, nameSize uint32) string {
	return fmt.Sprintf("%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		cpioNewc, 1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, nameSize, 0)
}

func pad4(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}

// check is for writers into memory, whose faults are the test's own.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// write puts data into a file and returns its path.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// readAll reads metadata and then snippets, of a package that announces
// nothing too, as a thorough Scan does.
func readAll(r *Reader, file string) (*Package, []Snippet, error) {
	pkg, err := r.ReadMetadata(file)
	if err != nil {
		return nil, nil, err
	}
	snippets, err := r.ReadSnippets(pkg)
	return pkg, snippets, err
}

// TestMade holds the writers above to what they claim: packages that are
// good, so that the hostile ones fail for what they break.
func TestMade(t *testing.T) {
	data := tarOf(goodSnippet())
	for name, pkg := range map[string][]byte{
		"deb": debOf("", controlTar(), data), "ipk": ipkOf(controlTar(), data), "outer": outerOf(controlTar(), data),
		"deb xz":  debOf(".xz", xzOf(controlTar()), xzOf(data)),
		"deb gz":  debOf(".gz", gzipOf(controlTar()), gzipOf(data)),
		"rpm":     rpmOf{files: []rpmOfFile{goodRpmFile()}}.bytes(),
		"rpm old": rpmOf{files: []rpmOfFile{goodRpmFile()}, noSums: true}.bytes(),
	} {
		p, snippets, err := readAll(NewReader(), write(t, name, pkg))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Name != "foo-migration" || p.Source != "foo" || !p.Announces || len(snippets) != 1 ||
			snippets[0].Recipe != "foo" || snippets[0].Name != "split" || string(snippets[0].Data) != goodScript {
			t.Errorf("%s: %+v %+v", name, p, snippets)
		}
	}
}
