//go:build !race

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

// raceDetector says that time and memory are those of the race detector.
const raceDetector = false
