// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package order puts the migrations of a bundle into the one order in which
// every device runs them. It is pure: the result depends on the migrations
// and on what is gone, never on the order of the input, a clock or a map.
//
// # The rule
//
// The base of a migration is its Since; of one that supersedes others it is
// the earliest Since of it and of all that it supersedes, chains included.
//
// After, Before and Requires give edges "runs before". An ID means the
// migration that supersedes it, where one does. A recipe's name stands for
// that recipe's migrations, never for the one that names it: in After those
// whose base is the same or older, in Before those whose base is the same.
// What is gone or unknown gives no edge.
//
// A migration stands at its base. One that supersedes others stands at the
// latest position of what it must follow, where that is later, but never
// later than its own Since. Where an edge would put an older one behind a
// newer one, that is an [OlderError]; where edges form a circle, that is a
// [CycleError].
//
// Earlier positions come first. Inside one position the next is always the
// smallest ID, in byte order, of those whose predecessors are all placed.
//
// Time and space are linear in migrations and references, times the
// logarithm that sorting costs: a recipe's name never costs an edge for each
// migration that it reaches.
package order
