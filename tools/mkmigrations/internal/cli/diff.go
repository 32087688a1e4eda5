// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"meta-migration/internal/bundle"
	"meta-migration/tools/mkmigrations/internal/build"
)

func newDiff() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two bundles",
		Long: `diff prints which migrations the new bundle adds, removes, changes and reorders,
and what else it decides differently. OLD and NEW are bundles, as for inspect,
or manifests. The exit status is 0 whether they differ or not.`,
		Example: "  mkmigrations diff manifest-2.0 bundle",
		Args:    arguments("OLD", "NEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			old, _, err := build.Load(args[0])
			if err != nil {
				return err
			}
			new, _, err := build.Load(args[1])
			if err != nil {
				return err
			}
			d := build.Diff(old, new)
			if asJSON {
				return printJSON(cmd.OutOrStdout(), makeDiff(d))
			}
			return output(cmd.OutOrStdout(), diffText(d))
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

// diffText has a line for each difference; what it is comes first.
func diffText(d *build.Difference) string {
	var b strings.Builder
	for _, c := range d.Bundle {
		fmt.Fprintf(&b, "bundle    %s: %s -> %s\n", c.Field, stated(c.Old), stated(c.New))
	}
	for _, id := range d.Added {
		fmt.Fprintf(&b, "added     %s\n", id)
	}
	for _, r := range d.Removed {
		fmt.Fprintf(&b, "removed   %s (%s)\n", r.ID, r.Reason)
	}
	for _, c := range d.Changed {
		for _, f := range c.Fields {
			fmt.Fprintf(&b, "changed   %s %s: %s -> %s\n", c.ID, f.Field, stated(clean(f.Old)), stated(clean(f.New)))
		}
	}
	for _, r := range d.Reordered {
		fmt.Fprintf(&b, "reordered %s: %s -> %s\n", r.ID, r.Old, r.New)
	}
	return b.String()
}

func stated(value string) string {
	if value == "" {
		return "(not stated)"
	}
	return value
}

// The types of `diff --json`.
type (
	changeJSON struct {
		Field string `json:"field"`
		Old   string `json:"old"`
		New   string `json:"new"`
	}
	addedJSON struct {
		ID bundle.ID `json:"id"`
	}
	removedJSON struct {
		ID     bundle.ID `json:"id"`
		Reason string    `json:"reason"`
	}
	changedJSON struct {
		ID     bundle.ID    `json:"id"`
		Fields []changeJSON `json:"fields"`
	}
	reorderedJSON struct {
		ID  bundle.ID `json:"id"`
		Old string    `json:"old"`
		New string    `json:"new"`
	}
	diffJSON struct {
		Bundle    []changeJSON    `json:"bundle"`
		Added     []addedJSON     `json:"added"`
		Removed   []removedJSON   `json:"removed"`
		Changed   []changedJSON   `json:"changed"`
		Reordered []reorderedJSON `json:"reordered"`
	}
)

func makeDiff(d *build.Difference) diffJSON {
	// Made, not nil: an empty list is [] and not null.
	j := diffJSON{makeChanges(d.Bundle), []addedJSON{}, []removedJSON{}, []changedJSON{}, []reorderedJSON{}}
	for _, id := range d.Added {
		j.Added = append(j.Added, addedJSON{id})
	}
	for _, r := range d.Removed {
		j.Removed = append(j.Removed, removedJSON(r))
	}
	for _, c := range d.Changed {
		j.Changed = append(j.Changed, changedJSON{c.ID, makeChanges(c.Fields)})
	}
	for _, r := range d.Reordered {
		j.Reordered = append(j.Reordered, reorderedJSON(r))
	}
	return j
}

func makeChanges(changes []build.Change) []changeJSON {
	list := make([]changeJSON, len(changes))
	for i, c := range changes {
		list[i] = changeJSON(c)
	}
	return list
}
