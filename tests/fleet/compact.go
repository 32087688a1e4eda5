// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package fleet

import (
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/ledger"
)

// compact is what the runner does with a ledger that has grown.
func (d *device) compact(t *tally) {
	d.open()
	d.ledger = ledger.EncodeCompacted(d.log.Next-1, engine.Compact(d.log.Events))
	d.journal = append(d.journal, "compacted")
	t.Compacted++
}
