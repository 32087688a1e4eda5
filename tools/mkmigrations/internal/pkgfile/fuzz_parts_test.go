// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bytes"
	"io"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// The fuzz targets of this file give each layer of a package to the reader of
// that layer alone. In a whole package a changed byte seldom gets so far: the
// layers above it are packed, counted and summed.

// cost fails the test if read takes more than the contract grants a hostile
// package, in processor time, or allocates far more than any input needs.
func cost(t *testing.T, data []byte, read func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := processorTime()
	read()
	took := processorTime() - begin
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > maxAllocated {
		t.Errorf("%d bytes were allocated for %d", used, len(data))
	}
	if took.Seconds() > maxSeconds && !raceDetector {
		t.Errorf("%d bytes took %v", len(data), took)
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// FuzzAr: members lie one behind the other inside the file, the library reads
// the bytes that the walk over the headers found, and what is accepted and
// written again reads the same.
func FuzzAr(f *testing.F) {
	f.Add(debOf("", controlTar(), []byte("x")))
	f.Add(ipkOf([]byte("control"), []byte("data")))
	f.Add(arOf(arPart{name: "debian-binary", data: []byte("2.0\n")}, arPart{name: "_gpgorigin", data: []byte("odd")}, arPart{name: "x"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.HasPrefix(data, []byte(arMagic)) {
			data = append([]byte(arMagic), data...)
		}
		var members []member
		var err error
		cost(t, data, func() { members, err = arMembers(data) })
		if err != nil {
			return
		}
		parts := make([]arPart, len(members))
		for i, m := range members {
			content := readMember(t, data, members, i)
			if off := arOffset(members, i); !bytes.Equal(content, data[off:off+m.size]) {
				t.Fatalf("member %d is %q for the library, %q in the file", i, content, data[off:off+m.size])
			}
			name := m.name
			if m.gnu {
				name += "/"
			}
			parts[i] = arPart{name: name, data: content}
		}
		again, err := arMembers(arOf(parts...))
		if err != nil || !reflect.DeepEqual(members, again) {
			t.Fatalf("%+v\nis written and read as\n%+v, %v", members, again, err)
		}
	})
}

func arMembers(data []byte) ([]member, error) {
	var s source
	if err := s.start(memory{bytes.NewReader(data)}, "fuzz", int64(len(data))); err != nil {
		return nil, err
	}
	return s.checkAr()
}

func readMember(t *testing.T, data []byte, members []member, i int) []byte {
	t.Helper()
	var s source
	check(s.start(memory{bytes.NewReader(data)}, "fuzz", int64(len(data))))
	in, err := s.arMember(members, i)
	if err != nil {
		t.Fatalf("member %d of %+v: %v", i, members, err)
	}
	content, err := io.ReadAll(in)
	if err != nil {
		t.Fatalf("member %d of %+v: %v", i, members, err)
	}
	return content
}

// arOffset is where member i's content must stand, counted independently.
func arOffset(members []member, i int) int64 {
	off := int64(len(arMagic)) + arHeaderSize
	for _, m := range members[:i] {
		off += m.size + m.size%2 + arHeaderSize
	}
	return off
}

// packedBy packs plain bytes by one of the codecs of a deb, so that the tar
// readers also meet decoders that give pieces of other lengths.
func packedBy(pack uint8, data []byte) (codec, []byte) {
	switch pack % 3 {
	case 1:
		return gzipped, gzipOf(data)
	case 2:
		return zstded, encoder.EncodeAll(data, nil)
	}
	return plain, data
}

var encoder = func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	check(err)
	return e
}()

func unpacked(c codec, data []byte, read func(*stream) error) error {
	var dec decoders
	defer dec.close()
	s, err := dec.unpack(c, bytes.NewReader(data), maxControl, maxWindow)
	if err != nil {
		return err
	}
	return read(s)
}

// FuzzControlTar: whatever packs it, a control archive gives the same control
// file or the same refusal; the file alone in a new archive is read the same;
// and what is walked without archive/tar gives what archive/tar gives.
func FuzzControlTar(f *testing.F) {
	f.Add(controlTar(), uint8(0))
	f.Add(tarOf(link("./", '5', ""), regularEntry("./md5sums", "x"), regularEntry("control", goodControl)), uint8(1))
	f.Add(tarOf(regularEntry("./control", ""), regularEntry("./postinst", goodScript)), uint8(2))
	read := func(c codec, data []byte) (text string, err error) {
		err = unpacked(c, data, func(s *stream) (err error) {
			text, err = readControl(s, make([]byte, aheadSize))
			return err
		})
		return text, err
	}
	f.Fuzz(func(t *testing.T, data []byte, pack uint8) {
		var control string
		var err error
		cost(t, data, func() { control, err = read(plain, data) })
		if text, ok := plainControl(data); ok {
			checkPlain(t, data, text)
		}
		packed, packedErr := read(packedBy(pack, data))
		if packed != control || (err == nil) != (packedErr == nil) {
			t.Fatalf("plain %q, %v; packed %q, %v", control, err, packed, packedErr)
		}
		if err != nil {
			return
		}
		if len(control) > maxControlFile {
			t.Fatalf("control of %d bytes", len(control))
		}
		if again, err := read(plain, tarOf(regularEntry("./control", control))); again != control || err != nil {
			t.Fatalf("written again %q, %v, was %q", again, err, control)
		}
	})
}

// FuzzDataTar: only names that are two plain parts come out, none with "..",
// and the migrations written alone into a new archive are read the same.
func FuzzDataTar(f *testing.F) {
	f.Add(tarOf(goodSnippet()), uint8(0))
	f.Add(tarOf(link("./usr/", '5', ""), link("./usr/share/migration/foo/", '5', ""), goodSnippet(), regularEntry("./usr/bin/x", "x")), uint8(1))
	f.Add(tarOf(link("./usr/share/doc", '2', "/etc"), goodSnippet()), uint8(2))
	f.Add(tarOf(regularEntry("./usr/share/migration/../../../etc/passwd", "x")), uint8(0))
	read := func(c codec, data []byte) (snippets []Snippet, err error) {
		err = unpacked(c, data, func(s *stream) (err error) {
			snippets, err = tarSnippets(s)
			return err
		})
		return snippets, err
	}
	f.Fuzz(func(t *testing.T, data []byte, pack uint8) {
		var snippets []Snippet
		var err error
		cost(t, data, func() { snippets, err = read(plain, data) })
		packed, packedErr := read(packedBy(pack, data))
		if !reflect.DeepEqual(packed, snippets) || (err == nil) != (packedErr == nil) {
			t.Fatalf("plain %+v, %v; packed %+v, %v", snippets, err, packed, packedErr)
		}
		if err != nil {
			return
		}
		checkAccepted(t, &Package{Name: "a", Version: "1", Arch: "all", Source: "a"}, snippets)
		var entries []tarEntry
		for _, s := range snippets {
			e := regularEntry("./usr/share/migration/"+s.Recipe+"/"+s.Name, string(s.Data))
			e.Mode = int64(s.Mode)
			entries = append(entries, e)
		}
		if again, err := read(plain, tarOf(entries...)); err != nil || !reflect.DeepEqual(again, snippets) {
			t.Fatalf("%+v\nis written and read as\n%+v, %v", snippets, again, err)
		}
	})
}

// FuzzLocate: a path is refused, lies elsewhere, or is what it is written as.
func FuzzLocate(f *testing.F) {
	for _, path := range []string{
		"./usr/share/migration/foo/split", "usr/share/migration/foo/", "/usr/share/migration/foo/x", "./usr//share/migration/a/b",
		"./usr/share/migration/a/../../../../etc/x", "././usr/share/migration/a/b", "./usr/share/migration/a/b/c", "./usr/share/migrations",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := locate(raw)
		if err != nil {
			return
		}
		for _, part := range strings.Split(raw, "/") {
			if part == ".." {
				t.Fatalf("%q leads upwards", raw)
			}
		}
		if p.below != strings.HasPrefix(p.path, root+"/") || p.below && p.above {
			t.Fatalf("%q is %+v", raw, p)
		}
		if p.name != "" && root+"/"+p.recipe+"/"+p.name != p.path {
			t.Fatalf("%q is %+v", raw, p)
		}
		// Another tool, which only joins, must arrive at the same file.
		if p.below && strings.TrimSuffix(strings.TrimPrefix("/"+strings.TrimPrefix(raw, "./"), "//"), "/") != p.path {
			t.Fatalf("%q is taken for %q", raw, p.path)
		}
	})
}

// FuzzRpmHeader gives a main header behind a good lead and signature. What is
// accepted has values inside the header, reads the same when only what is
// wanted is written, and the file list that is looked through agrees with
// the one that the library reads.
func FuzzRpmHeader(f *testing.F) {
	_, main := splitRpm(rpmOf{files: []rpmOfFile{goodRpmFile()}, noSums: true})
	f.Add(main)
	o := rpmOf{noSums: true, tags: map[uint32]any{tagEpoch: []uint32{3}, tagProvideName: []string{"a", "b", ""}, tagSourceRpm: nil}}
	_, main = splitRpm(o)
	f.Add(main)
	o.tags = map[uint32]any{tagOldFileNames: []string{"/usr/share/migration/foo/split"}, tagName: rawTag{typeI18n, 0, 1}}
	_, main = splitRpm(o)
	f.Add(main)
	sig, _ := splitRpm(rpmOf{noSums: true})
	payload := cpioOf(goodRpmFile())
	f.Fuzz(func(t *testing.T, main []byte) {
		data := bytes.Join([][]byte{sig, main, payload}, nil)
		r := NewReader()
		defer r.Close()
		check(r.src.start(memory{bytes.NewReader(data)}, "fuzz", int64(len(data))))
		var pkg *Package
		var err error
		cost(t, data, func() { pkg, err = r.rpmMetadata() })
		if err != nil {
			return
		}
		checkAccepted(t, pkg, nil)
		checkRpmAgain(t, pkg)
		file, err := r.src.openRpm()
		if err != nil {
			t.Fatal(err)
		}
		may, mayErr := file.mayHold(&r.src)
		cost(t, data, func() {
			if snippets, err := r.rpmSnippets(pkg); err == nil && mayErr == nil && !may && len(snippets) > 0 {
				t.Errorf("passed over, and it holds %+v", snippets)
			}
		})
	})
}

// splitRpm returns lead and signature header, and the main header.
func splitRpm(o rpmOf) (before, main []byte) {
	var sig []byte
	o.edit = func(s, m, _ *[]byte) { sig, main = *s, *m }
	data := o.bytes()
	return data[:rpmLeadSize+len(sig)], main
}

// checkRpmAgain writes what was read as a header of its own.
func checkRpmAgain(t *testing.T, pkg *Package) {
	t.Helper()
	tags := map[uint32]any{
		tagName: pkg.Name, tagArch: pkg.Arch, tagSourceRpm: pkg.Source + "-1-1.src.rpm", tagProvideName: nil,
	}
	// Any dash will do, as long as each side can be written.
	for i := 1; i < len(pkg.Version)-1 && i <= 255; i++ {
		if pkg.Version[i] == '-' && len(pkg.Version)-i-1 <= 255 {
			tags[tagVersion], tags[tagRelease] = pkg.Version[:i], pkg.Version[i+1:]
		}
	}
	if len(pkg.Provides) > 0 {
		tags[tagProvideName] = pkg.Provides
	}
	if tags[tagVersion] == nil || len(pkg.Source) > 240 {
		return
	}
	r := NewReader()
	defer r.Close()
	data := rpmOf{noSums: true, tags: tags}.bytes()
	check(r.src.start(memory{bytes.NewReader(data)}, "fuzz", int64(len(data))))
	if again, err := r.metadata(); err != nil || !reflect.DeepEqual(again, pkg) {
		t.Fatalf("%+v\nis written and read as\n%+v, %v", pkg, again, err)
	}
}
