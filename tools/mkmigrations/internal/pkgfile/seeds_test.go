// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meta-migration/tests/packages"
)

// seedsVar makes TestRealSeeds write the seeds anew: packages that dpkg-deb,
// ar and rpmbuild made, whole and layer by layer.
const seedsVar = "UPDATE_SEEDS"

func TestRealSeeds(t *testing.T) {
	if os.Getenv(seedsVar) != "" {
		writeSeeds(t)
	}
	seeds, err := filepath.Glob("testdata/fuzz/*/real-*")
	if err != nil || len(seeds) < 15 {
		t.Fatalf("%d seeds, %v: %s=1 makes them", len(seeds), err, seedsVar)
	}
	for _, seed := range seeds {
		info, err := os.Stat(seed)
		if err != nil || info.Size() > 48<<10 {
			t.Errorf("%s: %v, %d bytes", seed, err, info.Size())
		}
	}
}

func writeSeeds(t *testing.T) {
	t.Helper()
	p := packages.Migration("foo", "1:2.3-r1", packages.Snippet("foo", "split", goodScript), packages.Snippet("foo", "a-second", secondScript))
	for _, c := range []packages.Compression{packages.None, packages.Gzip, packages.Xz, packages.Zstd} {
		for target, mk := range map[string]maker{"FuzzDeb": packages.MakeDeb, "FuzzIpk": packages.MakeIpk, "FuzzRpm": packages.MakeRpm} {
			files, err := mk(t.TempDir(), c, p)
			packages.Check(t, err)
			data, err := os.ReadFile(files[0])
			check(err)
			// Unpacked they are mostly the zeros that tar pads with.
			if c == packages.None {
				writeLayers(t, target, files[0], data)
				continue
			}
			writeSeed(t, target, string(c), data, "")
			if c == packages.Gzip && target != "FuzzRpm" {
				writeSeed(t, "FuzzAr", strings.ToLower(strings.TrimPrefix(target, "Fuzz")), data, "")
			}
		}
	}
	files, err := packages.MakeIpkTar(t.TempDir(), p)
	packages.Check(t, err)
	data, err := os.ReadFile(files[0])
	check(err)
	writeSeed(t, "FuzzIpk", "tar", data, "")
}

func writeSeed(t *testing.T, target, name string, data []byte, more string) {
	t.Helper()
	dir := filepath.Join("testdata/fuzz", target)
	check(os.MkdirAll(dir, 0o755))
	text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n%s", data, more)
	check(os.WriteFile(filepath.Join(dir, "real-"+name), []byte(text), 0o644))
}

// writeLayers takes an unpacked package apart.
func writeLayers(t *testing.T, target, file string, data []byte) {
	t.Helper()
	var s source
	check(s.open(file))
	defer s.close()
	name := strings.ToLower(strings.TrimPrefix(target, "Fuzz"))
	if target == "FuzzRpm" {
		f, err := s.openRpm()
		check(err)
		writeSeed(t, "FuzzRpmHeader", name, data[f.main.off:f.main.end()], "")
		writeSeed(t, "FuzzCpio", name, data[f.main.end():], "int64(0)\n")
		return
	}
	a, err := s.openAr()
	check(err)
	for layer, i := range map[string]int{"FuzzControlTar": a.control, "FuzzDataTar": a.data} {
		in, err := s.arMember(a.members, i)
		check(err)
		content, err := io.ReadAll(in)
		check(err)
		writeSeed(t, layer, name, content, "byte('\\x01')\n")
	}
}
