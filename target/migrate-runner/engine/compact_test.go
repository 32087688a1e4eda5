// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"fmt"
	"reflect"
	"testing"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// tellState writes all of a State that a run goes by, in a form that does not
// depend on how it came about.
func tellState(s *State) map[string]string {
	event := func(e *ledger.Event) string {
		if e == nil {
			return "-"
		}
		return fmt.Sprint(e.Seq, " ", e.Kind)
	}
	told := map[string]string{
		"release": s.Release, "complete": string(s.Complete), "empty": fmt.Sprint(s.Events == 0),
		"open": event(s.Open), "fallback": event(s.Fallback), "critical": event(s.Critical),
	}
	for i := range s.Unconfirmed {
		told["unconfirmed"] += event(&s.Unconfirmed[i]) + ";"
	}
	for id, r := range s.Records {
		attempts := map[bundle.Digest]int{}
		for b, n := range r.Attempts {
			if n != 0 {
				attempts[b] = n
			}
		}
		told[string(id)] = fmt.Sprint(r.ID, " ", r.Standing, " ", r.Through, " ", r.Since, " ", r.OneWay, " ", r.Digest, " ",
			r.Supersedes, " ", r.Touched, " ", r.Reverted, " ", attempts, " ", event(r.Last))
	}
	return told
}

func sameState(t *testing.T, what string, got, want *State) {
	t.Helper()
	g, w := tellState(got), tellState(want)
	if reflect.DeepEqual(g, w) {
		return
	}
	for key := range w {
		if g[key] != w[key] {
			t.Errorf("%s: %s is\n  %s, want\n  %s", what, key, g[key], w[key])
		}
	}
	for key := range g {
		if _, ok := w[key]; !ok {
			t.Errorf("%s: %s is %s, want none", what, key, g[key])
		}
	}
}

// isCompacted checks all that Compact promises of one ledger.
func isCompacted(t *testing.T, what string, events []ledger.Event) []ledger.Event {
	t.Helper()
	before := append([]ledger.Event(nil), events...)
	kept := Compact(events)
	if !reflect.DeepEqual(events, before) {
		t.Fatalf("%s: Compact changed its input", what)
	}
	sameState(t, what, Fold(kept), Fold(events))
	at := 0
	for i := range kept {
		for at < len(events) && events[at].Seq != kept[i].Seq {
			if !events[at].Kind.Known() {
				t.Errorf("%s: event %d of an unknown kind is lost", what, events[at].Seq)
			}
			at++
		}
		if at == len(events) || !reflect.DeepEqual(kept[i], events[at]) {
			t.Fatalf("%s: event %d was changed, or is not in its place", what, kept[i].Seq)
		}
		at++
	}
	if again := Compact(kept); !reflect.DeepEqual(again, kept) {
		t.Errorf("%s: compacted again %d events become %d", what, len(kept), len(again))
	}
	if n := len(events); n > 0 {
		log, err := ledger.Parse(ledger.EncodeCompacted(events[n-1].Seq, kept))
		if err != nil || !reflect.DeepEqual(log.Events, kept) || log.Next != events[n-1].Seq+1 {
			t.Errorf("%s: the written ledger is read as %+v, %v", what, log, err)
		}
	}
	return kept
}
