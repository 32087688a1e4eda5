// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package script_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a hostile package may cost a build, by the contract.
const (
	maxMemory = 64 << 20
	maxTime   = 2 * time.Second
)

// arFile joins members as `ar` does.
func arFile(members ...[2]string) string {
	var b strings.Builder
	b.WriteString("!<arch>\n")
	for _, m := range members {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", m[0], 0, 0, 0, "100644", len(m[1]), m[1])
		if len(m[1])%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// An entry of a tar file: size bytes that repeat data, or one zero for ever.
type entry struct {
	name string
	data string
	size int64
	link string
}

func tarGz(t *testing.T, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.data)) + e.size, Typeflag: tar.TypeReg}
		if e.link != "" {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, e.link, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if e.link == "" {
			if _, err := io.Copy(w, io.MultiReader(strings.NewReader(e.data), io.LimitReader(zeros{}, e.size))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0
	}
	return len(p), nil
}

// deb is an announcing package with these files.
func deb(t *testing.T, files ...entry) string {
	t.Helper()
	control := "Package: zulu-migration\nVersion: 1.0\nArchitecture: all\nOE: zulu\nProvides: migration-snippets\n"
	return arFile([2]string{"debian-binary", "2.0\n"}, [2]string{"control.tar.gz", tarGz(t, entry{name: "./control", data: control})},
		[2]string{"data.tar.gz", tarGz(t, files...)})
}

func snippet(name, data string) entry {
	return entry{name: "./usr/share/migration/zulu/" + name, data: data}
}

func header(lines string) string {
	return "#!/bin/sh\n### BEGIN MIGRATION INFO\n" + lines + "### END MIGRATION INFO\ntrue\n"
}

// manySnippets are as many migrations as one package may bring, each made by
// text.
func manySnippets(n int, text func(i int) string) []entry {
	var all []entry
	for i := 0; i < n; i++ {
		all = append(all, snippet(fmt.Sprintf("m%04d", i), text(i)))
	}
	return all
}

// nested are paths, each below the one before.
func nested(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		b.WriteString(" " + strings.Repeat("/a", i))
	}
	return b.String()
}

// longList repeats what format makes, up to nearly the size of a script.
func longList(format string) string {
	var b strings.Builder
	for i := 0; b.Len() < 1<<20-200; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestHostilePackages: whatever one package holds, the program ends in time,
// in bounds, with status 0 or 1, and writes nothing but the output.
func TestHostilePackages(t *testing.T) {
	if testing.Short() {
		t.Skip("skipping: -short")
	}
	rpm := append([]byte("\xed\xab\xee\xdb\x03\x00"), make([]byte, 90)...)
	rpm = append(rpm, "\x8e\xad\xe8\x01\x00\x00\x00\x00"...)
	rpm = binary.BigEndian.AppendUint32(rpm, 1)
	rpm = binary.BigEndian.AppendUint32(rpm, 1<<31-1)
	outside := filepath.Join(t.TempDir(), "zulu")
	for _, test := range []struct {
		name, file, data string
		code             int
	}{
		{"a gigabyte of zeros as a script", "x.deb", deb(t, entry{name: "./usr/share/migration/zulu/bomb", size: 1 << 30}), 1},
		{"a gigabyte of zeros elsewhere", "x.deb", deb(t, entry{name: "./usr/share/doc/zulu", size: 1 << 30}, snippet("one", "#!/bin/sh\n")), 1},
		{"a header of two gigabytes", "x.rpm", string(rpm), 1},
		{"ar member beyond the file", "x.ipk", strings.Replace(deb(t), fmt.Sprintf("%-10d`", 4), "9999999999`", 1), 1},
		{"a link as a script", "x.deb", deb(t, entry{name: "./usr/share/migration/zulu/link", link: "/etc/passwd"}), 1},
		{"out of the directory", "x.deb", deb(t, entry{name: "./usr/share/migration/../../../../../.." + outside, data: "x"}), -1},
		{"escapes in names", "x.deb", deb(t, entry{name: "./usr/share/migration/zulu/\x1b[2Jname", data: "x"}), 1},
		{"300 small ones", "x.deb", deb(t, manySnippets(300, func(int) string { return header("# Paths: /etc/passwd\n") })...), -1},
		{"4096 in a circle", "x.deb", deb(t, manySnippets(4096, func(int) string { return header("# After: zulu\n# Before: zulu\n") })...), -1},
		{"paths without end", "x.deb", deb(t, snippet("a", header("# Paths:"+longList(" /a/b/p%d")+"\n")), snippet("b", header("# Paths:"+longList(" /a/b/p%d")+"\n"))), -1},
		{"a path of many parts", "x.deb", deb(t, snippet("a", header("# Paths:"+longList(" /p%d"+strings.Repeat("/a", 2000))+"\n"))), -1},
		{"references without end", "x.deb", deb(t, snippet("a", header("# After:"+longList(" zulu:x%d")+"\n"))), -1},
		{"references without end, in many", "x.deb", deb(t, manySnippets(16, func(int) string { return header("# After:" + longList(" zulu:x%d") + "\n") })...), 1},
		{"headers of 60 KiB, in many", "x.deb", deb(t, manySnippets(200, func(int) string { return header("# Description: " + strings.Repeat("x", 60<<10) + "\n") })...), 1},
		{"a chain below nested paths", "x.deb", deb(t, manySnippets(1000, func(i int) string {
			if i == 0 {
				return header("# Paths:" + nested(100) + "\n")
			}
			return header(fmt.Sprintf("# After: zulu:m%04d\n# Paths: %s/p%d\n", i-1, strings.Repeat("/a", 100), i))
		})...), 0},
		{"faults without end", "x.deb", deb(t, snippet("a", "#!/bin/sh\n### BEGIN MIGRATION INFO\n"+longList("# Nix%d: x\n"))), 1},
		{"headers without end", "x.deb", deb(t, snippet("a", "#!/bin/sh\n"+strings.Repeat("### BEGIN MIGRATION INFO\n### END MIGRATION INFO\n", 1<<14))), 1},
		{"brackets without end", "x.deb", deb(t, snippet("a", "#!/bin/sh\n"+strings.Repeat("(", 1<<20-100))), -1},
		{"expansions without end", "x.deb", deb(t, snippet("a", "#!/bin/sh\n: "+strings.Repeat("${a:-", 1<<17))), -1},
		{"scripts hard to read, in many", "x.deb", deb(t, manySnippets(250, func(int) string { return "#!/bin/sh\n" + strings.Repeat("a$x|b1\n", 4000) })...), 0},
		{"tests without end, in many", "x.deb", deb(t, manySnippets(200, func(int) string { return "#!/bin/sh\n" + strings.Repeat("command -v a b c d && e\n", 2900) })...), 0},
		{"words without end", "x.deb", deb(t, snippet("a", "#!/bin/sh\n"+longList("command%d;")+"\n")), -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			top := t.TempDir()
			writeFile(t, filepath.Join(top, "feed", test.file), test.data)
			r, memory, cpu := measure(t, top, "build", "--packages", "feed", "--release", "1.0", "--output", "out")
			t.Logf("exit %d, %d KiB, %v: %.200s", r.code, memory>>10, cpu, r.stderr)
			if r.code != 0 && r.code != 1 || test.code >= 0 && r.code != test.code {
				t.Errorf("exits with %d", r.code)
			}
			if strings.Contains(r.stderr, "goroutine ") || strings.ContainsAny(r.stderr, "\x1b\x00") {
				t.Errorf("it says: %.1000s", r.stderr)
			}
			if memory > maxMemory {
				t.Errorf("takes %d KiB", memory>>10)
			}
			// On a loaded machine the time of day says nothing.
			if cpu > maxTime {
				t.Errorf("takes %v of processor time", cpu)
			}
			if extra := leftOvers(t, top, "feed", "out"); extra != nil {
				t.Errorf("left behind: %q", extra)
			}
			if _, err := os.Lstat(outside); err == nil {
				t.Errorf("%s was written", outside)
			}
		})
	}
}
