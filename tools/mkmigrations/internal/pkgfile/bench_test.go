// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"meta-migration/tests/packages"
)

// feedOf makes n packages like those of a distribution: some files, a few
// provides, content that does not compress to nothing.
func feedOf(n int) []packages.Package {
	pkgs := make([]packages.Package, n)
	for i := range pkgs {
		p := packages.Package{
			Name: fmt.Sprintf("library%d", i), Recipe: "library", Arch: "all",
			Provides: []string{fmt.Sprintf("virtual-library%d", i)},
			Fields:   []string{"Homepage: https://www.example.com/library", "License: MIT & BSD-3-Clause"},
		}
		for k := range 20 {
			data := strings.Repeat(fmt.Sprintf("%x some content %d\n", i*k*7919, k), 200)
			p.Files = append(p.Files, packages.File{Path: fmt.Sprintf("/usr/lib/library%d/part%d.so", i, k), Data: data})
		}
		pkgs[i] = p
	}
	return pkgs
}

// reportCPU adds the processor's time for one package, which a busy machine
// does not change much.
func reportCPU(b *testing.B, who, packages int) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		check(syscall.Getrusage(who, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() {
		b.ReportMetric(float64(used()-before)/float64(time.Microsecond)/float64(b.N*packages), "cpu-us/package")
	}
}

type maker func(string, packages.Compression, ...packages.Package) ([]string, error)

// benchMetadata measures ReadMetadata over a few packages, and beside it the
// floor: opening each and reading 64 KiB.
func benchMetadata(b *testing.B, mk maker, c packages.Compression) {
	files, err := mk(b.TempDir(), c, feedOf(20)...)
	packages.Check(b, err)
	b.Run("ReadMetadata", func(b *testing.B) {
		r := NewReader()
		defer r.Close()
		b.ReportAllocs()
		defer reportCPU(b, syscall.RUSAGE_SELF, 1)()
		for i := range b.N {
			if _, err := r.ReadMetadata(files[i%len(files)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		buf := make([]byte, 64<<10)
		defer reportCPU(b, syscall.RUSAGE_SELF, 1)()
		for i := range b.N {
			f, err := os.Open(files[i%len(files)])
			if err != nil {
				b.Fatal(err)
			}
			_, _ = f.ReadAt(buf, 0)
			f.Close()
		}
	})
}

func BenchmarkMetadataIpkZst(b *testing.B) { benchMetadata(b, packages.MakeIpk, packages.Zstd) }
func BenchmarkMetadataDebXz(b *testing.B)  { benchMetadata(b, packages.MakeDeb, packages.Xz) }
func BenchmarkMetadataRpm(b *testing.B)    { benchMetadata(b, packages.MakeRpm, packages.Zstd) }

// BenchmarkScan reads a directory of 1,000 packages of each format, and for
// rpm lets rpm itself query the same files.
func BenchmarkScan(b *testing.B) {
	for _, format := range []struct {
		name string
		mk   maker
	}{{"ipk", packages.MakeIpk}, {"deb", packages.MakeDeb}, {"rpm", packages.MakeRpm}} {
		dir := b.TempDir()
		made, err := format.mk(dir, packages.Default, feedOf(50)...)
		packages.Check(b, err)
		multiply(b, made, 20)
		b.Run(format.name, func(b *testing.B) {
			defer reportCPU(b, syscall.RUSAGE_SELF, 1000)()
			for range b.N {
				files, err := Find([]string{dir})
				if err != nil {
					b.Fatal(err)
				}
				res, err := Scan(context.Background(), files, false, 0)
				if err != nil || len(res) != 1000 {
					b.Fatal(len(res), err)
				}
			}
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "packages/s")
		})
	}
	b.Run("rpm -qp", func(b *testing.B) { benchRpmQuery(b) })
}

// multiply copies files, since making thousands takes minutes.
func multiply(b *testing.B, files []string, times int) {
	b.Helper()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		for i := 1; i < times; i++ {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), fmt.Sprintf("%d-%s", i, filepath.Base(file))), data, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// benchRpmQuery is the strong peer: one process that asks all rpms for what
// Scan wants to know.
func benchRpmQuery(b *testing.B) {
	dir := b.TempDir()
	made, err := packages.MakeRpm(dir, packages.Default, feedOf(50)...)
	packages.Check(b, err)
	multiply(b, made, 20)
	files, err := Find([]string{dir})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	defer reportCPU(b, syscall.RUSAGE_CHILDREN, 1000)()
	for range b.N {
		args := append([]string{"-qp", "--qf", "%{NAME} %{EVR} %{ARCH} %{SOURCERPM} [%{PROVIDENAME} ]\n"}, files...)
		if out, err := exec.Command("rpm", args...).Output(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "packages/s")
}
