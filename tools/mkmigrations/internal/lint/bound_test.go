// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// generous is far more than any script may take. The aim is a tenth of it;
// what grows with the square of the input takes minutes.
const generous = 5 * time.Second

// hostile are pieces that, repeated, nest or pile up.
var hostile = []string{
	"(", "((", "$(", "$((", "$((1+", "$((-", "x=$((a?", "x=$((a=", "`", "`\\`", "{ ", "\"$(", "${a:-", "${a", "\"", "'",
	"if a;then ", "if command -v a;then x=1;", "while a;do ", "for i in a;do ", "case a in a) ", "f()", "f(){ ", "! ", "!", "!(",
	"a|", "a&&", "a;", "a\n", "a||{ ", "a=b ", "<<A ", "a <<E\n", "\\\n", "\r\n", "\x00", "\xff",
	"eval ", "sh -c ", "xargs ", "env ", "find -exec ", "command ", "exec ", "busybox ", "trap ", "alias a=b ", "e 'e",
	"command -v a&&", "command -v a\n", "command -v a||exit\n", "[ -x a ]&&", "[ -x a ] || a\n", "f(){ f;}\n", "f(){ f&&f&&f;}\nf\n",
	"f(){ \"$@\";}\nf f f f f f f f f f f f f\n", "echo !(a)\n", "a & ", "$a\n", "type type ", "((a;", "set +e\n",
}

// Scripts that nest deep, or hold very much, end in bounded time and memory.
func TestHostileScripts(t *testing.T) {
	for _, piece := range hostile {
		for _, size := range []int{300, fit(piece), (1<<20 - 100) / len(piece)} {
			text := []byte("#!/bin/sh\n" + strings.Repeat(piece, size))
			start := time.Now()
			Script("m", text, []byte(library), nil, nil)
			if d := time.Since(start); d > generous {
				t.Errorf("%q, %d times: %v", piece, size, d)
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > 128<<20 {
		t.Errorf("%d MiB taken from the system", m.Sys>>20)
	}
}

// fit is how often a piece can be repeated within the limit of words.
func fit(piece string) int {
	n := maxTokens / tokens([]byte(piece+" "+piece))
	return n + n/2
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		text []byte
		want error
	}{
		{"large", make([]byte, 1<<20+1), errLarge},
		{"words", bytes.Repeat([]byte("a\n"), maxTokens/2+1), errWords},
		{"as many words as may be", bytes.Repeat([]byte("a\n"), maxTokens/2), nil},
		{"deep", []byte(strings.Repeat("(", 8000)), errDeep},
		{"as deep as scripts are", []byte(strings.Repeat("(", 200) + ":" + strings.Repeat(")", 200)), nil},
	} {
		if _, _, err := parse(c.text, syntax.LangPOSIX, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	expect(t, Syntax("m", append([]byte("#!/bin/sh\n"), bytes.Repeat([]byte("a\n"), maxTokens)...)),
		"warning: m: not checked: more words than the check reads")
}

// Many scripts of one package take no longer than a few, by what they make
// the check do: words, tries of the parser, files that are looked for, files
// that are sourced. Another package is checked all the same.
func TestBudget(t *testing.T) {
	lines := make([]string, 64)
	for i := range lines {
		lines[i] = "usr/lib/f" + strconv.Itoa(i) + "!"
	}
	r := image(t, append(lines, "bin/sh")...)
	large := []byte(strings.Repeat("x() { :; }\n", 3000))
	for i := range lines {
		if err := os.WriteFile(filepath.Join(r.dir, "usr/lib/f"+strconv.Itoa(i)), large, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	distinct := func(format string, n int) string {
		var b strings.Builder
		for i := 0; i < n; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"words":    strings.Repeat("a$x|b1\n", 4000),
		"bytes":    ": " + strings.Repeat("x", 1<<20-100) + "\n",
		"tries":    strings.Repeat("cat <<E\n", 3000),
		"searches": "PATH=" + distinct("/a%d:", 30) + "$PATH\n" + distinct("c%d\n", 100),
		"sources":  distinct(". /usr/lib/f%d\n", 64),
		"texts":    "sh -c '" + strings.Repeat("a b\n", 1500) + "'\n",
	} {
		b := NewBudget()
		spent := 0
		for i := 0; i < 40; i++ {
			for _, f := range Script("m", []byte("#!/bin/sh\n"+text), []byte(library), r, b) {
				if strings.Contains(f.Rule, errSpent.Error()) && f.Warning {
					spent++
				}
			}
		}
		if spent == 0 {
			t.Errorf("%s: 40 scripts were checked, %d words are left", name, b.words)
		}
		if spent > 40 {
			t.Errorf("%s: %d warnings", name, spent)
		}
	}
	// What cannot be paid for is never an error, and never passed over silently.
	for _, text := range []string{"cat <(echo a)\n", "function f { :; }\n", "sh -c 'echo a b c'\n"} {
		script := []byte("#!/bin/ash\n" + text)
		for words := 0; words < 60; words++ {
			for _, f := range Script("m", script, []byte(library), nil, &Budget{true, words}) {
				if !f.Warning && strings.Contains(f.Rule, "syntax error") {
					t.Errorf("%q with %d words: %v", text, words, f)
				}
			}
			b := &Budget{true, words}
			if found := Script("m", script, []byte(library), nil, b); b.words < 0 && len(found) == 0 {
				t.Errorf("%q with %d words: nothing was said", text, words)
			}
		}
	}
	// What is not looked for costs nothing.
	verbs := []byte("#!/bin/sh\n. \"$MIGRATION_LIB\"\n" + strings.Repeat("ensure_user a; ./x\n", 100))
	before := &Budget{true, maxBudget}
	Script("m", verbs, []byte(library), r, before)
	if spent := maxBudget - before.words; spent > cost(verbs)+4*costOfSearch {
		t.Errorf("%d words were spent on %d", spent, cost(verbs))
	}
	few := NewBudget()
	for i := 0; i < 100; i++ {
		expect(t, Script("m", []byte("#!/bin/sh\n"+strings.Repeat("cd /x || exit\n", 100)), []byte(library), r, few))
	}
}

func FuzzSyntax(f *testing.F)   { fuzz(f, func(data []byte) { Syntax("m", data) }) }
func FuzzCommands(f *testing.F) { fuzz(f, func(data []byte) { Commands("m", data) }) }

// fuzz holds that a check neither panics nor takes long, whatever the script.
func fuzz(f *testing.F, check func([]byte)) {
	for _, piece := range hostile {
		f.Add("sh", strings.Repeat(piece, 20))
	}
	f.Add("bash", "a=(1 2); [[ ${a[0]} =~ x ]] && ((i++)); f() { command -v \"$1\"; }; f x && x <<E\n$(y)\nE\n")
	f.Add("busybox sh", "if ! command -v a; then exit 0; fi; sh -c 'a; $b'; trap 'c' EXIT; . \"$MIGRATION_LIB\"; export PATH=/x:$PATH\n")
	f.Add("mksh", "x=${ a;}; function b { time c; }; for i in $(d); do eval 'e'; done\n")
	f.Fuzz(func(t *testing.T, shell, text string) {
		start := time.Now()
		check([]byte("#!/bin/" + shell + "\n" + text))
		if d := time.Since(start); d > generous {
			t.Errorf("took %v", d)
		}
	})
}

// The order and the number of findings do not depend on chance.
func TestSameFindingsEachTime(t *testing.T) {
	text := []byte("#!/bin/sh\nx=(1); $a; b; ensure_user; set +e; [[ x ]] & reboot\n" + strings.Repeat("$x; y+=1\n", 30))
	r := poky(t)
	first := Script("m", text, []byte(library), r, nil)
	for i := 0; i < 20; i++ {
		again := Script("m", text, []byte(library), r, nil)
		if len(again) != len(first) {
			t.Fatalf("%d findings, then %d", len(first), len(again))
		}
		for j := range first {
			if first[j] != again[j] {
				t.Fatalf("%v, then %v", first[j], again[j])
			}
		}
	}
}
