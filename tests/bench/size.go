// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// An architecture that the runner is built for, and its limits.
type architecture struct {
	name string
	env  []string
	limits
	squashed limits
}

var devices = []architecture{
	{"arm, GOARM=5", []string{"GOARCH=arm", "GOARM=5"}, limits{2e6, 1.5e6}, limits{0.64e6, 0.5e6}},
	{"arm, GOARM=6", []string{"GOARCH=arm", "GOARM=6"}, limits{2e6, 1.5e6}, limits{0.64e6, 0.5e6}},
	{"arm, GOARM=7", []string{"GOARCH=arm", "GOARM=7"}, limits{2e6, 1.5e6}, limits{0.64e6, 0.5e6}},
	{"arm64", []string{"GOARCH=arm64"}, limits{2e6, 1.5e6}, limits{0.64e6, 0.5e6}},
	{"riscv64", []string{"GOARCH=riscv64"}, limits{2e6, 0}, limits{}},
	{"amd64", []string{"GOARCH=amd64"}, limits{2e6, 0}, limits{}},
	{"mips, soft float", []string{"GOARCH=mips", "GOMIPS=softfloat"}, limits{2.3e6, 0}, limits{}},
}

const stripped = "-ldflags=-s -w -buildid="

// sizes is the runner's size on each architecture, beside an empty program's.
func (b *bench) sizes() error {
	t := b.report.table("Size of the runner", "architecture", "runner", "empty Go program", "must", "aim", "", "in squashfs-xz", "must", "aim", "")
	dir := filepath.Join(b.dir, "size")
	if err := writeEmpty(dir); err != nil {
		return err
	}
	list := devices
	if b.quick {
		list = devices[2:4]
	}
	for _, a := range list {
		file := filepath.Join(dir, "migrate-runner")
		ours, err := sizeOf(a, "./target/migrate-runner", file)
		if err != nil {
			return err
		}
		packed, err := squashed(file)
		if err != nil {
			b.skip("size in squashfs", err)
		}
		empty, err := sizeOf(a, filepath.Join(dir, "main.go"), filepath.Join(dir, "nothing"))
		if err != nil {
			return err
		}
		t.add(a.name, bytes10.text(ours), bytes10.text(empty), bytes10.text(a.must), aimText(a.aim), a.verdict(ours),
			bytes10.text(packed), aimText(a.squashed.must), aimText(a.squashed.aim), a.squashed.verdict(packed))
		for _, fault := range []struct {
			name        string
			value, must float64
		}{{"the runner for " + a.name, ours, a.must}, {"the runner in squashfs for " + a.name, packed, a.squashed.must}} {
			if fault.must > 0 && fault.value > fault.must {
				b.report.faults = append(b.report.faults, fmt.Sprintf("%s has %.0f bytes, at most %.0f are allowed", fault.name, fault.value, fault.must))
			}
		}
	}
	return nil
}

func aimText(f float64) string {
	if f == 0 {
		return ""
	}
	return bytes10.text(f)
}

func sizeOf(a architecture, pkg, file string) (float64, error) {
	if err := goBuild(append([]string{"GOOS=linux"}, a.env...), pkg, file, shippedFlag, stripped); err != nil {
		return 0, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()), nil
}

// squashed is the size of a squashfs that holds nothing but file.
func squashed(file string) (float64, error) {
	mksquashfs, err := tool("mksquashfs")
	if err != nil {
		return 0, err
	}
	image := file + ".squashfs"
	defer os.Remove(image)
	_, err = command{args: []string{mksquashfs, file, image, "-comp", "xz", "-noappend", "-quiet", "-no-progress", "-no-xattrs"}}.run()
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(image)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()), nil
}

// printSizes prints what each package that the runner links takes of it, for
// each architecture. Go's tables (pclntab and the like) belong to no package:
// they have lines of their own.
func printSizes() error {
	dir, err := os.MkdirTemp("", "meta-migration-size-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	totals := map[string][]int{}
	for i, a := range devices {
		file := filepath.Join(dir, "migrate-runner")
		stripped, err := sizeOf(a, "./target/migrate-runner", file)
		if err != nil {
			return err
		}
		if err := goBuild(append([]string{"GOOS=linux"}, a.env...), "./target/migrate-runner", file, shippedFlag); err != nil {
			return err
		}
		parts, err := partsOf(file)
		if err != nil {
			return err
		}
		parts["the stripped file"] = int(stripped)
		for name, size := range parts {
			if totals[name] == nil {
				totals[name] = make([]int, len(devices))
			}
			totals[name][i] = size
		}
	}
	printTable(totals)
	return nil
}

func printTable(totals map[string][]int) {
	names := make([]string, 0, len(totals))
	for name := range totals {
		names = append(names, name)
	}
	sort.Slice(names, func(i, k int) bool {
		if a, b := totals[names[i]][0], totals[names[k]][0]; a != b {
			return a > b
		}
		return names[i] < names[k]
	})
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, a := range devices {
		fmt.Fprintf(out, "%17s", a.name)
	}
	fmt.Fprintln(out)
	for _, name := range names {
		for _, size := range totals[name] {
			fmt.Fprintf(out, "%17d", size)
		}
		fmt.Fprintf(out, "  %s\n", name)
	}
}

// partsOf adds up the symbols of a program that is not stripped.
func partsOf(file string) (map[string]int, error) {
	out, err := exec.Command("go", "tool", "nm", "-size", file).Output()
	if err != nil {
		return nil, fmt.Errorf("go tool nm: %w", err)
	}
	parts := map[string]int{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || strings.ContainsAny(fields[2], "bBU") {
			continue
		}
		size, err := strconv.Atoi(fields[1])
		if err != nil {
			continue
		}
		parts[partOf(strings.Join(fields[3:], " "))] += size
	}
	sections, err := sectionSizes(file, ".gopclntab")
	if err != nil {
		return nil, err
	}
	parts["(.gopclntab: lines and names of functions)"] = sections
	return parts, nil
}

// partOf is the package that a symbol belongs to.
func partOf(symbol string) string {
	for prefix, part := range map[string]string{
		"type:": "(types)", "go:": "(go: tables)", "runtime.pclntab": "(.gopclntab: lines and names of functions)",
	} {
		if strings.HasPrefix(symbol, prefix) {
			return part
		}
	}
	name, _, _ := strings.Cut(symbol, "[")
	slash := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[slash:], '.')
	if dot < 0 {
		return "(assembly)"
	}
	return name[:slash+dot]
}
