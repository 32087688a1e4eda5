// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"text/tabwriter"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz: error:", err)
		os.Exit(1)
	}
}

func run() error {
	usual, err := totalsPath()
	if err != nil {
		return err
	}
	seconds := flag.Float64("cpu", 3600, "seconds of processor time that each target shall have in the end")
	slice := flag.Float64("turn", 120, "seconds that a target has at a time")
	jobs := flag.Int("jobs", 2, "targets at a time")
	only := flag.String("only", ".", "targets whose names match this regular expression")
	file := flag.String("totals", usual, "where the totals are kept")
	table := flag.Bool("table", false, "print the totals and run nothing")
	flag.Parse()
	names, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	targets, err := findTargets(names)
	if err != nil {
		return err
	}
	all, err := readTotals(*file)
	if err != nil {
		return err
	}
	if !*table {
		// Interrupted, it ends the turns, counts them and prints the table.
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = fuzzAll(ctx, targets, all, *seconds, *slice, *jobs)
	}
	if e := all.print(os.Stdout, targets); err == nil {
		err = e
	}
	return err
}

// fuzzAll gives turns to the targets until each has had its seconds.
func fuzzAll(ctx context.Context, targets []target, all *totals, seconds, slice float64, jobs int) error {
	dir, err := os.MkdirTemp("", "fuzz")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := &programs{dir: dir}
	if err := p.build(targets); err != nil {
		return err
	}
	s := &schedule{targets: targets, all: all, seconds: seconds, busy: map[string]bool{}, failed: map[string]bool{}}
	var workers sync.WaitGroup
	for i := 0; i < jobs; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			// A child is told of the end of the thread that started it.
			runtime.LockOSThread()
			for ctx.Err() == nil {
				t, left, ok := s.next()
				if !ok {
					return
				}
				turn, out, err := p.fuzz(ctx, t, min(left, slice))
				s.done(t, turn, out, err)
			}
		}()
	}
	workers.Wait()
	return s.result()
}

// print shows what was reached.
func (all *totals) print(out io.Writer, targets []target) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "target\tCPU seconds\texecutions\tnew inputs\tfailures\t")
	for _, t := range targets {
		sum := all.get(t)
		fmt.Fprintf(w, "%s\t%.0f\t%d\t%d\t%d\t\n", t.name, sum.Seconds, sum.Executions, sum.Inputs, sum.Failures)
	}
	return w.Flush()
}
