// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"sort"
	"time"
)

// A series holds one value a round, in the order of the rounds.
type series []float64

// at returns the value at a fraction of the sorted series, 0 of none.
func (s series) at(fraction float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := append(series(nil), s...)
	sort.Float64s(sorted)
	return sorted[int(fraction*float64(len(sorted)-1)+0.5)]
}

func (s series) median() float64 { return s.at(0.5) }

// over divides round by round.
func (s series) over(peer series) series {
	ratios := make(series, 0, len(s))
	for i := range s {
		if i < len(peer) && peer[i] > 0 {
			ratios = append(ratios, s[i]/peer[i])
		}
	}
	return ratios
}

// times returns the series with each value multiplied.
func (s series) times(factor float64) series {
	scaled := make(series, len(s))
	for i := range s {
		scaled[i] = s[i] * factor
	}
	return scaled
}

// A usage is what one run took.
type usage struct {
	wall, cpu time.Duration // cpu with that of all children
}

// A candidate is one of those that are compared. prepare is not measured.
type candidate struct {
	name    string
	prepare func() error
	run     func() (usage, error)
	wall    series // seconds
	cpu     series
}

// interleave runs each candidate once a round, in an order that rotates, after
// one round that is thrown away.
func interleave(rounds int, all ...*candidate) error {
	for round := -1; round < rounds; round++ {
		for i := range all {
			c := all[(i+round+1)%len(all)]
			if c.prepare != nil {
				if err := c.prepare(); err != nil {
					return err
				}
			}
			u, err := c.run()
			if err != nil {
				return err
			}
			if round >= 0 {
				c.wall = append(c.wall, u.wall.Seconds())
				c.cpu = append(c.cpu, u.cpu.Seconds())
			}
		}
	}
	return nil
}
