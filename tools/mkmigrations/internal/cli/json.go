// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"github.com/spf13/cobra"

	"meta-migration/internal/bundle"
)

func addJSON(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "print JSON")
}

// A headerJSON holds the fields of a migration, with their defaults where
// they are not stated. Lists are never null.
type headerJSON struct {
	Description string           `json:"description"`
	Since       string           `json:"since"`
	After       []string         `json:"after"`
	Before      []string         `json:"before"`
	Requires    []bundle.ID      `json:"requires"`
	Packages    []string         `json:"packages"`
	Paths       []string         `json:"paths"`
	Timeout     int              `json:"timeout"`
	Attempts    int              `json:"attempts"`
	OnFailure   bundle.OnFailure `json:"on_failure"`
	OneWay      bool             `json:"one_way"`
	Revises     []bundle.Digest  `json:"revises"`
	Fresh       bundle.Fresh     `json:"fresh"`
	Supersedes  []bundle.ID      `json:"supersedes"`
}

func makeHeader(h *bundle.Header) *headerJSON {
	return &headerJSON{
		h.Description, h.Since, list(h.After), list(h.Before), list(h.Requires), list(h.Packages), list(h.Paths),
		h.EffectiveTimeout(), h.EffectiveAttempts(), or(h.OnFailure, bundle.Stop), h.OneWay,
		list(h.Revises), or(h.Fresh, bundle.Skip), list(h.Supersedes),
	}
}

// A migrationJSON is one migration of `inspect --json`.
type migrationJSON struct {
	ID     bundle.ID     `json:"id"`
	File   string        `json:"file"`
	Digest bundle.Digest `json:"digest"`
	*headerJSON
}

// A goneJSON is one that is gone.
type goneJSON struct {
	ID         bundle.ID     `json:"id"`
	Since      string        `json:"since"`
	Digest     bundle.Digest `json:"digest"`
	Supersedes []bundle.ID   `json:"supersedes"`
}

// A manifestJSON is `inspect --json`.
type manifestJSON struct {
	Format       string              `json:"format"`
	Release      string              `json:"release"`
	Bundle       bundle.Digest       `json:"bundle"`
	Library      bundle.Digest       `json:"library"`
	MinFrom      string              `json:"min_from"`
	OnDowngrade  bundle.OnDowngrade  `json:"on_downgrade"`
	FreshUnless  []string            `json:"fresh_unless"`
	Keep         bundle.Keep         `json:"keep"`
	OnCorrupt    bundle.OnCorrupt    `json:"on_corrupt"`
	FailureState bundle.FailureState `json:"failure_state"`
	Migrations   []migrationJSON     `json:"migrations"`
	Gone         []goneJSON          `json:"gone"`
}

func makeManifest(m *bundle.Manifest, digest bundle.Digest) *manifestJSON {
	j := &manifestJSON{
		bundle.Format, m.Release, digest, m.Library, m.MinFrom,
		or(m.OnDowngrade, bundle.Tolerate), list(m.FreshUnless), or(m.Keep, bundle.KeepNone),
		or(m.OnCorrupt, bundle.RefuseCorrupt), or(m.FailureState, bundle.Degraded), []migrationJSON{}, []goneJSON{},
	}
	for i := range m.Migrations {
		one := &m.Migrations[i]
		j.Migrations = append(j.Migrations, migrationJSON{one.ID, one.File, one.Digest, makeHeader(&one.Header)})
	}
	for _, g := range m.Gone {
		j.Gone = append(j.Gone, goneJSON{g.ID, g.Since, g.Digest, list(g.Supersedes)})
	}
	return j
}

func or[T ~string](value, standard T) T {
	if value == "" {
		return standard
	}
	return value
}

// list makes an empty list of nil: JSON has [] for it, not null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
