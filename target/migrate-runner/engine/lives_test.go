// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"fmt"
	"math/rand"
	"reflect"
	"sort"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// A product is the images of some releases, each made of the one before: new
// migrations, squashes and renames of older ones, others dropped.
func product(random *rand.Rand) []*Bundle {
	type one struct{ name, marks string }
	var live, gone []one
	var images []*Bundle
	words := func(list []one) (text string) {
		for _, m := range list {
			text += " " + m.name + "(" + m.marks + ")"
		}
		return text
	}
	oneIn := func(n int) bool { return random.Intn(n) == 0 }
	fresh := oneIn(3)
	serial := 0
	for release := 1; release <= 4; release++ {
		if len(live) > 0 && oneIn(4) {
			i := random.Intn(len(live))
			gone = append(gone, live[i])
			live = append(live[:i:i], live[i+1:]...)
		}
		for n := random.Intn(4); n > 0; n-- {
			serial++
			// The later the number, the smaller the name: the order is not
			// the alphabet's.
			m := one{fmt.Sprintf("%c%d", 'z'-serial, serial), fmt.Sprintf("@%d", release)}
			for _, mark := range []string{"paths", "paths", "continue", "one-way", "#1", "fresh"} {
				if oneIn(map[string]int{"one-way": 12, "fresh": 9}[mark]+3) && !strings.Contains(m.marks, mark) {
					m.marks += "," + mark
				}
			}
			place := len(live)
			if len(live) > 0 && oneIn(3) {
				from := random.Intn(len(live))
				to := min(len(live), from+1+random.Intn(2))
				for _, old := range live[from:to] {
					m.marks += ",>" + old.name
				}
				gone = append(gone, live[from:to]...)
				live = append(live[:from:from], live[to:]...)
				place = from
			} else if len(live) > 0 && oneIn(2) {
				m.marks += ",!" + live[random.Intn(len(live))].name
			}
			live = append(live[:place:place], append([]one{m}, live[place:]...)...)
		}
		sort.Slice(gone, func(i, j int) bool { return gone[i].name < gone[j].name })
		head := fmt.Sprint(release)
		if oneIn(2) {
			head += " keep=good"
		}
		if oneIn(5) {
			head += " on-downgrade=refuse"
		}
		if fresh {
			head += " fresh-unless=/x"
			if release > 2 && oneIn(3) {
				head += fmt.Sprint(" min-from=", release-2)
			}
		}
		images = append(images, image(head+":"+words(live)+" |"+words(gone)))
	}
	return images
}

// A life is a device that gets the images of a product in any order, loses
// its power, and is in the hands of people.
type life struct {
	t      *testing.T
	random *rand.Rand
	images []*Bundle
	*simulated
	twin *simulated // lives the same life, but its ledger is compacted at times
}

func newLife(t *testing.T, seed int64) *life {
	random := rand.New(rand.NewSource(seed))
	l := &life{t: t, random: random, images: product(random), simulated: newSimulated(), twin: newSimulated()}
	if random.Intn(2) == 0 {
		l.paths["/x"], l.twin.paths["/x"] = true, true
	}
	return l
}

func (l *life) oneIn(n int) bool { return l.random.Intn(n) == 0 }

// step is a day of it.
func (l *life) step() {
	b := l.images[l.random.Intn(len(l.images))]
	switch {
	case l.oneIn(12):
		l.hand(b)
		return
	case l.oneIn(8):
		l.both(func(d *simulated) string { d.bundle = b; return d.command("confirm") })
		return
	}
	outcomes := map[bundle.ID]string{}
	for i := range b.Migrations {
		if l.oneIn(5) {
			outcomes[b.Migrations[i].ID] = []string{"fail", "75", "stop", "cut", "hang"}[l.random.Intn(5)]
		}
	}
	calls, told := -1, l.oneIn(20)
	if l.oneIn(3) {
		calls = l.random.Intn(40)
	}
	l.boot(b, outcomes, calls, told)
}

func (l *life) hand(b *Bundle) {
	event := ledger.Event{Kind: "simulated", Reason: "x"}
	if len(b.Migrations) > 0 {
		id := b.Migrations[l.random.Intn(len(b.Migrations))].ID
		state := Fold(l.events)
		switch l.random.Intn(4) {
		case 0:
			event = ledger.Event{Kind: ledger.Retried, ID: id}
		case 1:
			event = b.ForgottenEvent(state, id)
		case 2:
			event = b.FreshEvent(state, true)
		}
	}
	l.both(func(d *simulated) string { d.bundle = b; d.byHand(event); return "" })
}

// both does the same to the device and its twin; nobody may see a difference.
func (l *life) both(do func(d *simulated) string) string {
	l.t.Helper()
	mine, its := do(l.simulated), do(l.twin)
	if mine != its || !reflect.DeepEqual(l.log, l.twin.log) {
		l.t.Fatalf("with a compacted ledger: %q %q, without: %q %q", its, l.twin.log, mine, l.log)
	}
	sameState(l.t, "the twin", Fold(l.twin.events), Fold(l.events))
	if l.oneIn(3) {
		l.twin.events = Compact(l.twin.events)
	}
	return mine
}

// boot starts an image, and checks all that holds whatever happened before.
func (l *life) boot(b *Bundle, outcomes map[bundle.ID]string, calls int, told bool) string {
	l.t.Helper()
	before := Fold(l.events)
	how := l.both(func(d *simulated) string {
		d.scripts, d.calls, d.told = outcomes, calls, told
		exit, err := d.boot(b)
		return fmt.Sprint("exit ", exit, ", ", err)
	})
	after := Fold(l.events)
	if l.state != nil && !strings.Contains(how, errPower.Error()) {
		sameState(l.t, "the state that the run had", l.state, after)
	}
	for _, id := range l.attempts {
		if s := before.Standing(id); (s == Applied || s == Baseline) && before.Fallback == nil && !strings.Contains(strings.Join(l.log, " "), "reverted") {
			l.t.Errorf("%s ran, though it was applied", id)
		}
	}
	l.whole(after)
	if l.marker == b.Anchor {
		for i := range b.Migrations {
			if !b.CountsAsApplied(after, b.Migrations[i].ID) {
				l.t.Errorf("complete, but %s does not count as applied", b.Migrations[i].ID)
			}
		}
	}
	return how
}

// whole checks the data: with Paths never half, and done where the ledger
// says that it was done.
func (l *life) whole(s *State) {
	l.t.Helper()
	if s.Open != nil || s.Fallback != nil {
		return
	}
	for id, r := range s.Records {
		hasPaths := false
		for _, b := range l.images {
			if i, ok := b.Index.Position(id); ok {
				hasPaths = len(b.Migrations[i].Paths) > 0
			}
		}
		if hasPaths && l.data[id] == "half" {
			l.t.Errorf("%s is half applied", id)
		}
		if r.Standing == Applied && r.Through == "" && l.data[id] != "done" {
			l.t.Errorf("%s is applied, its data is %q", id, l.data[id])
		}
	}
}

// settles: with scripts that end well and power that stays, an image comes to
// an end within a few starts, and then has nothing left to do.
func (l *life) settles(b *Bundle) {
	l.t.Helper()
	var how string
	for i := 0; i < 2; i++ {
		how = l.boot(b, nil, -1, false)
	}
	if strings.HasPrefix(how, "exit 0, <nil>") && l.marker != b.Anchor {
		l.t.Errorf("done, but without a marker")
	}
	used := false
	for _, row := range Rows(b, Fold(l.events)) {
		used = used || row.UsedUp
	}
	if strings.HasPrefix(how, "exit 3") && !used {
		l.t.Errorf("%s, but none is used up", how)
	}
	events := len(l.events)
	l.both(func(d *simulated) string { d.marker = ""; return "" })
	if again := l.boot(b, nil, -1, false); again != how || len(l.events) != events || len(l.attempts) > 0 {
		l.t.Errorf("settled as %q, then %q, %q", how, again, l.log)
	}
}

func live(t *testing.T, seed int64, days int) {
	l := newLife(t, seed)
	for day := 0; day < days && !t.Failed(); day++ {
		l.step()
		if l.oneIn(6) {
			l.settles(l.images[l.random.Intn(len(l.images))])
		}
		isCompacted(t, fmt.Sprint("seed ", seed, ", day ", day), l.events)
		l.decides()
	}
	if t.Failed() {
		t.Logf("seed %d", seed)
		for _, b := range l.images {
			t.Logf("image\n%s", b.Bytes())
		}
	}
}

// decides: looking changes nothing, the same is decided twice, and however
// the ledger is cut in two, its parts add up to the same.
func (l *life) decides() {
	l.t.Helper()
	s := Fold(l.events)
	for _, b := range l.images {
		first, second := Decide(b, s, l.oneIn(2)), Decide(b, s.Clone(), true)
		if s.Events > 0 && (!reflect.DeepEqual(first.Refusal, second.Refusal) || !reflect.DeepEqual(first.Fallback, second.Fallback) || !reflect.DeepEqual(first.Rearm, second.Rearm)) {
			l.t.Errorf("decided %+v, then %+v", first, second)
		}
		recorded := s.Clone()
		for _, e := range []*ledger.Event{first.Fresh, first.Confirm, first.Fallback, ended(first.Fallback), first.Rearm} {
			if e != nil {
				recorded.Apply(e)
			}
		}
		sameState(l.t, "the state behind the decision", first.After, recorded)
		Planned(b, s)
		Rows(b, s)
	}
	sameState(l.t, "after looking at it, the state", s, Fold(l.events))
	cut := l.random.Intn(len(l.events) + 1)
	part := Fold(l.events[:cut])
	whole := part.Clone()
	for i := cut; i < len(l.events); i++ {
		whole.Apply(&l.events[i])
	}
	sameState(l.t, "cut in two, the state", whole, s)
	sameState(l.t, "the state that was cloned", part, Fold(l.events[:cut]))
}

func ended(fallback *ledger.Event) *ledger.Event {
	if fallback == nil {
		return nil
	}
	e := RevertedEvent(fallback)
	return &e
}

func TestLives(t *testing.T) {
	for seed := int64(1); seed <= 150 && !t.Failed(); seed++ {
		live(t, seed, 30)
	}
}

// FuzzLives is TestLives for any seed; FuzzCompact's histories are its
// devices' ledgers.
func FuzzLives(f *testing.F) {
	f.Add(int64(1), uint8(20))
	f.Fuzz(func(t *testing.T, seed int64, days uint8) { live(t, seed, int(days)%60) })
}
