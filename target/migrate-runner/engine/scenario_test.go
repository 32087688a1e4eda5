// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/ledger"
)

// image makes a bundle of one line:
//
//	2.0 keep=good min-from=1: a b(!a,paths) c(>x,>y,@1.5) | x(@1)
//
// Behind the release come the fields of the first stanza; then the migrations
// in their order; behind "|" those that are gone. In brackets:
//
//	@R  Since, else the release    !a    Requires
//	>a  Supersedes                 #N    Attempts
//	v2  another text               else  a word of wordOf
func image(text string) *Bundle {
	head, list, _ := strings.Cut(text, ":")
	m := &bundle.Manifest{Library: bundle.Sum(nil)}
	for i, word := range strings.Fields(head) {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case i == 0:
			m.Release = word
		case name == "keep":
			m.Keep = bundle.Keep(value)
		case name == "min-from":
			m.MinFrom = value
		case name == "on-downgrade":
			m.OnDowngrade = bundle.OnDowngrade(value)
		case name == "fresh-unless":
			m.FreshUnless = strings.Split(value, ",")
		default:
			panic("image: " + word)
		}
	}
	list, gone, _ := strings.Cut(list, "|")
	words := strings.Fields(list)
	for i, word := range words {
		one := migration(word, m.Release)
		one.File = bundle.FileName(i, len(words), one.ID)
		m.Migrations = append(m.Migrations, one)
	}
	for _, word := range strings.Fields(gone) {
		one := migration(word, m.Release)
		m.Gone = append(m.Gone, bundle.Gone{ID: one.ID, Since: one.Since, Digest: one.Digest, Supersedes: one.Supersedes})
	}
	data := m.Bytes()
	m, err := bundle.ParseManifest("manifest", data)
	if err != nil {
		panic(fmt.Sprint("image ", text, ": ", err))
	}
	return NewBundle(m, bundle.Sum(data))
}

func migration(word, release string) bundle.Migration {
	name, rest, _ := strings.Cut(strings.TrimSuffix(word, ")"), "(")
	one := bundle.Migration{ID: longID(name), Digest: bundle.Sum([]byte(name))}
	one.Since = release
	for _, mark := range strings.FieldsFunc(rest, func(r rune) bool { return r == ',' }) {
		switch mark[0] {
		case '@':
			one.Since = mark[1:]
		case '!':
			one.Requires = append(one.Requires, longID(mark[1:]))
		case '>':
			one.Supersedes = append(one.Supersedes, longID(mark[1:]))
		case '#':
			one.Attempts, _ = strconv.Atoi(mark[1:])
		case 'v':
			one.Digest = bundle.Sum([]byte(name + mark))
		default:
			wordOf(mark, &one)
		}
	}
	return one
}

func wordOf(mark string, one *bundle.Migration) {
	switch mark {
	case "paths":
		one.Paths = []string{"/data/" + one.ID.Name()}
	case "continue":
		one.OnFailure = bundle.Continue
	case "one-way":
		one.OneWay = true
	case "fresh":
		one.Fresh = bundle.RunFresh
	default:
		panic("image: " + mark)
	}
}

// In the scenarios "a" is short for the ID "r:a".
func longID(name string) bundle.ID { return bundle.ID("r:" + name) }
func short(id bundle.ID) string    { return strings.TrimPrefix(string(id), "r:") }

func shorts(items []ledger.Item) string {
	var names []string
	for i := range items {
		names = append(names, short(items[i].ID))
	}
	return strings.Join(names, " ")
}

// errPower ends a run as a power cut does: what was done stays, nothing more
// is.
var errPower = errors.New("the power went")

// A simulated device: a ledger and the data that migrations change, one value
// each, "" before, "half" while its script runs, "done" behind it.
type simulated struct {
	events []ledger.Event
	last   uint64 // number of the last event
	state  *State // of the last run
	data   map[bundle.ID]string
	saves  map[uint64]string // the value of its migration before the attempt
	marker bundle.Digest
	// private says what a script noted in its private directory.
	private map[bundle.ID]string
	paths   map[string]bool // that exist, for Fresh-Unless

	scripts  map[bundle.ID]string // how they end in this run; "" is well
	bundle   *Bundle
	calls    int // until the power goes; negative for never
	log      []string
	told     bool
	attempts []bundle.ID // scripts that were run by the last boot
	full     bool        // no space for saves
	asked    string      // what the last boot asked of the space
}

func newSimulated() *simulated {
	return &simulated{data: map[bundle.ID]string{}, saves: map[uint64]string{}, private: map[bundle.ID]string{}, paths: map[string]bool{}, calls: -1}
}

// boot is one start of the image on the device.
func (d *simulated) boot(b *Bundle) (exit int, err error) {
	d.bundle, d.log, d.attempts, d.state, d.asked = b, nil, nil, nil, ""
	if d.marker == b.Anchor {
		return ExitDone, nil
	}
	d.state = Fold(d.events)
	return (&Run{Bundle: b, State: d.state, Device: d}).All()
}

// durable does what the power may cut off: before, or just behind.
func (d *simulated) durable(do func()) error {
	if d.calls == 0 {
		return errPower
	}
	d.calls--
	do()
	if d.calls == 0 {
		return errPower
	}
	if d.calls > 0 {
		d.calls--
	}
	return nil
}

func (d *simulated) say(parts ...string) { d.log = append(d.log, strings.Join(parts, "")) }

func (d *simulated) Record(e *ledger.Event) error {
	e.Seq = d.last + 1
	return d.durable(func() {
		d.last++
		if e.Kind == ledger.Applied {
			d.private[e.ID] = "done"
		}
		log, err := ledger.Parse(ledger.EncodeCompacted(e.Seq-1, []ledger.Event{*e}))
		if err != nil {
			panic(err)
		}
		d.events = append(d.events, log.Events[0])
		d.say(told(e))
	})
}

// told is an event in the words of the scenarios; "" for those that say no
// more than the ones behind them.
func told(e *ledger.Event) string {
	switch e.Kind {
	case ledger.Started:
		return ""
	case ledger.Fresh, ledger.Baseline, ledger.Rearmed, ledger.Fallback:
		return string(e.Kind) + " [" + shorts(e.Items) + "]"
	case ledger.Reverted, ledger.Confirmed:
		return string(e.Kind)
	case ledger.Completed:
		return "complete " + e.Release
	}
	text := short(e.ID)
	if e.Attempt > 1 {
		text += "#" + strconv.Itoa(e.Attempt)
	}
	text += " " + string(e.Kind)
	if e.Kind == ledger.Applied && len(e.Items) > 0 {
		text += " [" + shorts(e.Items) + "]"
	}
	return text
}

func (d *simulated) FreshUnless(paths []string) (bool, error) {
	for _, p := range paths {
		if d.paths[p] {
			return true, nil
		}
	}
	return false, nil
}

func (d *simulated) CheckSpace(sets [][]string, all bool, dropped []uint64) error {
	d.asked = fmt.Sprint(sets, all, dropped)
	if d.full {
		return errors.New("no space")
	}
	return nil
}

func (d *simulated) Save(started *ledger.Event, paths []string) error {
	return d.durable(func() { d.saves[started.Seq] = d.data[started.ID] })
}

func (d *simulated) PutBack(number uint64, id bundle.ID) error {
	value, whole := d.saves[number]
	if !whole {
		return nil
	}
	return d.durable(func() {
		d.data[id] = value
		delete(d.private, id)
		d.say("put-back ", short(id))
	})
}

func (d *simulated) HasSave(number uint64) (bool, error) {
	_, whole := d.saves[number]
	return whole, nil
}

func (d *simulated) DropSave(number uint64) error {
	return d.durable(func() { delete(d.saves, number) })
}

func (d *simulated) SweepSaves(needed map[uint64]bool) error {
	return d.durable(func() {
		for n := range d.saves {
			if !needed[n] {
				delete(d.saves, n)
			}
		}
	})
}

func (d *simulated) Attempt(position int, started *ledger.Event) (ledger.Event, error) {
	id := started.ID
	d.attempts = append(d.attempts, id)
	if d.private[id] == "done" {
		panic(string(id) + " finds what it noted when it was applied")
	}
	if err := d.durable(func() { d.data[id], d.private[id] = "half", "half" }); err != nil {
		return ledger.Event{}, err
	}
	e := EndedEvent(started, ledger.Failed)
	e.Millis = 7
	switch d.scripts[id] {
	case "":
		e.Kind, e.Items = ledger.Applied, started.Items
		return e, d.durable(func() { d.data[id] = "done" })
	case "fail":
		e.Exit, e.Reason = 1, "no luck"
	case "hang":
		e.Timeout = true
	case "75":
		e.Kind, e.Exit = ledger.Deferred, 75
	case "stop":
		e.Kind = ledger.Stopped
	case "cut":
		return e, errPower
	default:
		panic("outcome " + d.scripts[id])
	}
	return e, nil
}

// Cleanup may be too late: then the power went before it.
func (d *simulated) Cleanup(id bundle.ID) {
	_ = d.CleanupAgain(id) // the next call says that it is off
}

func (d *simulated) CleanupAgain(id bundle.ID) error {
	return d.durable(func() { delete(d.private, id) })
}

func (d *simulated) RemoveMarkers() error { return d.durable(func() { d.marker = "" }) }

func (d *simulated) SetMarker(anchor bundle.Digest) error {
	return d.durable(func() { d.marker = anchor })
}

func (d *simulated) ToldToEnd() bool { return d.told }
func (d *simulated) Say(m Message) {
	if m.Kind == SayLost {
		d.say("lost ", short(m.ID))
	}
}

// byHand records an event of a command that a person gave.
func (d *simulated) byHand(e ledger.Event) {
	d.calls, d.marker = -1, ""
	if err := d.Record(&e); err != nil {
		panic(err)
	}
}

// play carries out a scenario: lines of `command => what comes of it`.
func play(t *testing.T, script string) {
	t.Helper()
	d := newSimulated()
	for n, line := range strings.Split(strings.TrimSpace(script), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		command, want, _ := strings.Cut(line, "=>")
		got := d.command(strings.TrimSpace(command))
		if strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("line %d: %s\n got => %s", n+1, line, got)
		}
		isCompacted(t, "line "+strconv.Itoa(n+1), d.events)
	}
}

// command carries out one line of a scenario and says what came of it.
func (d *simulated) command(line string) string {
	name, rest, _ := strings.Cut(line, " ")
	d.log = nil
	switch name {
	case "image":
		d.bundle = image(rest)
	case "run":
		return d.run(rest)
	case "rows":
		return tellRows(Rows(d.bundle, Fold(d.events)))
	case "device":
		return d.tell()
	case "counts":
		return fmt.Sprint(d.bundle.CountsAsApplied(Fold(d.events), longID(rest)))
	case "exists":
		d.paths[rest] = true
	case "lost":
		d.events, d.last = nil, 0
	case "drop":
		for i := range d.events {
			if d.events[i].Kind == ledger.Started && d.events[i].ID == longID(rest) {
				delete(d.saves, d.events[i].Seq)
			}
		}
	case "unknown":
		e := ledger.Event{Kind: ledger.Kind(strings.TrimSuffix(rest, "!")), Critical: strings.HasSuffix(rest, "!")}
		d.byHand(e)
		return ""
	case "retry":
		d.byHand(ledger.Event{Kind: ledger.Retried, ID: longID(rest)})
		return ""
	case "forget":
		e := d.bundle.ForgottenEvent(Fold(d.events), longID(rest))
		d.byHand(e)
		return shorts(e.Items)
	case "baseline":
		e := d.bundle.FreshEvent(Fold(d.events), true)
		d.byHand(e)
		return shorts(e.Items)
	case "confirm":
		if err := (&Run{Bundle: d.bundle, State: Fold(d.events), Device: d}).Confirm(); err != nil {
			return err.Error()
		}
		return strings.Join(d.log, ", ")
	default:
		panic("scenario: " + line)
	}
	return ""
}

// run boots the image; a=fail says how the script of a ends, calls=N when the
// power goes.
func (d *simulated) run(outcomes string) string {
	d.scripts, d.calls = map[bundle.ID]string{}, -1
	for _, word := range strings.Fields(outcomes) {
		id, how, _ := strings.Cut(word, "=")
		if id == "calls" {
			d.calls, _ = strconv.Atoi(how)
		} else {
			d.scripts[longID(id)] = how
		}
	}
	exit, err := d.boot(d.bundle)
	end := "exit " + strconv.Itoa(exit)
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		end = "refused " + strconv.Itoa(refusal.Exit) + ": " + refusal.Reason
	case err == errPower:
		end = "power cut"
	case err != nil:
		end = err.Error()
	case exit == ExitDone && d.marker != d.bundle.Anchor:
		end += " without marker"
	case exit != ExitDone && d.marker != "":
		end += " with marker"
	}
	var said []string
	for _, s := range append(d.log, end) {
		if s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, ", ")
}

func (d *simulated) tell() string {
	s := Fold(d.events)
	text := "release " + s.Release
	for i := range s.Unconfirmed {
		text += ", unconfirmed " + short(s.Unconfirmed[i].ID)
	}
	if s.Open != nil {
		text += ", open " + short(s.Open.ID)
	}
	if s.Fallback != nil {
		text += ", in a fallback"
	}
	for _, id := range sortedIDs(s.Records) {
		if value := d.data[id]; value != "" {
			text += ", " + short(id) + " " + value
		}
	}
	return text
}

func sortedIDs(records map[bundle.ID]*Record) []bundle.ID {
	var list []*Record
	for _, r := range records {
		list = append(list, r)
	}
	sortRecords(list)
	ids := make([]bundle.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// tellRows: the state, with the number of attempts, and "!" when used up.
func tellRows(rows []Row) string {
	var texts []string
	for i := range rows {
		text := short(rows[i].ID) + " " + rows[i].State
		if rows[i].Attempts > 0 {
			text += "#" + strconv.Itoa(rows[i].Attempts)
		}
		if rows[i].UsedUp {
			text += "!"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}
