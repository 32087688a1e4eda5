// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bytes"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// The properties that each fuzz target holds: reading never panics, allocates
// in proportion to the limits and not to what the bytes announce, and gives
// the same again: with the same Reader, whose decoders are in use, with a new
// one, and whatever was read in between. What is accepted keeps the rules
// that the rest of the build relies on.

// memory is a package in memory.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

// readBytes is readAll without a file, and without the net for panics.
func readBytes(r *Reader, data []byte) (*Package, []Snippet, error) {
	if err := r.src.start(memory{bytes.NewReader(data)}, "fuzz", int64(len(data))); err != nil {
		return nil, nil, err
	}
	pkg, err := r.metadata()
	if err != nil {
		return nil, nil, err
	}
	snippets, err := r.snippets(pkg)
	return pkg, snippets, err
}

// maxAllocated is far above what any input may need and far below what
// hostile numbers announce. It counts garbage too.
const maxAllocated = 256 << 20

func checkPackage(t *testing.T, data []byte) {
	if len(data) > 4<<20 {
		return
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := NewReader()
	defer r.Close()
	pkg, snippets, err := readBytes(r, data)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > maxAllocated {
		t.Errorf("%d bytes were allocated for %d", used, len(data))
	}
	if _, _, err := readBytes(r, []byte("neither")); err == nil {
		t.Error("no package was accepted")
	}
	for _, again := range []*Reader{r, NewReader()} {
		pkg2, snippets2, err2 := readBytes(again, data)
		if !reflect.DeepEqual(pkg, pkg2) || !reflect.DeepEqual(snippets, snippets2) || text(err) != text(err2) {
			t.Errorf("read again it is another:\n%+v %+v %v\n%+v %+v %v", pkg, snippets, err, pkg2, snippets2, err2)
		}
	}
	if err == nil {
		checkAccepted(t, pkg, snippets)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// checkAccepted holds what callers rely on.
func checkAccepted(t *testing.T, pkg *Package, snippets []Snippet) {
	for _, word := range []string{pkg.Name, pkg.Version, pkg.Arch, pkg.Source} {
		if word == "" || strings.ContainsAny(word, " \t\n/\x00") {
			t.Errorf("%+v holds %q", pkg, word)
		}
	}
	if len(snippets) > maxSnippets {
		t.Errorf("%d snippets", len(snippets))
	}
	total := 0
	for i, s := range snippets {
		total += len(s.Data)
		for _, name := range []string{s.Recipe, s.Name} {
			if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/ \n\x00") {
				t.Errorf("snippet %q %q", s.Recipe, s.Name)
			}
		}
		if i > 0 && s.Recipe+"/"+s.Name == snippets[i-1].Recipe+"/"+snippets[i-1].Name {
			t.Errorf("%s/%s twice", s.Recipe, s.Name)
		}
		if len(s.Data) > maxScript {
			t.Errorf("%s has %d bytes", s.Name, len(s.Data))
		}
	}
	if total > maxSnippetBytes {
		t.Errorf("%d bytes", total)
	}
}

func FuzzDeb(f *testing.F) {
	data := tarOf(link("./usr/", '5', ""), goodSnippet(), regularEntry("./usr/bin/x", "x"))
	f.Add(debOf("", controlTar(), data))
	f.Add(debOf(".gz", gzipOf(controlTar()), gzipOf(data)))
	f.Add(debOf(".xz", xzOf(controlTar()), xzOf(data)))
	f.Fuzz(checkPackage)
}

func FuzzIpk(f *testing.F) {
	data := tarOf(goodSnippet())
	f.Add(ipkOf(controlTar(), data))
	f.Add(outerOf(controlTar(), data))
	f.Fuzz(checkPackage)
}

func FuzzRpm(f *testing.F) {
	f.Add(rpmOf{files: []rpmOfFile{goodRpmFile()}}.bytes())
	// Without digests a changed byte gets further.
	f.Add(rpmOf{files: []rpmOfFile{goodRpmFile()}, noSums: true}.bytes())
	for name, pack := range map[string]func([]byte) []byte{"gzip": gzipOf, "xz": xzOf, "zstd": zstdOf} {
		o := good()
		o.noSums, o.tags, o.payload = true, map[uint32]any{1125: name}, pack(cpioOf(o.files...))
		f.Add(o.bytes())
	}
	f.Fuzz(checkPackage)
}

// FuzzControl: what is accepted has the same meaning when it is written plain
// and when its lines end as on other systems.
func FuzzControl(f *testing.F) {
	f.Add(goodControl)
	f.Add("Package: a\nVersion: 1:2-3\nArchitecture: all\nDescription: x\n  more\n .\nProvides: a (= 1), b\n\nSource: c (4)\n")
	f.Fuzz(func(t *testing.T, control string) {
		pkg, err := parseControl(control)
		if err != nil {
			return
		}
		checkAccepted(t, pkg, nil)
		plain := "Provides: " + strings.Join(pkg.Provides, ", ") + "\nOE: " + pkg.Source +
			"\nPackage: " + pkg.Name + "\nVersion: " + pkg.Version + "\nArchitecture: " + pkg.Arch + "\n"
		for _, text := range []string{plain, strings.ReplaceAll(plain, "\n", "\r\n"), strings.ReplaceAll(plain, ", ", ",\n ")} {
			if again, err := parseControl(text); err != nil || !reflect.DeepEqual(pkg, again) {
				t.Errorf("%q is %+v,\n%q is %+v, %v", control, pkg, text, again, err)
			}
		}
	})
}

// FuzzCpio: what is accepted and written again reads the same.
func FuzzCpio(f *testing.F) {
	one := goodRpmFile()
	f.Add(cpioOf(), int64(0))
	f.Add(cpioOf(one, rpmOfFile{dir: "/", base: "x", mode: 0o120777, data: "target"}), int64(3))
	f.Add([]byte("07070X00000000\x00\x00abc\x0007070100000000000000000000000000000000000000010000000000000000"+
		"00000000000000000000000000000000000000000000000b00000000TRAILER!!!\x00\x00\x00\x00"), int64(3))
	f.Fuzz(func(t *testing.T, data []byte, size int64) {
		files, err := readCpio(data, []int64{max(size, 0) % (1 << 20)})
		if err != nil {
			return
		}
		again, err := readCpio(cpioOf(files...), nil)
		if err != nil || !reflect.DeepEqual(files, again) {
			t.Errorf("%+v\n%+v %v", files, again, err)
		}
	})
}
