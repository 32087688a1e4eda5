// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

// The words of the fields that have a closed set of values. The zero value
// of each type means the default.
type (
	OnFailure    string // Stop, Continue
	Fresh        string // Skip, RunFresh
	OnDowngrade  string // Tolerate, Refuse
	Keep         string // KeepNone, KeepGood
	OnCorrupt    string // RefuseCorrupt, Rerun
	FailureState string // Degraded, Emergency, Reboot
)

// Values of the closed sets; the first of each is the default.
const (
	Stop     OnFailure = "stop"
	Continue OnFailure = "continue"

	Skip     Fresh = "skip"
	RunFresh Fresh = "run"

	Tolerate OnDowngrade = "tolerate"
	Refuse   OnDowngrade = "refuse"

	KeepNone Keep = "none"
	KeepGood Keep = "good"

	RefuseCorrupt OnCorrupt = "refuse"
	Rerun         OnCorrupt = "rerun"

	Degraded  FailureState = "degraded"
	Emergency FailureState = "emergency"
	Reboot    FailureState = "reboot"
)

// Defaults of the fields that count. The largest values keep a typing error
// from meaning "for ever".
const (
	DefaultTimeout  = 120 // seconds
	DefaultAttempts = 3
	MaxTimeout      = 86400 * 7
	MaxAttempts     = 1000
)

// A Header holds what the migration header of a script, or a migration's
// stanza in the manifest, says. A zero field is one that is not written;
// one that is written with its default's value is zero too, but for Timeout
// and Attempts, whose defaults the build may set.
type Header struct {
	Description string
	Since       string // a release
	After       []string
	Before      []string // IDs or recipes, as After
	Requires    []ID
	Packages    []string
	Paths       []string // absolute and clean
	Timeout     int      // seconds
	Attempts    int
	OnFailure   OnFailure
	OneWay      bool
	Revises     []Digest
	Fresh       Fresh
	Supersedes  []ID
}

// EffectiveTimeout is Timeout or its default, in seconds.
func (h *Header) EffectiveTimeout() int {
	if h.Timeout == 0 {
		return DefaultTimeout
	}
	return h.Timeout
}

// EffectiveAttempts is Attempts or its default.
func (h *Header) EffectiveAttempts() int {
	if h.Attempts == 0 {
		return DefaultAttempts
	}
	return h.Attempts
}
