// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package order

import (
	"fmt"
	"strings"

	"meta-migration/internal/bundle"
)

// A Reason is the field of a migration that demands an order.
type Reason struct {
	ID    bundle.ID // the migration that says so
	Field string    // After, Before or Requires
	Ref   string    // as it is written: an ID or a recipe
	Means bundle.ID // the one that supersedes Ref, "" where Ref means itself
}

// String says it in words: `"b:merge" says After: a:split`.
func (r Reason) String() string {
	text := fmt.Sprintf("%q says %s: %s", r.ID, r.Field, r.Ref)
	if r.Means != "" {
		text += fmt.Sprintf(", which %q supersedes", r.Means)
	}
	return text
}

// A CycleError names migrations that wait for each other. Each stands before
// the next, and the last before the first.
type CycleError struct {
	IDs     []bundle.ID // the smallest ID first
	Reasons []Reason    // Reasons[i] puts IDs[i] before the one behind it
}

// Error prints the whole path, its first ID once more at the end.
func (e *CycleError) Error() string {
	var b strings.Builder
	b.WriteString("cycle: ")
	for _, id := range e.IDs {
		fmt.Fprintf(&b, "%q -> ", id)
	}
	fmt.Fprintf(&b, "%q", e.IDs[0])
	return b.String()
}

// Hint gives the reason for each step of the path.
func (e *CycleError) Hint() string {
	texts := make([]string, len(e.Reasons))
	for i, r := range e.Reasons {
		texts[i] = r.String()
	}
	return "drop one of these: " + strings.Join(texts, "; ")
}

// An OlderError is a migration that must follow one of a later release. A
// device that has the older one already could never keep that order.
type OlderError struct {
	Older, Newer               bundle.ID
	OlderRelease, NewerRelease string // where they stand in the order
	Reason                     Reason
}

// Error names both migrations, their releases and the field.
func (e *OlderError) Error() string {
	return fmt.Sprintf("%q of release %s must follow %q of release %s: %s",
		e.Older, e.OlderRelease, e.Newer, e.NewerRelease, e.Reason)
}

// Hint tells the rule.
func (e *OlderError) Hint() string {
	return fmt.Sprintf("earlier releases run first: drop %s in %q", e.Reason.Field, e.Reason.ID)
}

// Errors are all faults of one order, sorted.
type Errors []error

// Error returns one line for each fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each fault.
func (e Errors) Unwrap() []error { return e }
