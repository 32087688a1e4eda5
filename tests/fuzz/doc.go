// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Fuzz runs the fuzz targets of this module until each has used so many
// seconds of processor time, by the count that the operating system keeps of
// the processes. It continues where its last run ended: the inputs that were
// found are in Go's fuzz cache, the totals in the user's cache directory.
//
//	go run ./tests/fuzz -cpu 3600        every target up to an hour
//	go run ./tests/fuzz -table           what was reached so far
//
// Targets that read what strangers write come first; see exposed.
package main
