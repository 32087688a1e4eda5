// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package oe

import (
	"encoding/json"
	"errors"
	"math/rand"
	"os/exec"
	"sort"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
)

// TestRecipeCheckAgrees holds the check of a recipe's build
// (meta-migration/lib/meta_migration/header.py) to the specification
// (internal/bundle): both find faults in the same scripts, so what a recipe
// ships is not refused by the image's build, and the other way round.
func TestRecipeCheckAgrees(t *testing.T) {
	scripts := append(writtenScripts(), randomScripts(4000)...)
	python := pythonLines(t, scripts)
	for i, script := range scripts {
		if want := goLines(script); (len(python[i]) == 0) != (len(want) == 0) {
			t.Errorf("the recipe's check finds faults in lines %v, bundle in lines %v of\n%q", python[i], want, script)
		}
	}
}

// goLines are the lines with faults by internal/bundle, each once.
func goLines(script string) []int {
	_, err := bundle.ParseScript("x", []byte(script))
	var faults bundle.Faults
	if !errors.As(err, &faults) {
		return []int{}
	}
	lines := []int{}
	for _, f := range faults {
		lines = append(lines, f.Line)
	}
	return once(lines)
}

func once(lines []int) []int {
	sort.Ints(lines)
	out := []int{}
	for i, n := range lines {
		if i == 0 || n != lines[i-1] {
			out = append(out, n)
		}
	}
	return out
}

func pythonLines(t *testing.T, scripts []string) [][]int {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("SKIP: no python3")
	}
	input, err := json.Marshal(scripts)
	if err != nil {
		t.Fatal(err)
	}
	// The package itself needs bitbake, this module does not.
	const program = `import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("header", sys.argv[1])
header = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(header)
json.dump([[n for n, _ in header.check_script(s.encode())] for s in json.load(sys.stdin)], sys.stdout)`
	cmd := exec.Command("python3", "-B", "-c", program, "../../meta-migration/lib/meta_migration/header.py")
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var lines [][]int
	if err := json.Unmarshal(out, &lines); err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		lines[i] = once(lines[i])
	}
	return lines
}

const (
	begin = "### BEGIN MIGRATION INFO\n"
	end   = "### END MIGRATION INFO\n"
)

// writtenScripts are the cases that chance would not meet.
func writtenScripts() []string {
	head := "#!/bin/sh\n"
	scripts := []string{
		"", "\n", "#!", "#!/bin/sh", head, "#! /bin/sh -e x\n", "#!bin/sh\n", "#!/bin/../sh\n", "#!/\n", "#!/bin/sh\r\n", "echo\n",
		"#!/usr/bin/env python3\n", "\ufeff#!/bin/sh\n", "#!\t/bin/sh\n", "#!/bin//sh\n", "#!/bin/sh\x00\n",
		head + begin + end, head + begin, head + end, head + begin + end + begin + end, head + "true\n" + begin + end,
		head + end + begin + end, head + begin + begin + end,
		head + "# Afer: x\n" + begin + "# After: a\n" + end + "# Afer: x\n",
		head + begin + "#After: a\n" + end, head + begin + "After: a\n" + end, head + begin + "\n" + end, head + begin + "#\n" + end,
		head + begin + "# After: a\r\n" + end, head + begin + "#\tAfter:\ta\tb \n" + end, head + begin + "# After : a\n" + end,
		head + begin + "# After: a\n# After: b\n" + end, head + begin + "#  : x\n" + end,
		head + strings.Repeat("#", bundle.MaxScript), head + strings.Repeat("#\n", 10),
	}
	long := strings.Repeat("a", 120)
	for field, values := range map[string][]string{
		"Description": {"x", "ä", "a\x01", "a\u0085", "a\ufffd", " x ", "a: b"},
		"Since":       {"1.0", "1.0 2", "-", "1~rc1", "1/2", strings.Repeat("1", 128), strings.Repeat("1", 129), "ä1"},
		"After":       {"a", "a:b", "a a", "a:B", "A", "a+b:c", "a:b+c", "a:", ":b", "a:doc", "a:b:c", long + ":bbbbbbb", long + ":bbbbbbbb", "-a", "a:-b"},
		"Requires":    {"a:b", "a", "a:remove", strings.Repeat("a-", 50) + "a:b", strings.Repeat("a-", 30) + "a:b", "a:vardeps"},
		"Packages":    {"a", "A_b+c.d-e", "_a", "a/b", "a a"},
		"Paths":       {"/a", "/", "a", "/a/", "//a", "/a/../b", "/a/./b", "/a /b", "/a\tb", "/" + strings.Repeat("a", 256), "/ä", "/a/..b"},
		"Timeout":     {"1", "0", "01", "+1", "604800", "604801", "-1", "1s", "99999999999999999999", "1 2", "１"},
		"Attempts":    {"1", "1000", "1001"},
		"On-Failure":  {"stop", "continue", "Stop", "stop continue"},
		"One-Way":     {"yes", "no", "true"},
		"Revises":     {"sha256:" + strings.Repeat("a", 64), "sha256:" + strings.Repeat("A", 64), "sha256:" + strings.Repeat("a", 63), strings.Repeat("a", 64), "md5:x"},
		"Fresh":       {"run", "skip", "no"},
		"Supersedes":  {"a:b c:d", "a"},
		"on-failure":  {"stop"},
		"Paths ":      {"/a"},
	} {
		for _, value := range append(values, "", " ") {
			scripts = append(scripts, head+begin+"# "+field+": "+value+"\n"+end)
		}
	}
	return scripts
}

// randomScripts puts lines together at random, always the same.
func randomScripts(n int) []string {
	pool := []string{begin, begin, end, end, "# After: a b:c\n", "# Paths: /a /b/c\n", "# Paths: b\n", "# Timeout: 5\n", "# Timeout: x\n",
		"# Fresh: run\n", "# no field\n", "\n", "true\n", "# Requires: a:b\r\n", "#\n", " # After: x\n", "### END MIGRATION INFO \n",
		"### BEGIN MIGRATION INFO\t\n", "### BEGIN MIGRATION\n", "# After: a", "#!/bin/sh\n"}
	r := rand.New(rand.NewSource(1))
	scripts := make([]string, n)
	for i := range scripts {
		var b strings.Builder
		if r.Intn(10) > 0 {
			b.WriteString("#!/bin/sh\n")
		}
		for k := r.Intn(8); k > 0; k-- {
			b.WriteString(pool[r.Intn(len(pool))])
		}
		scripts[i] = b.String()
	}
	return scripts
}
