// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"bytes"
	"strings"

	"meta-migration/internal/bundle"
)

// Paths returns those Paths of a migration's header that hold the state
// directory or a part of it: equal to it, above or below it. Saving them
// would save the saves; putting them back would take the ledger back. data is
// the script, used to find the line only.
func Paths(file string, data []byte, paths []string) []Finding {
	var found []Finding
	for _, p := range paths {
		if holds(p, bundle.StateDir) {
			found = append(found, stateFinding(file, data, p, ""))
		}
	}
	return found
}

func stateFinding(file string, data []byte, path, how string) Finding {
	return Finding{file, pathsLine(data), false,
		"Paths: " + path + " holds the state directory " + bundle.StateDir + " or a part of it" + how,
		"name only what the migration itself changes"}
}

// pathsLine is the line of the field Paths in a script's header, 0 for none.
func pathsLine(data []byte) int {
	for n := 1; len(data) > 0; n++ {
		text, rest, _ := bytes.Cut(data, []byte("\n"))
		field := strings.TrimLeft(strings.TrimPrefix(string(text), "#"), " \t")
		if strings.HasPrefix(field, "Paths:") && text[0] == '#' {
			return n
		}
		data = rest
	}
	return 0
}

// holds says whether one of two paths is the other or stands above it.
func holds(a, b string) bool {
	return a == b || below(a, b) || below(b, a)
}

func below(path, dir string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
