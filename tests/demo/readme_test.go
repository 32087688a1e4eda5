// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	console = regexp.MustCompile("(?s)```console\n(.*?)```")
	took    = regexp.MustCompile(`\(\d+\.\d s\)`)
)

// shownLines are those of a text that are no command, without what differs from run
// to run.
func shownLines(text string) []string {
	var kept []string
	for _, line := range strings.Split(took.ReplaceAllString(text, "(… s)"), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && line != "…" && !strings.HasPrefix(line, "$ ") && !strings.HasPrefix(line, "# ") && !strings.HasSuffix(line, "--output bundle") {
			kept = append(kept, line)
		}
	}
	return kept
}

// checkReadme says what README shows as printed and the demo does not print.
func checkReadme(t *testing.T, printed string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, line := range shownLines(printed) {
		all[line] = true
	}
	shown := 0
	for _, block := range console.FindAllStringSubmatch(string(readme), -1) {
		for _, line := range shownLines(block[1]) {
			shown++
			if !all[line] {
				t.Errorf("README shows what the demo does not print: %s", line)
			}
		}
	}
	if shown < 10 {
		t.Errorf("README shows %d printed lines", shown)
	}
}
