// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// walk plays one run without a device; ends says how the script of an ID
// ends, "" is well.
func walk(b *Bundle, s *State, ends map[string]ledger.Kind) *Session {
	x := NewSession(b, s)
	seq := uint64(100)
	for step := x.Next(); step.Kind != StepDone; step = x.Next() {
		e := b.BaselineEvent(step.Position)
		if step.Kind == StepAttempt {
			started := b.StartedEvent(step.Position, step.Attempt)
			seq++
			started.Seq = seq
			s.Apply(&started)
			kind := ends[short(started.ID)]
			if kind == "" {
				kind = ledger.Applied
			}
			e = EndedEvent(&started, kind)
		}
		s.Apply(&e)
		x.Ended(&e)
	}
	return x
}

func TestSessionOutcomes(t *testing.T) {
	const p, a, f, b = OutPending, OutApplied, OutFailed, OutBlocked
	for _, c := range []struct {
		image string
		ends  map[string]ledger.Kind
		want  []Outcome
		exit  int
	}{
		{"1: b a", nil, []Outcome{a, a}, ExitDone},
		{"1: b a", map[string]ledger.Kind{"b": ledger.Failed}, []Outcome{f, p}, ExitFailed},
		{"1: b a", map[string]ledger.Kind{"b": ledger.Deferred}, []Outcome{p, p}, ExitDone},
		{"1: b a", map[string]ledger.Kind{"b": ledger.Stopped}, []Outcome{p, p}, ExitError},
		{"1: b(continue) a", map[string]ledger.Kind{"b": ledger.Failed}, []Outcome{f, a}, ExitFailed},
		{"1: b(continue) a", map[string]ledger.Kind{"b": ledger.Stopped}, []Outcome{p, p}, ExitError},
		{"1: d(continue) c(!d) b(!c) a", map[string]ledger.Kind{"d": ledger.Failed}, []Outcome{f, b, b, a}, ExitFailed},
		{"1: d(continue) c(!d) b(!c) a", map[string]ledger.Kind{"d": ledger.Deferred}, []Outcome{p, p, p, a}, ExitDone},
		{"1: d c(!d) b(!c)", map[string]ledger.Kind{"d": ledger.Failed}, []Outcome{f, p, p}, ExitFailed},
		{"1: d(continue) c b(!d) a(!b)", map[string]ledger.Kind{"d": ledger.Failed, "c": ledger.Failed}, []Outcome{f, f, b, b}, ExitFailed},
		{"1: d(continue) c(continue) b(!d,!c)", map[string]ledger.Kind{"d": ledger.Deferred, "c": ledger.Failed}, []Outcome{p, f, b}, ExitFailed},
	} {
		x := walk(image(c.image), Fold(nil), c.ends)
		if !reflect.DeepEqual(x.Outcomes, c.want) || x.Exit() != c.exit {
			t.Errorf("%s, %v: outcomes %v, exit %d; want %v, %d", c.image, c.ends, x.Outcomes, x.Exit(), c.want, c.exit)
		}
		complete := true
		for _, out := range c.want {
			complete = complete && out == OutApplied
		}
		if x.Complete() != complete {
			t.Errorf("%s, %v: complete is %v", c.image, c.ends, x.Complete())
		}
	}
}

// What people read, and the cure, of each refusal.
func TestRefusals(t *testing.T) {
	older := Fold(nil)
	walk(image("2: b a(one-way)"), older, nil)
	older.Apply(&ledger.Event{Kind: ledger.Completed, Release: "2"})
	strange := Fold([]ledger.Event{{Kind: "format", Critical: true}})
	for _, c := range []struct {
		image string
		state *State
		want  Refusal
	}{
		{"1: b(@1)", older, Refusal{4, "the data was changed by a One-Way migration of a newer image: r:a", "install the newer image again"}},
		{"1 on-downgrade=refuse:", older, Refusal{4, "the data was migrated by a newer image (r:a, r:b) and On-Downgrade is refuse", "install the newer image again"}},
		{"9 min-from=8:", older, Refusal{5, "the device was last complete with release 2; this image, 9, needs at least 8", "install release 8 first, then this one"}},
		{"9 min-from=8:", Fold(nil), Refusal{5, "the device has no record of any release; this image, 9, needs at least 8", "install release 8 first, then this one"}},
		{"9:", strange, Refusal{4, `the ledger holds an event of kind "format" that this runner does not know`, "install the newer image again"}},
	} {
		d := Decide(image(c.image), c.state, true)
		if d.Refusal == nil || *d.Refusal != c.want || d.Refusal.Hint() != c.want.Cure || d.Refusal.Error() != c.want.Reason {
			t.Errorf("%s: %+v, want %+v", c.image, d.Refusal, c.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		event ledger.Event
		want  string
	}{
		{ledger.Event{Kind: ledger.Applied, Reason: "x"}, ""},
		{ledger.Event{Kind: ledger.Interrupted}, "the power went or the runner was killed"},
		{ledger.Event{Kind: ledger.Stopped}, "the runner was told to end"},
		{ledger.Event{Kind: ledger.Deferred, Exit: 75, Reason: "no network"}, `it said "not now" (exit status 75): no network`},
		{ledger.Event{Kind: ledger.Failed, Exit: 2, Reason: "cp: no space"}, "exit status 2: cp: no space"},
		{ledger.Event{Kind: ledger.Failed, Signal: 9}, "it was ended by signal 9"},
		{ledger.Event{Kind: ledger.Failed, Timeout: true, Signal: 15}, "it took longer than its Timeout"},
		{ledger.Event{Kind: ledger.Failed, Reason: "no space"}, "it could not be run to its end: no space"},
	} {
		if got := Describe(&c.event); got != c.want {
			t.Errorf("Describe(%+v) = %q, want %q", c.event, got, c.want)
		}
	}
}

// An image that has not got the migration must find all that it needs of it
// in the events.
func TestEventsOfAnAttempt(t *testing.T) {
	b := image("2 keep=good: x(>b,paths,one-way,@1.5) a | b(@1,>c)")
	started := b.StartedEvent(0, 2)
	m := &b.Migrations[0]
	want := ledger.Event{
		Kind: ledger.Started, ID: "r:x", Digest: m.Digest, Bundle: b.Anchor, Release: "2", Since: "1.5", OneWay: true, Paths: true, Keep: true, Attempt: 2,
		Items: []ledger.Item{
			{ID: "r:b", Since: "1", Digest: b.Gone[0].Digest, Supersedes: []bundle.ID{"r:c"}},
			{ID: "r:c"},
		},
	}
	if !reflect.DeepEqual(started, want) {
		t.Errorf("started:\n%+v\nwant\n%+v", started, want)
	}
	started.Seq, started.At, started.Line = 7, 99, "line"
	want.Kind, want.Ref = ledger.Applied, 7
	if got := EndedEvent(&started, ledger.Applied); !reflect.DeepEqual(got, want) {
		t.Errorf("applied:\n%+v\nwant\n%+v", got, want)
	}
	want.Kind, want.Items = ledger.Failed, nil
	if got := EndedEvent(&started, ledger.Failed); !reflect.DeepEqual(got, want) {
		t.Errorf("failed:\n%+v\nwant\n%+v", got, want)
	}
	if plain := image("1: a").StartedEvent(0, 1); plain.Paths || plain.Keep || plain.Items != nil {
		t.Errorf("started without Paths: %+v", plain)
	}
	if b := image("1 keep=good: a"); b.StartedEvent(0, 1).Keep {
		t.Error("without Paths there is no save to keep")
	}
}

// Every map, slice and pointer that Apply writes through must be the clone's
// own.
func TestCloneIsDeep(t *testing.T) {
	d := newSimulated()
	for _, line := range strings.Split(`image 2 keep=good: c(paths) x(>a,>b) f
		run f=fail
		run f=cut`, "\n") {
		d.command(strings.TrimSpace(line))
	}
	s := Fold(d.events)
	if s.Open == nil || len(s.Unconfirmed) == 0 || s.Records["r:f"].Attempts[d.bundle.Anchor] != 2 || len(s.Records["r:x"].Supersedes) != 2 {
		t.Fatalf("the state does not hold everything: %+v", s)
	}
	c := s.Clone()
	sameState(t, "the clone", c, s)
	before := tellState(s)
	open := *c.Open
	interrupted := EndedEvent(&open, ledger.Interrupted)
	for _, e := range []ledger.Event{
		interrupted,
		d.bundle.StartedEvent(2, 3),
		{Kind: ledger.Retried, ID: "r:f"},
		{Kind: ledger.Reverted, Refs: []uint64{c.Unconfirmed[0].Ref}, Items: []ledger.Item{{ID: "r:c"}, {ID: "r:x"}}},
		{Kind: ledger.Forgotten, ID: "r:x", Items: []ledger.Item{{ID: "r:a"}}},
		{Kind: ledger.Baseline, Items: []ledger.Item{{ID: "r:new", Supersedes: []bundle.ID{"r:c"}}}},
		{Kind: ledger.Completed, Release: "3", Bundle: d.bundle.Anchor},
	} {
		e := e
		c.Apply(&e)
		c.Unconfirmed = append(c.Unconfirmed, e)
	}
	if after := tellState(s); !reflect.DeepEqual(after, before) {
		t.Errorf("changing the clone changed the state:\n%v\nbefore:\n%v", after, before)
	}
}

// A chain of renames on an image with its first name: what is future was
// once found in time exponential in its length.
func TestFutureOfALongChain(t *testing.T) {
	const n = 400
	gone := ""
	for i := 1; i < n; i++ {
		gone += fmt.Sprintf(" n%03d(@%d", i, i)
		if i > 1 {
			gone += fmt.Sprintf(",>n%03d", i-1)
		}
		gone += ")"
	}
	newest := image(fmt.Sprintf("%d: x(>n%03d) |%s", n, n-1, gone))
	s := Fold(nil)
	walk(newest, s, nil)
	if future := Future(image("1: n001"), s); len(future) != 0 {
		t.Errorf("%d are future on the image with the first name", len(future))
	}
	if future := Future(image("1: other"), s); len(future) != n {
		t.Errorf("%d are future on an image without it, want %d", len(future), n)
	}
	started := newest.StartedEvent(0, 1)
	started.Seq = 1
	if size := len(ledger.Encode(&started)); size > 150*n {
		t.Errorf("its started event takes %d bytes", size)
	}
}

// A circle can only be forged; it must not keep the device from starting.
func TestFutureOfACircle(t *testing.T) {
	s := Fold([]ledger.Event{{Kind: ledger.Fresh, Release: "9", Items: []ledger.Item{
		{ID: "r:a", Since: "9", Supersedes: []bundle.ID{"r:b"}},
		{ID: "r:b", Since: "9", Supersedes: []bundle.ID{"r:a"}},
	}}})
	if future := Future(image("1: c"), s); len(future) != 2 {
		t.Errorf("%d are future, want both", len(future))
	}
}
