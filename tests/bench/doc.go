// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Bench measures both programs beside what users have today, and writes the
// tables of docs/performance.md.
//
//	go run ./tests/bench [-quick] [-only REGEXP] [-rounds N] [-write FILE]
//	go run ./tests/bench -size
//
// What is compared runs in the same minute: each round runs every candidate
// once, in an order that rotates. A figure is the median of the rounds, the
// spread are the 10th and 90th percentile, and a ratio is the median of the
// rounds' own ratios. So a machine that is slow for a while slows all alike.
//
// The package feeds are made from a seed, with the tools that distributions
// use; a part of their content is that of real Debian packages, where apt-get
// can download some. What needs root, a loop device or a tool that is missing
// is left out, and the table says so.
//
// -quick makes small feeds and few rounds, and exits 1 where a ratio is over
// its limit. Absolute times are never judged.
package main
