// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"fmt"
	"math/rand"
	"reflect"
	"strings"
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
	if _, ok := compactOnce(events); !ok {
		t.Errorf("%s: nothing but all events adds up to the same", what)
	}
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

// What a device goes through again and again leaves no more behind than what
// it went through once.
func TestCompactIsBounded(t *testing.T) {
	for name, day := range map[string]string{
		"not now": `image 1: b(paths) a
			run b=75`,
		"told to end": `image 1: b(paths) a
			run b=stop`,
		"up and down": `image 2: a(@1) b c
			run
			image 1: a
			run`,
		"up and down with failures": `image 2: a(@1) b c(>y) x(>c1,>a1)
			run b=fail
			run c=75
			run
			image 1: a
			run`,
		"fallback": `image 2 keep=good: c(paths) a(paths,>x) b(paths)
			run a=fail
			run
			image 1: x
			run`,
		"forgotten, retried, confirmed": `image 2 keep=good: c(paths) x(>b,>a)
			run c=fail
			retry c
			run
			confirm
			forget x
			forget c`,
		"baseline by hand": `image 2: c a
			baseline
			forget c
			run c=fail
			retry c`,
		"power cuts": `image 2: c a(paths)
			run calls=9
			run calls=21
			run
			forget a
			forget c
			retry c`,
		"two older images, each with another part": `image 3: x(>a,>b) | a(@2) b(@2)
			run
			image 1: a
			run
			image 3: x(>a,>b) | a(@2) b(@2)
			run
			image 1: b
			run`,
	} {
		t.Run(name, func(t *testing.T) {
			d := newSimulated()
			most := 0
			for days := 1; days <= 60; days++ {
				for _, line := range strings.Split(day, "\n") {
					d.command(strings.TrimSpace(line))
				}
				kept := len(isCompacted(t, fmt.Sprint("day ", days), d.events))
				if days <= 5 {
					most = max(most, kept)
				} else if kept > most {
					t.Fatalf("%d events are kept after %d days, at most %d of %d in the first five", kept, days, most, len(d.events))
				}
			}
		})
	}
}

func TestCompactKeeps(t *testing.T) {
	retried := ledger.Event{Seq: 1, Kind: ledger.Retried, ID: "r:a"}
	for _, c := range []struct {
		name   string
		events []ledger.Event
		want   []uint64
	}{
		{"nothing", nil, nil},
		{"one event, so that the ledger is not empty", []ledger.Event{{Seq: 5, Kind: ledger.Confirmed}}, []uint64{5}},
		{"the last of those that say nothing", []ledger.Event{{Seq: 5, Kind: ledger.Confirmed}, {Seq: 6, Kind: ledger.Confirmed}}, []uint64{6}},
		{"that an ID is known at all", []ledger.Event{retried, {Seq: 2, Kind: ledger.Confirmed}}, []uint64{1}},
		{"all that is unknown", []ledger.Event{{Seq: 1, Kind: "x"}, {Seq: 2, Kind: "y", Critical: true}, {Seq: 3, Kind: "x"}}, []uint64{1, 2, 3}},
		{"the newest release", []ledger.Event{{Seq: 1, Kind: ledger.Completed, Release: "1"}, {Seq: 2, Kind: ledger.Completed, Release: "2"}}, []uint64{2}},
	} {
		for i := range c.events {
			c.events[i].Line = strings.TrimSuffix(ledger.Encode(&c.events[i]), "\n")
		}
		var got []uint64
		for _, e := range isCompacted(t, c.name, c.events) {
			got = append(got, e.Seq)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: kept %d, want %d", c.name, got, c.want)
		}
	}
}

// One line is left of a migration that is applied, whatever it took.
func TestCompactOfApplied(t *testing.T) {
	d := newSimulated()
	for _, line := range []string{"image 1: b(#9) a(paths) x(>y)", "run b=fail", "run b=cut", "run b=75", "run a=stop", "run"} {
		d.command(line)
	}
	var got []string
	for _, e := range isCompacted(t, "three applied ones", d.events) {
		got = append(got, fmt.Sprint(e.Kind, " ", short(e.ID)))
	}
	want := []string{"applied b", "applied a", "applied x", "completed "}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
}

// forged makes events of any bytes: well formed, but in no order that a
// runner would write.
func forged(data []byte) []ledger.Event {
	kinds := []ledger.Kind{
		ledger.Fresh, ledger.Started, ledger.Applied, ledger.Failed, ledger.Interrupted, ledger.Stopped, ledger.Deferred,
		ledger.Baseline, ledger.Rearmed, ledger.Retried, ledger.Forgotten, ledger.Fallback, ledger.Reverted,
		ledger.Confirmed, ledger.Completed, "simulated",
	}
	ids := []bundle.ID{"r:a", "r:b", "r:c", "r:d"}
	var events []ledger.Event
	for len(data) >= 3 {
		x, y, z := data[0], data[1], data[2]
		data = data[3:]
		e := ledger.Event{
			Seq: uint64(len(events) + 1), Kind: kinds[x&15], ID: ids[y&3], Paths: x&16 != 0, Keep: x&32 != 0, OneWay: x&64 != 0,
			Bundle: bundle.Sum([]byte{y & 4}), Digest: bundle.Sum([]byte{y & 8}), Since: fmt.Sprint(y >> 4 & 3), Release: fmt.Sprint(y >> 6),
			Ref: uint64(z >> 4), Refs: []uint64{uint64(z >> 4), uint64(z >> 5)},
		}
		for i, id := range ids {
			if z&(1<<i) != 0 {
				item := ledger.Item{ID: id, OneWay: x&128 != 0, Supersedes: ids[:y>>4&1]}
				if y&32 != 0 {
					item.Since, item.Digest = "9", e.Digest
				}
				e.Items = append(e.Items, item)
			}
		}
		e.Line = strings.TrimSuffix(ledger.Encode(&e), "\n")
		parsed, err := ledger.Parse(ledger.EncodeCompacted(e.Seq-1, []ledger.Event{e}))
		if err != nil {
			panic(err)
		}
		events = append(events, parsed.Events[0])
	}
	return events
}

// FuzzCompact: what Compact promises holds of any events, in any order.
func FuzzCompact(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x02\x00\x00"))
	f.Add([]byte("started, applied, forgotten"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 900 {
			isCompacted(t, "forged", forged(data))
		}
	})
}

func TestCompactForged(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	kept, all := 0, 0
	for i := 0; i < 400 && !t.Failed(); i++ {
		data := make([]byte, random.Intn(300))
		random.Read(data)
		events := forged(data)
		all += len(events)
		kept += len(isCompacted(t, fmt.Sprint("forged ", i), events))
	}
	t.Logf("%d of %d events are kept", kept, all)
	if kept > all*3/4 {
		t.Errorf("%d of %d events are kept", kept, all)
	}
}
