// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strconv"
	"strings"

	"meta-migration/internal/bundle"
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/report"
	"meta-migration/target/migrate-runner/internal/trust"
)

// A deviceStatus is what `status` shows.
type deviceStatus struct {
	release string
	bundle  bundle.Digest
	state   string
	reason  string
	rows    []engine.Row
	remarks []string
}

// States of a device.
const (
	deviceComplete = "complete"
	devicePending  = "pending"
	deviceFailed   = "failed"
	deviceRefused  = "refused"
)

// status shows the state of the device and of each migration. It exits 0
// whatever they are: the answer is what it prints.
func status(o *options) (int, error) {
	root, err := openRoot(o.root)
	if err != nil {
		return 0, err
	}
	s := examine(o, root)
	if o.json {
		return engine.ExitDone, report.Out(s.json())
	}
	return engine.ExitDone, report.Out(s.text())
}

// examine finds out what can be found out: a bundle or a ledger that cannot
// be used is the reason of a refusal, not an error of status. Where the marker
// fits a run looks at neither, and the device is complete all the same.
func examine(o *options, root int) *deviceStatus {
	s := &deviceStatus{state: devicePending}
	done := complete(root)
	if err := s.look(o, root, done); err != nil {
		s.state, s.reason = deviceRefused, err.Error()
	}
	if done {
		s.state = deviceComplete
	}
	return s
}

// look fills in what it can see, up to the error with which a run would
// refuse.
func (s *deviceStatus) look(o *options, root int, done bool) error {
	t, b, err := trusted(root)
	if err != nil {
		return err
	}
	s.release, s.bundle, s.remarks = b.Release, b.Anchor, trust.Summary(t.Differences)
	if remark := t.Overlaid(); remark != "" {
		s.remarks = append(s.remarks, remark)
	}
	v, err := lookAt(root, b.OnCorrupt)
	if err != nil {
		return err
	}
	s.rows = engine.Rows(b, v.state)
	if done {
		return nil
	}
	if _, err := v.judge(o, b); err != nil {
		return err
	}
	if trouble := engine.Troubled(s.rows); trouble != nil {
		s.state, s.reason = deviceFailed, string(trouble.ID)+" is "+trouble.State
		if trouble.Last != nil && trouble.State != engine.StateBlocked {
			s.reason += ": " + engine.Describe(trouble.Last)
		}
	}
	return nil
}

func (s *deviceStatus) text() string {
	var b strings.Builder
	b.WriteString("release " + s.release + ": " + s.state)
	if s.reason != "" {
		b.WriteString(": " + s.reason)
	}
	b.WriteString("\n")
	width := 0
	for i := range s.rows {
		if n := len(s.rows[i].State); n > width {
			width = n
		}
	}
	for i := range s.rows {
		r := &s.rows[i]
		b.WriteString("  " + pad(r.State, width) + "  " + string(r.ID))
		if r.Last != nil {
			if how := engine.Describe(r.Last); how != "" && r.State != engine.StateBaseline {
				b.WriteString(": " + how)
			}
		}
		if r.UsedUp {
			b.WriteString(" (no attempts left)")
		}
		b.WriteString("\n")
	}
	for _, remark := range s.remarks {
		b.WriteString("note: " + remark + "\n")
	}
	return b.String()
}

func (s *deviceStatus) json() string {
	var j jsonWriter
	j.open("{")
	j.text("release", s.release)
	j.text("bundle", string(s.bundle))
	j.text("state", s.state)
	j.text("reason", s.reason)
	j.key("migrations")
	j.open("[")
	for i := range s.rows {
		j.row(&s.rows[i])
	}
	j.close("]")
	j.close("}")
	return j.String() + "\n"
}

func (j *jsonWriter) row(r *engine.Row) {
	j.open("{")
	j.text("id", string(r.ID))
	j.text("digest", string(r.Digest))
	j.text("state", r.State)
	j.number("attempts", int64(r.Attempts))
	j.text("since", r.Since)
	release, finished, reason := "", "", ""
	var millis, exit int64
	if r.Last != nil {
		release, finished, reason = r.Last.Release, timestamp(r.Last.At), engine.Describe(r.Last)
		millis, exit = r.Last.Millis, int64(r.Last.Exit)
		if r.Last.Signal != 0 {
			exit = 128 + int64(r.Last.Signal)
		}
	}
	j.text("release", release)
	j.text("finished", finished)
	j.number("duration_ms", millis)
	j.number("exit", exit)
	j.text("reason", reason)
	j.close("}")
}

// timestamp writes seconds since 1970 by RFC 3339, in UTC. The date is
// counted in years that begin in March, so that leap days come last.
func timestamp(sec int64) string {
	if sec <= 0 {
		return ""
	}
	// 32 bits are enough from here on, and save a small processor the long
	// divisions.
	days, rest := int32(sec/86400), int32(sec%86400)
	era := (days + 719468) / 146097
	day := (days + 719468) % 146097
	year := (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*year + year/4 - year/100
	month := (5*day + 2) / 153
	day -= (153*month+2)/5 - 1
	year += era * 400
	if month += 3; month > 12 {
		month -= 12
		year++
	}
	var b strings.Builder
	for _, part := range []struct {
		n, width int32
		end      byte
	}{{year, 4, '-'}, {month, 2, '-'}, {day, 2, 'T'}, {rest / 3600, 2, ':'}, {rest / 60 % 60, 2, ':'}, {rest % 60, 2, 'Z'}} {
		text := strconv.Itoa(int(part.n))
		for n := int(part.width) - len(text); n > 0; n-- {
			b.WriteByte('0')
		}
		b.WriteString(text)
		b.WriteByte(part.end)
	}
	return b.String()
}
