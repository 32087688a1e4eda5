// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package layout

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// quoted finds a code block that says which file it is.
var quoted = regexp.MustCompile("(?s)<!-- (\\S+) -->\n```\\w*\n(.*?)```\n")

// What README shows as a file of the repository is that file.
func TestReadmeQuotesFiles(t *testing.T) {
	found := 0
	for _, name := range files(t) {
		if !strings.HasSuffix(name, ".md") {
			continue
		}
		for _, match := range quoted.FindAllStringSubmatch(string(read(t, name)), -1) {
			found++
			var lines []string
			for _, line := range strings.SplitAfter(string(read(t, match[1])), "\n") {
				if !strings.HasPrefix(line, "# SPDX-") {
					lines = append(lines, line)
				}
			}
			if strings.Join(lines, "") != match[2] {
				t.Errorf("%s does not show %s as it is", name, match[1])
			}
		}
	}
	if found == 0 {
		t.Error("README quotes no file")
	}
}

var scriptTest = regexp.MustCompile(`Test(Runner|Mkmigrations)/(\w+)`)

// Each claim that names a script test names one that exists.
func TestReadmeNamesTests(t *testing.T) {
	matches := scriptTest.FindAllStringSubmatch(string(read(t, "README.md")), -1)
	if len(matches) < 5 {
		t.Errorf("README names %d tests", len(matches))
	}
	for _, match := range matches {
		file := filepath.Join("tests/script/testdata", strings.ToLower(match[1]), match[2]+".txtar")
		if _, err := os.Stat(filepath.Join(top, file)); err != nil {
			t.Errorf("README names %s: there is no %s", match[0], file)
		}
	}
}

var demoStep = regexp.MustCompile(`demo, step (\d+)`)

// The steps that README sends a reader to are the demo's.
func TestReadmeNamesSteps(t *testing.T) {
	story := string(read(t, "tests/demo/story.go")) + string(read(t, "tests/demo/power.go"))
	steps := strings.Count(story, "t.step(")
	for _, match := range demoStep.FindAllStringSubmatch(string(read(t, "README.md")), -1) {
		if len(match[1]) > 2 || len(match[1]) == 2 && match[1] > "12" || steps != 12 {
			t.Errorf("README names %s, and the demo has %d steps", match[0], steps)
		}
	}
}
