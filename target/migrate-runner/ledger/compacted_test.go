// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

import (
	"reflect"
	"testing"
)

// Of any selection of a ledger's events each is read back with its number
// and its bytes, also those that this program does not know.
func TestEncodeCompacted(t *testing.T) {
	data, _ := three()
	data = append(data, line("1", "4", "simulated colour=blue")...)
	data = append(data, line("1", "5", "retried id=a:b colour=%20")...)
	log, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for set := 0; set < 1<<len(log.Events); set++ {
		var kept []Event
		for i := range log.Events {
			if set&(1<<i) != 0 {
				kept = append(kept, log.Events[i])
			}
		}
		compacted := EncodeCompacted(log.Next-1, kept)
		again, err := Parse(compacted)
		if err != nil || !reflect.DeepEqual(again.Events, kept) || again.Next != log.Next || again.Torn || again.End != len(compacted) {
			t.Fatalf("read back as %+v, %v, want %+v", again, err, kept)
		}
		// It is compacted again, and goes on, like any other.
		if twice := EncodeCompacted(again.Next-1, again.Events); string(twice) != string(compacted) {
			t.Fatalf("written again as\n%s\nwant\n%s", twice, compacted)
		}
		next := Encode(&Event{Seq: again.Next, Kind: Confirmed})
		more, err := Parse(append(compacted, next...))
		if err != nil || len(more.Events) != len(kept)+1 || more.Next != log.Next+1 {
			t.Fatalf("with one more event: %+v, %v", more, err)
		}
	}
}

func TestEncodeCompactedOfEventsNotRead(t *testing.T) {
	e := full()
	log, err := Parse(EncodeCompacted(9, []Event{e}))
	if err != nil || len(log.Events) != 1 {
		t.Fatal(log, err)
	}
	e.Line = log.Events[0].Line
	if !reflect.DeepEqual(log.Events[0], e) {
		t.Errorf("read back as %+v", log.Events[0])
	}
}
