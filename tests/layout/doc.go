// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package layout holds the repository's shape: which package may import which,
// what the runner links and how large it is, that the oldest supported Go
// builds everything, and what each file must say or must not say. DESIGN.md
// gives the reasons.
package layout
