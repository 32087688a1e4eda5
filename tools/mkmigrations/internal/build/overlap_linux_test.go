// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano())
}

// TestOverlapsOfMany: 10,000 migrations in a chain whose Paths all lie below
// those of the first are compared in a time that grows with their number, not
// with its square. Two that no chain holds together are still told.
func TestOverlapsOfMany(t *testing.T) {
	dir := t.TempDir()
	write := func(name, fields string) {
		file := filepath.Join(dir, "zulu", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		text := "#!/bin/sh\n### BEGIN MIGRATION INFO\n" + fields + "### END MIGRATION INFO\n"
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const many = 10000
	write("m00000", "# Paths: /etc\n")
	for i := 1; i < many; i++ {
		write(fmt.Sprintf("m%05d", i), fmt.Sprintf("# After: zulu:m%05d\n# Paths: /etc/x%d\n", i-1, i))
	}
	write("other", "# Paths: /etc/x5000/y\n")
	begin := processorTime()
	warnings, err := Lint(context.Background(), Options{Snippets: []string{dir}, Release: "1.0"})
	took := processorTime() - begin
	t.Logf("%v of processor time", took)
	if err != nil || took > 8*time.Second {
		t.Errorf("%v: %v", took, err)
	}
	for _, pair := range []string{`"zulu:m00000" and "zulu:other"`, `"zulu:m05000" and "zulu:other"`} {
		if !strings.Contains(warnings.Error(), pair+" change ") {
			t.Errorf("%s are not told:\n%.500s", pair, warnings.Error())
		}
	}
	if len(warnings) != 2 {
		t.Errorf("%d warnings", len(warnings))
	}
}
