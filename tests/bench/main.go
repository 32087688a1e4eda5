// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// A bench is one run of this program.
type bench struct {
	quick  bool
	only   *regexp.Regexp
	rounds int
	dir    string // scratch, on a disk
	bin    string // the two programs, and this one
	report report
	self   string // this program
	out    *mount // for bundles
	feeds  map[string]*feed
	real   int // packages with real content
}

// A suite measures what belongs together, and needs the same preparation.
type suite struct {
	name string
	run  func(*bench) error
}

var suites = []suite{
	{"size", (*bench).sizes},
	{"noop", (*bench).noop},
	{"cold", (*bench).cold},
	{"migrations", (*bench).migrations},
	{"flushes", (*bench).flushes},
	{"packages", (*bench).packages},
	{"memory", (*bench).memory},
	{"hostile", (*bench).hostile},
	{"growth", (*bench).growth},
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == floorFlag {
		exit(floor(os.Args[2:]))
	}
	if err := enterNamespace(); err != nil {
		exit(err)
	}
	quick := flag.Bool("quick", false, "small feeds, few rounds; exit 1 where a ratio is over its limit")
	only := flag.String("only", ".", "run the suites that match `REGEXP`")
	rounds := flag.Int("rounds", 0, "rounds of each comparison (default 11, quick 5)")
	write := flag.String("write", "", "write the tables into `FILE`, between its markers")
	scratch := flag.String("scratch", "", "`DIR` for feeds and mounts (default a temporary one)")
	keep := flag.Bool("keep", false, "do not remove the feeds at the end")
	size := flag.Bool("size", false, "print the runner's size by architecture and by package, and end")
	flag.Parse()
	if *size {
		exit(printSizes())
	}
	exit(run(*quick, *only, *rounds, *write, *scratch, *keep))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(quick bool, only string, rounds int, write, scratch string, keep bool) (err error) {
	b := &bench{quick: quick, rounds: rounds, feeds: map[string]*feed{}}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.only, err = regexp.Compile(only); err != nil {
		return err
	}
	if rounds == 0 {
		b.rounds = 11
		if quick {
			b.rounds = 5
		}
	}
	if b.dir, err = os.MkdirTemp(scratch, "meta-migration-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.end(keep)) }()
	if err := b.build(); err != nil {
		return err
	}
	for _, s := range suites {
		if !b.only.MatchString(s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.name)
		if err := s.run(b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	os.Stdout.WriteString(b.report.text())
	if write != "" {
		if err := b.report.writeInto(write, machine(b)); err != nil {
			return err
		}
	}
	return b.report.judge()
}

// build makes the programs as they are shipped.
func (b *bench) build() error {
	b.bin = filepath.Join(b.dir, "bin")
	if err := os.Mkdir(b.bin, 0o755); err != nil {
		return err
	}
	for name, flags := range map[string][]string{"mkmigrations": nil, "migrate-runner": {shippedFlag}} {
		pkg := map[string]string{"mkmigrations": "./tools/mkmigrations", "migrate-runner": "./target/migrate-runner"}[name]
		if err := goBuild(nil, pkg, filepath.Join(b.bin, name), append(flags, "-ldflags=-s -w -buildid=")...); err != nil {
			return err
		}
	}
	return b.buildEmpty()
}

// end removes what the run made.
func (b *bench) end(keep bool) error {
	if b.out != nil {
		if err := b.out.umount(); err != nil {
			return err
		}
	}
	if keep {
		return nil
	}
	return os.RemoveAll(b.dir)
}

// skip notes what could not be measured.
func (b *bench) skip(what string, why error) {
	fmt.Fprintf(os.Stderr, "bench: %s: not measured: %v\n", what, why)
	b.report.skipped = append(b.report.skipped, fmt.Sprintf("%s: %v", what, why))
}

// pick returns the small figure where the run is a quick one.
func (b *bench) pick(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}
