// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// A report is what is known of a boot.
type report struct {
	t        testing.TB
	console  string
	sections map[string]string
	units    map[string]map[string]string // properties by unit
}

func newReport(t testing.TB, console string) *report {
	r := &report{t: t, console: console, sections: map[string]string{}, units: map[string]map[string]string{}}
	name := ""
	for _, line := range strings.SplitAfter(console, "\n") {
		if to, ok := strings.CutPrefix(line, "@@ "); ok {
			name = strings.TrimSpace(to)
			r.sections[name] = ""
		} else if name != "" {
			r.sections[name] += line
		}
	}
	for _, block := range strings.Split(r.sections["units"], "\n\n") {
		unit := map[string]string{}
		for _, line := range strings.Split(block, "\n") {
			if key, value, ok := strings.Cut(line, "="); ok {
				unit[key] = value
			}
		}
		r.units[unit["Id"]] = unit
	}
	return r
}

// unit checks properties of a unit: key, value, key, value, …
func (r *report) unit(name string, want ...string) {
	r.t.Helper()
	for i := 0; i < len(want); i += 2 {
		if got := r.units[name][want[i]]; got != want[i+1] {
			r.t.Errorf("%s: %s is %q, want %q", name, want[i], got, want[i+1])
		}
	}
}

// micros is a time since the kernel's start, 0 for never.
func (r *report) micros(unit, key string) int {
	n, _ := strconv.Atoi(r.units[unit][key])
	return n
}

// says checks that the console has all of these.
func (r *report) says(texts ...string) {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.console, text) {
			r.t.Errorf("the console does not say %q", text)
		}
	}
}

// section checks that a section has all of these.
func (r *report) section(name string, texts ...string) {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.sections[name], text) {
			r.t.Errorf("section %s does not hold %q:\n%s", name, text, r.sections[name])
		}
	}
}

// states checks what status --json says: its state, then ID and state of
// migrations, in turn.
func (r *report) states(state string, want ...string) {
	r.t.Helper()
	var status struct {
		State      string
		Reason     string
		Migrations []struct{ ID, State string }
	}
	if err := json.Unmarshal([]byte(r.sections["status"]), &status); err != nil {
		r.t.Errorf("reading the status: %v\n%s", err, r.sections["status"])
		return
	}
	if status.State != state {
		r.t.Errorf("the state is %q (%s), want %q", status.State, status.Reason, state)
	}
	states := map[string]string{}
	for _, m := range status.Migrations {
		states[m.ID] = m.State
	}
	for i := 0; i < len(want); i += 2 {
		if states[want[i]] != want[i+1] {
			r.t.Errorf("%s is %q, want %q", want[i], states[want[i]], want[i+1])
		}
	}
}

// before is the console up to a text; all of it, if it is not there.
func (r *report) before(text string) string {
	before, _, _ := strings.Cut(r.console, text)
	return before
}

// attempts checks how many attempts of a migration the ledger counts.
func (r *report) attempts(id string, want int) {
	r.t.Helper()
	var status struct {
		Migrations []struct {
			ID       string
			Attempts int
		}
	}
	if err := json.Unmarshal([]byte(r.sections["status"]), &status); err != nil {
		r.t.Errorf("reading the status: %v", err)
	}
	for _, m := range status.Migrations {
		if m.ID == id && m.Attempts != want {
			r.t.Errorf("%s has %d attempts, want %d", id, m.Attempts, want)
		}
	}
}
