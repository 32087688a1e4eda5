// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package flash

import (
	"crypto/sha256"
	"fmt"

	"meta-migration/tests/crash"
)

// The machine's flash, in bytes, and the file systems that are tried on it.
const (
	flashSize = 4 << 20
	eraseSize = 32 << 10
	pageSize  = 4096
)

var kinds = []string{"jffs2", "ubifs"}

// A job is what the machine does with its flash, one after the other.
type job struct {
	Name    string // of the scenario
	Kind    string
	State   int    // which of the states on the second disk is put on the flash
	Runner  string // a path in the machine
	Tree    string // a tar to fill fresh flash with instead, "" for none
	Watched bool   // the host wants to know when the runner begins and ends
	Busy    bool   // something else syncs all the time
}

// A report is what the machine has seen of a job.
type report struct {
	Trouble string // why it could not be done, "" if it could
	Before  crash.Look
	Exit    int // of the runner
	Output  string
	After   crash.Look
}

// Lines of the machine's console, each with a number: of a job, or of a round
// of tags. Behind each the machine waits for a line from the host.
const (
	saysTagged = "FLASH-TAGGED"
	saysBegin  = "FLASH-BEGIN"
	saysEnd    = "FLASH-END"
)

// tagRounds is how often the flash is tagged, each time otherwise.
const tagRounds = 2

// tag is what is written to a page of the flash, for the host to find it in
// the machine's memory.
func tag(round, page int) []byte {
	sum := sha256.Sum256([]byte(fmt.Sprintf("flash %d %d", round, page)))
	return sum[:]
}
