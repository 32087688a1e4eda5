// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import "fmt"

// A unit says how a figure is shown.
type unit int

const (
	seconds unit = iota
	bytes10      // decimal, as file sizes
	bytes2       // binary, as memory
	count
)

func (u unit) text(v float64) string {
	switch u {
	case seconds:
		switch {
		case v < 0.001:
			return fmt.Sprintf("%.0f µs", v*1e6)
		case v < 1:
			return fmt.Sprintf("%.3g ms", v*1e3)
		}
		return fmt.Sprintf("%.3g s", v)
	case bytes10:
		return fmt.Sprintf("%.0f B", v)
	case bytes2:
		return fmt.Sprintf("%.1f MiB", v/(1<<20))
	}
	return fmt.Sprintf("%.3g", v)
}

// spread shows the median and what most rounds lie between.
func (u unit) spread(s series) string {
	return fmt.Sprintf("%s (%s–%s)", u.text(s.median()), u.text(s.at(0.1)), u.text(s.at(0.9)))
}
