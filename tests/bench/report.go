// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// A report is what was measured, in the order of measuring.
type report struct {
	tables  []*table
	skipped []string
	faults  []string // ratios over their limit
}

// A table has a title and rows of as many cells as its head.
type table struct {
	title string
	head  []string
	rows  [][]string
}

var comparisonHead = []string{"what", "measured (10–90 %)", "beside", "measured (10–90 %)", "ratio", "must", "aim", ""}

// comparison returns the table of that title.
func (r *report) comparison(title string) *table { return r.table(title, comparisonHead...) }

func (r *report) table(title string, head ...string) *table {
	for _, t := range r.tables {
		if t.title == title {
			return t
		}
	}
	t := &table{title: title, head: head}
	r.tables = append(r.tables, t)
	return t
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// limits are what a ratio or a figure is to be at most; 0 is none.
type limits struct{ must, aim float64 }

// verdict says which of the limits a figure keeps.
func (l limits) verdict(figure float64) string {
	switch {
	case l.must == 0 && l.aim == 0:
		return ""
	case l.must > 0 && figure > l.must:
		return "**must not met**"
	case l.aim > 0 && figure > l.aim:
		return "must met, aim not"
	case l.aim > 0:
		return "aim met"
	}
	return "must met"
}

// compare adds a row: ours beside a peer, in a unit.
func (r *report) compare(t *table, what string, ours series, peer string, theirs series, u unit, l limits) {
	ratio := ours.over(theirs).median()
	t.add(what, u.spread(ours), peer, u.spread(theirs), ratioText(ratio), limitText(l.must), limitText(l.aim), l.verdict(ratio))
	if l.must > 0 && ratio > l.must {
		r.faults = append(r.faults, fmt.Sprintf("%s is %s of %s, at most %s is allowed", what, ratioText(ratio), peer, ratioText(l.must)))
	}
}

// figure adds a row without a peer.
func (r *report) figure(t *table, what string, value float64, u unit, l limits) {
	must, aim := "", ""
	if l.must > 0 {
		must = u.text(l.must)
	}
	if l.aim > 0 {
		aim = u.text(l.aim)
	}
	t.add(what, u.text(value), "", "", "", must, aim, l.verdict(value))
	if l.must > 0 && value > l.must {
		r.faults = append(r.faults, fmt.Sprintf("%s: %s, at most %s is allowed", what, u.text(value), u.text(l.must)))
	}
}

func limitText(f float64) string {
	if f == 0 {
		return ""
	}
	return ratioText(f)
}

func ratioText(f float64) string {
	if f < 0.095 {
		return fmt.Sprintf("%.4fx", f)
	}
	return fmt.Sprintf("%.2fx", f)
}

// judge returns an error where a limit is not kept.
func (r *report) judge() error {
	if len(r.faults) == 0 {
		return nil
	}
	return errors.New("over the limit:\n  " + strings.Join(r.faults, "\n  "))
}

// text is the report as Markdown.
func (r *report) text() string {
	var b strings.Builder
	for _, t := range r.tables {
		fmt.Fprintf(&b, "\n### %s\n\n%s", t.title, t.text())
	}
	if len(r.skipped) > 0 {
		fmt.Fprintf(&b, "\nNot measured:\n\n- %s\n", strings.Join(r.skipped, "\n- "))
	}
	return b.String()
}

func (t *table) text() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	line(strings.Split(strings.Repeat("---,", len(t.head)-1)+"---", ","))
	for _, row := range t.rows {
		line(row)
	}
	return b.String()
}

// The generated part of a document stands between these lines.
const (
	beginMark = "<!-- begin: written by make bench -->"
	endMark   = "<!-- end: written by make bench -->"
)

// writeInto replaces what stands between the marks of file.
func (r *report) writeInto(file, machine string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), beginMark)
	_, after, ended := strings.Cut(rest, endMark)
	if !ok || !ended {
		return fmt.Errorf("writing %q: no lines %q and %q", file, beginMark, endMark)
	}
	text := before + beginMark + "\n" + machine + r.text() + "\n" + endMark + after
	return os.WriteFile(file, []byte(text), 0o644)
}
