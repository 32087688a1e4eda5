// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strings"
	"testing"
)

func summarize(lines ...string) (string, bool) {
	var out strings.Builder
	s := newSummary(&out)
	for _, line := range lines {
		s.line([]byte(line))
	}
	good := s.close()
	return out.String(), good
}

const passed = `{"Action":"output","Package":"meta-migration/a","Output":"ok  \tmeta-migration/a\t0.1s\n"}
{"Action":"pass","Package":"meta-migration/a"}`

func TestSummary(t *testing.T) {
	for _, c := range []struct {
		name, events string
		want         []string
		good         bool
	}{
		{"passed", passed, []string{"ok  \tmeta-migration/a\t0.1s", "ok: 0 tests passed"}, true},
		{"nothing tested", `{"Action":"output","Package":"m","Output":"?   \tm\t[no test files]\n"}
{"Action":"skip","Package":"m"}`, []string{"FAIL: 0 tests"}, false},
		{"build error", `{"ImportPath":"m","Action":"build-output","Output":"m/a.go:1: oops\n"}
{"Action":"output","Package":"m","Output":"FAIL\tm [build failed]\n"}
{"Action":"fail","Package":"m"}
` + passed, []string{"m/a.go:1: oops", "FAIL\tm [build failed]", "1 packages passed, 1 failed"}, false},
		{"older go's build error", "# m\nm/a.go:1: oops\n" + passed, []string{"m/a.go:1: oops"}, true},
		{"failed test", `{"Action":"output","Package":"m","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"m","Test":"TestA","Output":"    a_test.go:3: wrong\n"}
{"Action":"fail","Package":"m","Test":"TestA"}
` + passed, []string{"a_test.go:3: wrong", "1 failed, 0 skipped"}, false},
		{"skipped test", `{"Action":"output","Package":"meta-migration/m","Test":"TestA","Output":"    a_test.go:3: no rpmbuild\n"}
{"Action":"skip","Package":"meta-migration/m","Test":"TestA"}
` + passed, []string{"\nSkipped:\n  m TestA: no rpmbuild\n", "0 failed, 1 skipped"}, true},
		{"killed", `{"Action":"output","Package":"m","Output":"panic: timed out\n"}
` + passed, []string{"panic: timed out"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, good := summarize(strings.Split(c.events, "\n")...)
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in:\n%s", want, out)
				}
			}
			if strings.Contains(out, "=== RUN") {
				t.Errorf("frame lines in:\n%s", out)
			}
			if good != c.good {
				t.Errorf("good is %v, printed:\n%s", good, out)
			}
		})
	}
}
