// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"strings"
	"text/tabwriter"
)

// A table is text in columns, two blanks apart.
type table struct{ rows [][]string }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// text prints the rows below their heads. There are no heads without rows.
func (t *table) text(heads ...string) string {
	if len(t.rows) == 0 {
		return ""
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	if heads != nil {
		t.rows = append([][]string{heads}, t.rows...)
	}
	for _, cells := range t.rows {
		for i, cell := range cells {
			cells[i] = clean(cell)
		}
		// A Builder never fails.
		_, _ = w.Write([]byte(strings.TrimRight(strings.Join(cells, "\t"), "\t") + "\n"))
	}
	_ = w.Flush()
	return b.String()
}
