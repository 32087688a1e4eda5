// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// three is a ledger of three events; ends holds where each of its lines ends.
func three() (data []byte, ends []int) {
	for i, e := range []Event{
		{Kind: Fresh, Bundle: d1, Release: "1", Items: []Item{{ID: "a:b"}}},
		{Kind: Started, ID: "c:d", Digest: d1, Bundle: d2, Release: "2", Attempt: 1},
		{Kind: Failed, ID: "c:d", Ref: 2, Digest: d1, Bundle: d2, Release: "2", Exit: 1, Reason: strings.Repeat("no space left on device ", 40)},
	} {
		e.Seq = uint64(i + 1)
		data = append(data, Encode(&e)...)
		ends = append(ends, len(data))
	}
	return data, ends
}

// wants checks that a ledger is read as its first n lines.
func wants(t *testing.T, what string, data []byte, ends []int, n int, torn bool) {
	t.Helper()
	log, err := Parse(data)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	end := 0
	if n > 0 {
		end = ends[n-1]
	}
	if len(log.Events) != n || log.End != end || log.Torn != torn || log.Next != uint64(n+1) {
		t.Errorf("%s: %d events, end %d, torn %v, next %d; want %d, %d, %v, %d",
			what, len(log.Events), log.End, log.Torn, log.Next, n, end, torn, n+1)
	}
}

func TestParseEmpty(t *testing.T) {
	for _, data := range [][]byte{nil, {}, make([]byte, 4096)} {
		wants(t, fmt.Sprint(len(data), " zero bytes"), data, nil, 0, false)
	}
}

// The power goes while a line is written: any part of it may be there, the
// rest is still the zero bytes of before.
func TestParseTorn(t *testing.T) {
	data, ends := three()
	for n := 0; n <= len(data); n++ {
		lines := 0
		for lines < 3 && ends[lines] <= n {
			lines++
		}
		torn := n > 0 && lines < 3 && (lines == 0 || ends[lines-1] < n)
		cut := data[:n:n]
		wants(t, fmt.Sprint("cut off at ", n), cut, ends, lines, torn)
		wants(t, fmt.Sprint("cut off at ", n, " before zero bytes"), append(cut, make([]byte, 600)...), ends, lines, torn)
	}
}

// Sectors reach the storage in any order: the first part may be missing, or
// one in the middle.
func TestParseTornSectors(t *testing.T) {
	data, ends := three()
	for from := ends[1]; from < ends[2]; from++ {
		for _, size := range []int{1, 16, 512} {
			hole := append([]byte(nil), data...)
			to := min(from+size, ends[2])
			copy(hole[from:to], make([]byte, to-from))
			wants(t, fmt.Sprintf("zero bytes from %d to %d", from, to), hole, ends, 2, true)
			wants(t, fmt.Sprintf("zero bytes from %d to %d and behind", from, to), append(hole, 0, 0, 0), ends, 2, true)
		}
	}
}

// Any single changed byte: in the last line it is torn, before it is damage
// of the right line.
func TestParseFlipped(t *testing.T) {
	data, ends := three()
	for i := range data {
		for _, mask := range []byte{1, 0x80, data[i], data[i] ^ '\n', data[i] ^ ' '} {
			if mask == 0 {
				continue
			}
			broken := append([]byte(nil), data...)
			broken[i] ^= mask
			log, err := Parse(broken)
			at := 1
			for i >= ends[at-1] {
				at++
			}
			var damage *DamageError
			switch {
			case at == 3 && i < ends[2]-1 && broken[i] == '\n':
				// Two lines now, the first of them not the last one.
				if !errors.As(err, &damage) || damage.Line != 3 {
					t.Errorf("byte %d made a line feed: %v", i, err)
				}
			case i == ends[1]-1 || i == ends[2]-1 && broken[i] != 0:
				// Two lines in one, or a last one whose line feed is something
				// else: no power cut leaves that.
				if !errors.As(err, &damage) || damage.Line != at || damage.What != "has lost its line feed" {
					t.Errorf("byte %d changed by %#x: %+v, %v, want damage of line %d", i, mask, log, err, at)
				}
			case at == 3:
				if err != nil || !log.Torn || log.End != ends[1] {
					t.Errorf("byte %d changed by %#x: %+v, %v, want it torn", i, mask, log, err)
				}
			case !errors.As(err, &damage) || damage.Line != at:
				t.Errorf("byte %d changed by %#x: %v, want damage of line %d", i, mask, err, at)
			}
		}
	}
}

func TestParseDamage(t *testing.T) {
	ev := func(seq uint64) string { return Encode(&Event{Seq: seq, Kind: Retried, ID: "a:b"}) }
	compacted := func(upto uint64) string { return Encode(&Event{Kind: Compacted, Upto: upto}) }
	const (
		malformed = "is not well formed or has a wrong check value"
		sequence  = "is out of sequence"
	)
	for _, c := range []struct {
		name, text string
		line       int
		what       string
	}{
		{"a hole in the middle", ev(1) + "\x00\x00\n" + ev(2), 2, malformed},
		{"an empty line", ev(1) + "\n" + ev(2), 2, malformed},
		{"a zero byte before a line", ev(1) + "\x00" + ev(2) + ev(3), 2, malformed},
		{"begins with 2", ev(2), 1, sequence},
		{"begins with 0", ev(0), 1, sequence},
		{"a number twice", ev(1) + ev(1), 2, sequence},
		{"a number left out", ev(1) + ev(3), 2, sequence},
		{"going back", ev(1) + ev(2) + ev(1), 3, sequence},
		{"the last one out of sequence", ev(1) + ev(2) + ev(9), 3, sequence},
		{"compacted behind the first line", ev(1) + compacted(1), 2, "says compacted, which only the first line can"},
		{"compacted twice", compacted(1) + compacted(1), 2, "says compacted, which only the first line can"},
		{"compacted with a number", line("1", "1", "compacted upto=5"), 1, "says compacted, which only the first line can"},
		{"compacted, then falling", compacted(9) + ev(3) + ev(2), 3, sequence},
		{"compacted, then the same", compacted(9) + ev(3) + ev(3), 3, sequence},
		{"compacted, then a gap behind", compacted(9) + ev(3) + ev(11), 3, sequence},
		{"compacted, then a gap in the new ones", compacted(9) + ev(10) + ev(12), 3, sequence},
		{"compacted, then going back", compacted(9) + ev(10) + ev(9), 3, sequence},

		// A line with a right check value was written whole: it is never torn.
		{"version 2 in the middle", line("2", "1", "retried id=a:b") + ev(2), 1, malformed},
		{"version 2 at the end", ev(1) + line("2", "2", "retried id=a:b"), 2, malformed},
		{"version 01 at the end", ev(1) + line("01", "2", "retried id=a:b"), 2, malformed},
		{"a sequence number with a zero", line("1", "01", "retried id=a:b"), 1, malformed},
		{"a sequence number with a sign", line("1", "+1", "retried id=a:b"), 1, malformed},
		{"no kind", line("1", "1", ""), 1, malformed},
		{"a critical nothing", line("1", "1", "!"), 1, malformed},
		{"capitals in the kind", line("1", "1", "Retried"), 1, malformed},
		{"two marks at the kind", line("1", "1", "new!!"), 1, malformed},
		{"no key", line("1", "1", "retried a:b"), 1, malformed},
		{"two blanks", line("1", "1", "retried  id=a:b"), 1, malformed},
		{"an unknown key twice", line("1", "1", "retried x=1 id=a:b x=2"), 1, malformed},
		{"a key twice", line("1", "1", "retried id=a:b id=a:b"), 1, malformed},
		{"a bad ID", line("1", "1", "retried id=a"), 1, malformed},
		{"a bad digest", line("1", "1", "retried digest=sha256:1"), 1, malformed},
		{"a bad bundle", line("1", "1", "retried bundle=1"), 1, malformed},
		{"a bad release", line("1", "1", "retried release=:"), 1, malformed},
		{"a bad since", line("1", "1", "retried since=:"), 1, malformed},
		{"a bad number", line("1", "1", "retried ms=1s"), 1, malformed},
		{"a large number", line("1", "1", "retried exit=99999999999"), 1, malformed},
		{"a bad reference", line("1", "1", "retried ref=-1"), 1, malformed},
		{"bad references", line("1", "1", "retried refs=1,,2"), 1, malformed},
		{"a bad flag", line("1", "1", "retried oneway=0"), 1, malformed},
		{"a cut off escape", line("1", "1", "retried reason=a%4"), 1, malformed},
		{"a bad escape", line("1", "1", "retried reason=a%4g"), 1, malformed},
		{"a small escape", line("1", "1", "retried reason=a%4a"), 1, malformed},
		{"no items", line("1", "1", "fresh items="), 1, malformed},
		{"an item of four parts", line("1", "1", "fresh items=a:b|1||"), 1, malformed},
		{"an item with a bad ID", line("1", "1", "fresh items=a|1|||"), 1, malformed},
		{"an item with a bad since", line("1", "1", "fresh items=a:b|:|||"), 1, malformed},
		{"an item with a bad digest", line("1", "1", "fresh items=a:b|1||12|"), 1, malformed},
		{"an item that superseded nonsense", line("1", "1", "fresh items=a:b|1|||c"), 1, malformed},
	} {
		log, err := Parse([]byte(c.text))
		var damage *DamageError
		if !errors.As(err, &damage) || damage.Line != c.line || damage.What != c.what {
			t.Errorf("%s: %+v, %v, want line %d %s", c.name, log, err, c.line, c.what)
		} else if want := fmt.Sprintf("line %d of the ledger %s", c.line, c.what); err.Error() != want {
			t.Errorf("%s: %q, want %q", c.name, err, want)
		}
		// Preallocated space behind it makes no difference.
		if _, again := Parse([]byte(c.text + strings.Repeat("\x00", 999))); !reflect.DeepEqual(again, err) {
			t.Errorf("%s: before zero bytes: %v", c.name, again)
		}
	}
}

// What a newer runner writes behind a critical event may be of any version:
// it is not damage, and nothing of it is understood.
func TestParseBehindCritical(t *testing.T) {
	good := Encode(&Event{Seq: 1, Kind: Retried, ID: "a:b"}) + line("1", "2", "rekeyed! x=1")
	for _, behind := range []string{
		line("2", "3", "retried id=a:b"), line("1", "9", "retried id=a:b"), "nonsense\n" + line("1", "3", "retried id=a:b"),
		line("1", "3", "retried id=a"), "\x00\x00\n",
	} {
		log, err := Parse([]byte(good + behind))
		if err != nil || len(log.Events) != 2 || log.End != len(good) || !log.Torn || !log.Events[1].Critical {
			t.Errorf("%q: %+v, %v", behind, log, err)
		}
	}
	// A critical event that is known forbids nothing.
	if _, err := Parse([]byte(line("1", "1", "retried! id=a:b") + line("2", "2", "retried id=a:b"))); err == nil {
		t.Error("version 2 behind a known critical event is read")
	}
}

// The last event of a ledger that is damaged elsewhere says what was open.
func TestParseDamageLast(t *testing.T) {
	data, ends := three()
	for _, c := range []struct {
		name string
		data []byte
		want uint64 // 0 for none
	}{
		{"whole", data, 3},
		{"whole before zero bytes", append(data[:len(data):len(data)], 0, 0, 0), 3},
		{"torn", data[:len(data)-1], 2},
		{"two lines", data[:ends[1]], 2},
		{"one line", data[:ends[0]], 0},
		{"a wrong last line", append(data[:ends[1]:ends[1]], "1 3 00000000 applied\n1 4\n"...), 0},
	} {
		// The first line is damaged: with one behind it that is not torn.
		broken := append([]byte(nil), c.data...)
		broken[5] ^= 1
		_, err := Parse(append([]byte("nonsense\n"), broken...))
		var damage *DamageError
		if !errors.As(err, &damage) || damage.Line != 1 {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := damage.Last; (got == nil) != (c.want == 0) || got != nil && got.Seq != c.want {
			t.Errorf("%s: last is %+v, want number %d", c.name, got, c.want)
		}
	}
}

// A wrong check value at the end is torn whatever else is wrong.
func TestParseTornNonsense(t *testing.T) {
	good := Encode(&Event{Seq: 1, Kind: Retried, ID: "a:b"})
	for _, end := range []string{"2 2 00000000 retried\n", "\n", "1\n", "1 2\n", "1 2 3\n", "nonsense", "1 2 00000000 retried id=a:b\n", "\x00\x00\n"} {
		wants(t, fmt.Sprintf("%q", end), []byte(good+end), []int{len(good)}, 1, true)
	}
}

func TestParseCompacted(t *testing.T) {
	ev := func(seq uint64) string { return Encode(&Event{Seq: seq, Kind: Retried, ID: "a:b"}) }
	for _, c := range []struct {
		upto uint64
		seqs []uint64
		next uint64
	}{
		{0, nil, 1},
		{0, []uint64{1, 2}, 3},
		{9, nil, 10},
		{9, []uint64{2, 5}, 10},
		{9, []uint64{2, 9}, 10},
		{9, []uint64{2, 9, 10, 11}, 12},
		{9, []uint64{10}, 11},
		{1<<63 - 2, []uint64{3}, 1<<63 - 1},
	} {
		text := Encode(&Event{Kind: Compacted, Upto: c.upto})
		for _, seq := range c.seqs {
			text += ev(seq)
		}
		log, err := Parse([]byte(text))
		if err != nil || log.Next != c.next || len(log.Events) != len(c.seqs) || log.End != len(text) {
			t.Errorf("up to %d, %d: %+v, %v", c.upto, c.seqs, log, err)
		}
	}
}

// TestMaxEvents guards the memory that a forged ledger can take: one of a
// million lines once took 900 MB.
func TestMaxEvents(t *testing.T) {
	if log, err := Parse(many(MaxEvents)); err != nil || len(log.Events) != MaxEvents {
		t.Fatalf("%d events: %v", MaxEvents, err)
	}
	_, err := Parse(many(MaxEvents + 2))
	var damage *DamageError
	if !errors.As(err, &damage) || damage.Line != MaxEvents+1 {
		t.Errorf("%d events: %v", MaxEvents+2, err)
	}
}

// TestTornWork guards the time that a forged torn line can take: this one
// once took minutes.
func TestTornWork(t *testing.T) {
	_, err := Parse([]byte(strings.Repeat("1 1 ", 1<<20)))
	var damage *DamageError
	if !errors.As(err, &damage) || damage.What != "has lost its line feed" {
		t.Errorf("%v", err)
	}
}

// FuzzParse: never a panic; what is accepted is a beginning of the bytes,
// line for line; what is behind it is zero bytes or one torn line.
func FuzzParse(f *testing.F) {
	data, ends := three()
	f.Add(data)
	f.Add(data[:ends[1]+30])
	f.Add(append(data[:ends[1]:ends[1]], 0, 0, 0))
	f.Add(EncodeCompacted(9, nil))
	f.Add([]byte(line("1", "1", "new! x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		log, err := Parse(data)
		if err != nil {
			var damage *DamageError
			if !errors.As(err, &damage) || damage.Line < 1 || damage.Line > bytes.Count(data, []byte("\n"))+1 {
				t.Fatalf("error %v", err)
			}
			return
		}
		var lines []byte
		if first, rest, ok := bytes.Cut(data, []byte("\n")); ok && bytes.HasPrefix(data, []byte("1 0 ")) && log.End > 0 {
			_, lines = rest, append(first, '\n')
		}
		last := uint64(0)
		for i := range log.Events {
			e := &log.Events[i]
			if e.Seq <= last || e.Seq >= log.Next {
				t.Fatalf("event %d behind %d, next %d", e.Seq, last, log.Next)
			}
			last = e.Seq
			lines = append(append(lines, e.Line...), '\n')
		}
		if string(lines) != string(data[:log.End]) {
			t.Fatalf("lines are\n%q\nof\n%q", lines, data[:log.End])
		}
		if behind := bytes.TrimRight(data[log.End:], "\x00"); log.Torn != (len(behind) > 0) {
			t.Fatalf("torn is %v, behind the end is %q", log.Torn, behind)
		}
		again, err := Parse(data[:log.End])
		if err != nil || len(again.Events) != len(log.Events) || again.Next != log.Next ||
			len(log.Events) > 0 && !reflect.DeepEqual(again.Events, log.Events) {
			t.Fatalf("cut off at its end it is read as %+v, %v", again, err)
		}
	})
}

// many is a ledger of n events as a runner writes them.
func many(n int) []byte {
	var data []byte
	for i := 1; i <= n; i += 2 {
		e := Event{Seq: uint64(i), Kind: Started, At: 1700000000, ID: "base-passwd:static-groups", Digest: d1, Bundle: d2,
			Release: "2.9", Since: "2.8", Attempt: 1, Paths: true}
		data = append(data, Encode(&e)...)
		e.Seq, e.Ref, e.Kind, e.Millis = e.Seq+1, e.Seq, Applied, 40
		data = append(data, Encode(&e)...)
	}
	return data
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{1000, 10000, MaxEvents} {
		data := many(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				if log, err := Parse(data); err != nil || len(log.Events) != n {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	e := full()
	for i := 0; i < b.N; i++ {
		Encode(&e)
	}
}
