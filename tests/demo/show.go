// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A show prints the demo and keeps what was not as it should be.
type show struct {
	out    io.Writer
	bin    string // directory of the programs
	built  bool   // they are there and not to be built
	steps  int
	titles []string
	faults []string
}

// newShow shows the programs in bin, or, if it is "", those that it builds.
func newShow(out io.Writer, bin string) *show {
	if bin != "" {
		return &show{out: out, bin: bin, built: true}
	}
	return &show{out: out, bin: "bin"}
}

func (s *show) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

func (s *show) step(title, text string) {
	s.steps++
	s.titles = append(s.titles, title)
	fmt.Fprintf(s.out, "\n=== %d. %s\n\n%s\n", s.steps, title, strings.TrimSpace(text))
}

func (s *show) say(format string, args ...any) {
	fmt.Fprintf(s.out, "\n"+format+"\n", args...)
}

// wrong notes that something is not as the demo says.
func (s *show) wrong(format string, args ...any) {
	fault := fmt.Sprintf("step %d, %s: ", s.steps, s.titles[len(s.titles)-1]) + fmt.Sprintf(format, args...)
	s.faults = append(s.faults, fault)
	fmt.Fprintln(s.out, "\n!!! NOT AS IT SHOULD BE:", fault)
}

// expect notes where text lacks a part.
func (s *show) expect(text string, parts ...string) {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.wrong("no %q was printed", part)
		}
	}
}

// command runs one of the project's programs and shows what a person at a
// terminal would see. It returns that and notes another exit status than want.
func (s *show) command(want int, program string, args ...string) string {
	s.line(program, args)
	text, code := finish(s.program(program, args...))
	s.indented(text)
	if code != 0 {
		fmt.Fprintf(s.out, "  (exit %d)\n", code)
	}
	if code != want {
		s.wrong("%s exits %d, not %d", program, code, want)
	}
	return text
}

// line shows a command line, broken before its flags where it is long.
func (s *show) line(program string, args []string) {
	text, width := "\n$ "+program, len(program)
	for i, arg := range args {
		next := len(arg)
		if i+1 < len(args) {
			next += len(args[i+1])
		}
		if width+next > 80 && strings.HasPrefix(arg, "-") {
			text += " \\\n     "
			width = 0
		}
		text += " " + arg
		width += len(arg) + 1
	}
	fmt.Fprintln(s.out, text)
}

func (s *show) indented(text string) {
	for _, line := range strings.SplitAfter(text, "\n") {
		if line != "" {
			fmt.Fprint(s.out, "  ", line)
		}
	}
}

// finish runs a command and returns what it printed and its exit status, -1
// for none.
func finish(cmd *exec.Cmd) (string, int) {
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return string(out), 0
	case errors.As(err, &exit):
		return string(out), exit.ExitCode()
	}
	return string(out) + err.Error() + "\n", -1
}

// close prints the summary and returns an error if there was a fault.
func (s *show) close() error {
	fmt.Fprintf(s.out, "\n=== Summary\n\n")
	for i, title := range s.titles {
		mark := "ok"
		for _, fault := range s.faults {
			if strings.HasPrefix(fault, fmt.Sprintf("step %d,", i+1)) {
				mark = "WRONG"
			}
		}
		fmt.Fprintf(s.out, "  %-5s %d. %s\n", mark, i+1, title)
	}
	if len(s.faults) > 0 {
		return fmt.Errorf("%d things were not as the demo says:\n  %s", len(s.faults), strings.Join(s.faults, "\n  "))
	}
	fmt.Fprint(s.out, "\nAll steps did what they say.\n")
	return nil
}
