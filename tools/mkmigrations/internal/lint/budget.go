// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import "errors"

// maxBudget is enough for hundreds of scripts as Debian's are. What is hardest
// to read takes half a second for so many words.
const maxBudget = 3 * maxTokens

// What a piece of work costs, in words that are read.
const (
	longWord     = 16 // bytes of text that cost as much as a word
	costOfSearch = 8  // a directory in which a file is looked for
)

// errSpent is why a script, or the rest of it, was not checked.
var errSpent = errors.New("the scripts of its package have more words than the check reads")

// A Budget bounds the work on all scripts of one package: many scripts, each
// within the limits of one, take no longer together than a few. The zero
// value and nil have no bound.
type Budget struct {
	bounded bool
	words   int // that are left
}

// NewBudget is for the scripts of one package.
func NewBudget() *Budget { return &Budget{true, maxBudget} }

// take says whether there is enough left, and takes it. Once there was not
// there is nothing left: which scripts are checked depends on their order
// alone, not on their sizes.
func (b *Budget) take(words int) bool {
	if b == nil || !b.bounded {
		return true
	}
	b.words -= words
	if b.words < 0 {
		b.words = -1
	}
	return b.words >= 0
}

// cost is what one parse of a text takes of a budget.
func cost(text []byte) int { return max(tokens(text), len(text)/longWord) }
