// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Command summary reads what `go test -json` prints and shows it as `go test`
// does, plus what that leaves out: which tests were skipped, and why. So a
// machine that lacks a tool does not look like one on which all was tested.
//
// It exits 1 if a test or a package failed, or nothing was tested at all.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	s := newSummary(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	// A failing test may print a whole file in one event.
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		s.line(lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "summary: reading the events:", err)
		os.Exit(1)
	}
	if !s.close() {
		os.Exit(1)
	}
}
