// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

import (
	"hash/crc32"
	"math/rand"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"meta-migration/internal/bundle"
)

const (
	d1 = bundle.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	d2 = bundle.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
)

// full is an event in which every field is set.
func full() Event {
	return Event{
		Seq: 7, Kind: Applied, At: 1700000000, ID: "gtk+3:a.b", Digest: d1, Bundle: d2, Release: "2.9~rc1", Since: "2.8",
		OneWay: true, Paths: true, Keep: true, Hand: true, Attempt: 3, Ref: 6, Refs: []uint64{5, 1}, Upto: 4,
		Items: []Item{
			{ID: "old:one", Since: "1.0", OneWay: true, Digest: d1, Supersedes: []bundle.ID{"older:one", "older:two"}},
			{ID: "old:two"},
		},
		Exit: 1, Signal: 9, Timeout: true, Millis: 1234, Reason: "cp: /etc/x: 100% full\nno; a=b|c,d\x00\xff é",
	}
}

// line makes a line with a right check value of any text.
func line(version, seq, rest string) string {
	text := version + " " + seq + " " + rest
	sum := strconv.FormatUint(uint64(crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli))), 16)
	return version + " " + seq + " " + strings.Repeat("0", 8-len(sum)) + sum + " " + rest + "\n"
}

func TestEncodeGolden(t *testing.T) {
	e := full()
	rest := "applied at=1700000000 upto=4 ref=6 id=gtk+3:a.b digest=" + string(d1) + " bundle=" + string(d2) +
		" release=2.9~rc1 attempt=3 since=2.8 oneway=1 paths=1 keep=1 hand=1 exit=1 signal=9 timeout=1 ms=1234 refs=5,1" +
		" items=old:one|1.0|w|" + d1.Hex() + "|older:one,older:two;old:two||||" +
		" reason=cp:%20/etc/x:%20100%25%20full%0Ano;%20a=b|c,d%00%FF%20%C3%A9"
	if got, want := Encode(&e), line("1", "7", rest); got != want {
		t.Errorf("Encode:\n%s\nwant:\n%s", got, want)
	}
	if got, want := Encode(&Event{Seq: 1, Kind: "new", Critical: true}), line("1", "1", "new!"); got != want {
		t.Errorf("Encode: %q, want %q", got, want)
	}
}

// RFC 3720 gives this check value, so that the polynomial does not rest on
// the library alone.
func TestCheckValue(t *testing.T) {
	if got := checkValue(strings.Repeat("\x00", 32)); got != "8a9136aa" {
		t.Errorf("check value of 32 zero bytes is %s, want 8a9136aa", got)
	}
	if got := checkValue("123456789"); got != "e3069283" {
		t.Errorf("check value of 123456789 is %s, want e3069283", got)
	}
}

// readBack parses one event that was written as the only one of a ledger.
func readBack(t *testing.T, e Event) Event {
	t.Helper()
	e.Seq = 1
	text := Encode(&e)
	log, err := Parse([]byte(text))
	if err != nil || len(log.Events) != 1 || log.Torn || log.End != len(text) || log.Next != 2 {
		t.Fatalf("%q: %+v, %v", text, log, err)
	}
	got := log.Events[0]
	if got.Line+"\n" != text {
		t.Fatalf("Line is %q, want %q", got.Line, text)
	}
	return got
}

func isReadBack(t *testing.T, e Event) {
	t.Helper()
	got := readBack(t, e)
	e.Seq, e.Line = got.Seq, got.Line
	if !reflect.DeepEqual(got, e) {
		t.Fatalf("read back as\n%+v\nwant\n%+v", got, e)
	}
}

func TestReadBack(t *testing.T) {
	isReadBack(t, full())
	for _, kind := range known {
		if kind != Compacted {
			isReadBack(t, Event{Kind: kind})
		}
	}
	isReadBack(t, Event{Kind: Failed, Exit: -1, At: -5, Millis: 1<<63 - 1, Ref: 1<<63 - 1, Attempt: 1<<31 - 1})
	for b := 0; b < 256; b++ {
		isReadBack(t, Event{Kind: Failed, Reason: string([]byte{byte(b)})})
		isReadBack(t, Event{Kind: Failed, Reason: "a" + string([]byte{byte(b)}) + "b"})
	}
	random := rand.New(rand.NewSource(1))
	for i := 0; i < 2000; i++ {
		isReadBack(t, randomEvent(random))
	}
}

// randomEvent sets each field in half of the cases.
func randomEvent(random *rand.Rand) Event {
	from, to := full(), Event{Kind: Failed}
	for _, kind := range known {
		if kind != Compacted {
			to.Kind = kind
		}
	}
	f, v := reflect.ValueOf(from), reflect.ValueOf(&to).Elem()
	for i := 0; i < v.NumField(); i++ {
		switch v.Type().Field(i).Name {
		case "Kind", "Line":
		default:
			if random.Intn(2) == 0 {
				v.Field(i).Set(f.Field(i))
			}
		}
	}
	to.Critical = random.Intn(2) == 0
	reason := make([]byte, random.Intn(40))
	random.Read(reason)
	to.Reason = string(reason)
	return to
}

// An event of a kind that a newer program wrote is kept with its bytes; what
// it says is not looked at.
func TestUnknownKind(t *testing.T) {
	for _, c := range []struct {
		rest     string
		kind     Kind
		critical bool
	}{
		{"simulated id=NOT:valid %%% x", "simulated", false},
		{"format! version=2", "format", true},
		{"simulated", "simulated", false},
	} {
		text := line("1", "1", c.rest)
		log, err := Parse([]byte(text))
		want := Event{Seq: 1, Kind: c.kind, Critical: c.critical, Line: strings.TrimSuffix(text, "\n")}
		if err != nil || len(log.Events) != 1 || !reflect.DeepEqual(log.Events[0], want) {
			t.Errorf("%q: %+v, %v", c.rest, log, err)
		} else if log.Events[0].Kind.Known() {
			t.Errorf("%q: the kind is known", c.rest)
		}
	}
}

func TestUnknownKeyIsSkipped(t *testing.T) {
	text := line("1", "1", "retried colour=blue%zz id=a:b at=5")
	log, err := Parse([]byte(text))
	want := Event{Seq: 1, Kind: Retried, ID: "a:b", At: 5, Line: strings.TrimSuffix(text, "\n")}
	if err != nil || !reflect.DeepEqual(log.Events[0], want) {
		t.Errorf("%+v, %v, want %+v", log, err, want)
	}
}

// FuzzEvent: whatever the reason, an event is one line of printable bytes
// and is read back as it was.
func FuzzEvent(f *testing.F) {
	f.Add(int64(1), "no space left on device", "a:b")
	f.Add(int64(2), "\x00\x01%41\xff\n", "gtk+3:x.y-z")
	f.Fuzz(func(t *testing.T, seed int64, reason, id string) {
		e := randomEvent(rand.New(rand.NewSource(seed)))
		e.Reason = reason
		if bundle.CheckID(id) == nil {
			e.ID = bundle.ID(id)
		}
		isReadBack(t, e)
		e.Seq = 1
		text := Encode(&e)
		for i := 0; i < len(text)-1; i++ {
			if text[i] < ' ' || text[i] >= 0x7f {
				t.Fatalf("byte %d of %q is not printable", i, text)
			}
		}
	})
}

// FuzzLine gets behind the check value: what is read of any line of a known
// kind is written so that it is read as the same again.
func FuzzLine(f *testing.F) {
	e := full()
	f.Add(strings.TrimSuffix(strings.SplitN(Encode(&e), " ", 4)[3], "\n"))
	f.Add("retried id=a:b colour=blue at=+5")
	f.Add("reverted refs=0,1 ref=0 items=a:b|1|wx||c:d")
	f.Fuzz(func(t *testing.T, rest string) {
		log, err := Parse([]byte(line("1", "1", rest)))
		if err != nil || len(log.Events) != 1 || !log.Events[0].Kind.Known() {
			return
		}
		isReadBack(t, log.Events[0])
	})
}
