// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"reflect"
	"testing"

	"meta-migration/target/migrate-runner/internal/attempt"
	"meta-migration/target/migrate-runner/ledger"
)

// How a script ended is one event: applied only where it ended by itself, with
// exit status 0, and left no process behind.
func TestJudge(t *testing.T) {
	started := ledger.Event{Seq: 7, Kind: ledger.Started, ID: "alpha:one", Attempt: 2, Items: []ledger.Item{{ID: "kilo:old"}}}
	const left = "a process that it started could not be ended"
	for _, c := range []struct {
		name   string
		result attempt.Result
		want   ledger.Event
	}{
		{"success", attempt.Result{Millis: 12}, ledger.Event{Kind: ledger.Applied, Items: started.Items, Millis: 12}},
		{"exit status", attempt.Result{Exit: 3}, ledger.Event{Kind: ledger.Failed, Exit: 3, Reason: "last words"}},
		{"not now", attempt.Result{Exit: 75}, ledger.Event{Kind: ledger.Deferred, Exit: 75, Reason: "last words"}},
		{"signal", attempt.Result{Signal: 11}, ledger.Event{Kind: ledger.Failed, Signal: 11, Reason: "last words"}},
		{"timeout", attempt.Result{Timeout: true}, ledger.Event{Kind: ledger.Failed, Timeout: true, Reason: "last words"}},
		{"timeout, ended by its signal", attempt.Result{Timeout: true, Signal: 15}, ledger.Event{Kind: ledger.Failed, Timeout: true, Signal: 15, Reason: "last words"}},
		{"timeout, saying not now", attempt.Result{Timeout: true, Exit: 75}, ledger.Event{Kind: ledger.Failed, Timeout: true, Exit: 75, Reason: "last words"}},
		{"success, and a process is left", attempt.Result{Left: true}, ledger.Event{Kind: ledger.Failed, Reason: left}},
		{"not now, and a process is left", attempt.Result{Exit: 75, Left: true}, ledger.Event{Kind: ledger.Failed, Exit: 75, Reason: left}},
		{"told to end", attempt.Result{Stopped: true, Signal: 15}, ledger.Event{Kind: ledger.Stopped, Signal: 15, Reason: "last words"}},
		{"told to end, and a process is left", attempt.Result{Stopped: true, Left: true}, ledger.Event{Kind: ledger.Stopped, Reason: left}},
	} {
		out := &output{id: "alpha:one"}
		out.last.add([]byte("first words\nlast words\n"), nil)
		c.want.ID, c.want.Attempt, c.want.Ref = started.ID, started.Attempt, started.Seq
		if got := judge(&started, c.result, out); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}
