// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package layout

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// oldest is scarthgap's Go.
const oldest = "go1.22.12"

func TestGoLine(t *testing.T) {
	data, err := os.ReadFile(top + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^go 1\.22$`).Match(data) {
		t.Error("go.mod has no line \"go 1.22\", so scarthgap's Go does not build it")
	}
	if regexp.MustCompile(`(?m)^(toolchain|replace|exclude) `).Match(data) {
		t.Error("go.mod has a toolchain, replace or exclude line, which bitbake's offline build cannot follow")
	}
}

func TestOldestGoBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("builds everything anew")
	}
	env := []string{"GOTOOLCHAIN=" + oldest}
	if out, err := goCommand(env, "version"); err != nil || !strings.Contains(out, oldest) {
		t.Skipf("%s cannot be had: %s %v", oldest, strings.TrimSpace(out), err)
	}
	for _, args := range [][]string{{"build", "./..."}, {"vet", "./..."}} {
		if _, err := goCommand(env, args...); err != nil {
			t.Errorf("%s %s: %v", oldest, strings.Join(args, " "), err)
		}
	}
}

// smaller is the flag that makes the runner small: nothing of its own is
// inlined.
const smaller = "-gcflags=meta-migration/...=-l"

// What is measured and emulated is what is shipped: all that build the runner
// for that do it alike.
func TestRunnerIsBuiltSmall(t *testing.T) {
	for _, file := range []string{
		"Makefile",
		"meta-migration/recipes-core/migrate-runner/migrate-runner_*.bb",
		"tests/bench/program.go",
		"tests/emulated/emulated_test.go",
	} {
		found, err := filepath.Glob(filepath.Join(top, file))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v %v", file, found, err)
		}
		data, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), smaller) {
			t.Errorf("%s does not build the runner with %s", found[0], smaller)
		}
	}
}

// TestProfile: the profile by which the compiler builds mkmigrations is there,
// is of its readers, and tells nothing of the machine that it was made on.
func TestProfile(t *testing.T) {
	f, err := os.Open(filepath.Join(top, "tools/mkmigrations/default.pgo"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("pkgfile.(*Reader).ReadMetadata")) {
		t.Error("default.pgo is of something else: make pgo")
	}
	for _, path := range regexp.MustCompile(`(?:^|[^a-zA-Z0-9_.@\]])(/(?:root|home|usr|var|tmp|opt|srv|work)/[\w./-]+)`).FindAllSubmatch(data, -1) {
		if !strings.HasPrefix(string(path[1]), "/tmp/mkmigrations-pgo/") {
			t.Errorf("default.pgo holds %s: make pgo", path[1])
		}
	}
}

// maxSize is the size budget of the stripped runner, in bytes. On mips Go's
// empty program is 0.13 MB larger, and so is all code.
const (
	maxSize     = 2_000_000
	maxSizeMIPS = 2_300_000
)

func TestRunnerSize(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for eight architectures")
	}
	for name, env := range map[string][]string{
		"amd64":              {"GOARCH=amd64"},
		"arm64":              {"GOARCH=arm64"},
		"armv5":              {"GOARCH=arm", "GOARM=5"},
		"armv6":              {"GOARCH=arm", "GOARM=6"},
		"armv7":              {"GOARCH=arm", "GOARM=7"},
		"riscv64":            {"GOARCH=riscv64"},
		"mips, soft float":   {"GOARCH=mips", "GOMIPS=softfloat"},
		"mipsel, soft float": {"GOARCH=mipsle", "GOMIPS=softfloat"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "migrate-runner")
			_, err := goCommand(append(env, "GOOS=linux"), "build", "-trimpath", smaller,
				"-ldflags", "-s -w -buildid=", "-o", file, "./target/migrate-runner")
			if err != nil {
				t.Fatal(err)
			}
			checkStatic(t, file)
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes", info.Size())
			limit := int64(maxSize)
			if strings.HasPrefix(name, "mips") {
				limit = maxSizeMIPS
			}
			if info.Size() >= limit {
				t.Errorf("%d bytes are over the budget of %d", info.Size(), limit)
			}
		})
	}
}

// checkStatic: the runner needs no loader and no library of the image, and is
// stripped.
func checkStatic(t *testing.T, file string) {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a segment %v, so it is not static", p.Type)
		}
	}
	if f.Section(".symtab") != nil || f.Section(".debug_info") != nil {
		t.Error("it is not stripped")
	}
}
