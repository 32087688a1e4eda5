// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// A snapshot is the data of a device: its files by path.
type snapshot map[string]entry

type entry struct {
	mode os.FileMode
	text string // content, or the target of a link
}

// takeSnapshot reads /etc and /var below root. What belongs to the image and
// to the runner is left out: only what migrations change is shown.
func takeSnapshot(root string) (snapshot, error) {
	s := snapshot{}
	for _, top := range []string{"etc", "var"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := strings.TrimPrefix(path, root)
			if name == "/etc/migration.d" || name == "/var/lib/migration" {
				return filepath.SkipDir
			}
			e, err := readEntry(path, d)
			if err == nil && !d.IsDir() {
				s[name] = e
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func readEntry(path string, d fs.DirEntry) (entry, error) {
	info, err := d.Info()
	if err != nil {
		return entry{}, err
	}
	e := entry{mode: info.Mode()}
	switch {
	case e.mode&os.ModeSymlink != 0:
		e.text, err = os.Readlink(path)
	case e.mode.IsRegular():
		var data []byte
		data, err = os.ReadFile(path)
		e.text = string(data)
	}
	return e, err
}

// difference tells people what became of before: nothing, or lines.
func difference(before, after snapshot) string {
	paths := map[string]bool{}
	for path := range before {
		paths[path] = true
	}
	for path := range after {
		paths[path] = true
	}
	sorted := make([]string, 0, len(paths))
	for path := range paths {
		sorted = append(sorted, path)
	}
	sort.Strings(sorted)
	var b strings.Builder
	for _, path := range sorted {
		old, was := before[path]
		now, is := after[path]
		switch {
		case !was:
			b.WriteString(path + " is new\n" + marked("+ ", lines(now.text)))
		case !is:
			b.WriteString(path + " is gone\n")
		case old != now:
			b.WriteString(path)
			if old.mode != now.mode {
				fmt.Fprintf(&b, " (%v, was %v)", now.mode, old.mode)
			}
			b.WriteString("\n" + lineDifference(lines(old.text), lines(now.text)))
		}
	}
	return b.String()
}

func lines(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// marked shows the first lines, since some files are long.
func marked(mark string, lines []string) string {
	const most = 6
	var b strings.Builder
	for i, line := range lines {
		if i == most && len(lines) > most+1 {
			fmt.Fprintf(&b, "    … and %d more lines\n", len(lines)-most)
			break
		}
		b.WriteString("    " + mark + line + "\n")
	}
	return b.String()
}

// lineDifference shows the lines that went and came, by the longest common
// subsequence; the files of the demo are small.
func lineDifference(a, b []string) string {
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out.WriteString(marked("- ", a[i:i+1]))
			i++
		default:
			out.WriteString(marked("+ ", b[j:j+1]))
			j++
		}
	}
	return out.String()
}
