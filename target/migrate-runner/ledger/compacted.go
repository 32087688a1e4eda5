// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

// EncodeCompacted writes a compacted ledger: the line that says so, with the
// number upto of the last event before the compaction, then the events that
// are left of it, each with the bytes that it was read from, or as [Encode]
// writes it where it was not read. [Parse] reads it back as these events,
// with upto+1 as the next number.
func EncodeCompacted(upto uint64, events []Event) []byte {
	data := []byte(Encode(&Event{Kind: Compacted, Upto: upto}))
	for i := range events {
		if line := events[i].Line; line != "" {
			data = append(append(data, line...), '\n')
		} else {
			data = append(data, Encode(&events[i])...)
		}
	}
	return data
}
