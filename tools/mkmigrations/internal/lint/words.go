// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// literal is the text that a word has whatever the variables and files are:
// quotes and backslashes removed. ok is false where it is expanded.
func literal(w *syntax.Word) (text string, ok bool) {
	return literalParts(w.Parts, false)
}

func literalParts(parts []syntax.WordPart, quoted bool) (string, bool) {
	var b strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case *syntax.Lit:
			text, ok := unescape(part.Value, quoted)
			if !ok {
				return "", false
			}
			b.WriteString(text)
		case *syntax.SglQuoted:
			if part.Dollar && strings.Contains(part.Value, `\`) {
				return "", false
			}
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			text, ok := literalParts(part.Parts, true)
			if !ok {
				return "", false
			}
			b.WriteString(text)
		default:
			return "", false
		}
	}
	return b.String(), true
}

// hereText is the text of a here-document, where it is not expanded. Behind a
// quoted end word it is the text as it stands.
func hereText(r *syntax.Redirect) (string, bool) {
	end, raw := r.Word.Lit(), false
	if len(r.Word.Parts) != 1 || end == "" || strings.Contains(end, `\`) {
		raw = true
	}
	var b strings.Builder
	for _, p := range r.Hdoc.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok {
			return "", false
		}
		b.WriteString(lit.Value)
	}
	if raw {
		return b.String(), true
	}
	return strings.NewReplacer(`\$`, "$", "\\`", "`", `\\`, `\`, "\\\n", "").Replace(b.String()), true
}

// unescape removes the backslashes of a literal as POSIX 2.2 says: outside of
// quotes each, within "…" those before $ ` " \ and a newline. An unquoted
// literal with a pattern or a tilde is expanded, so it is none; the commands
// [ and [[ are.
func unescape(lit string, quoted bool) (string, bool) {
	if !quoted && (lit == "[" || lit == "[[") {
		return lit, true
	}
	if !quoted && strings.HasPrefix(lit, "~") {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(lit); i++ {
		c := lit[i]
		switch {
		case c == '\\' && i+1 < len(lit) && (!quoted || strings.IndexByte("$`\"\\\n", lit[i+1]) >= 0):
			i++
			if lit[i] != '\n' {
				b.WriteByte(lit[i])
			}
			continue
		case !quoted && (c == '*' || c == '?' || c == '['):
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), true
}

// literals are the texts of words; a word that is no literal gives "\x00",
// which no test for a text meets.
func literals(words []*syntax.Word) []string {
	texts := make([]string, len(words))
	for i := range words {
		texts[i] = argument(words, i)
	}
	return texts
}

func argument(words []*syntax.Word, i int) string {
	if i < len(words) {
		if text, ok := literal(words[i]); ok {
			return text
		}
	}
	return "\x00"
}

// parameter is the name of the one variable that a word consists of, quoted
// or not: "1" of "$1" and of ${1:-}. It is "" for all other words.
func parameter(w *syntax.Word) string {
	parts := unquoted(w)
	if len(parts) != 1 {
		return ""
	}
	if p, ok := parts[0].(*syntax.ParamExp); ok && p.Param != nil {
		return p.Param.Value
	}
	return ""
}

// ending is the literal end of a word: what a path names when its first part
// is in a variable. It is "" where the last part of the path is expanded.
func ending(w *syntax.Word) string {
	if text, ok := literal(w); ok {
		return text
	}
	parts := unquoted(w)
	if len(parts) == 0 {
		return ""
	}
	if lit, ok := parts[len(parts)-1].(*syntax.Lit); ok && strings.Contains(lit.Value, "/") {
		return lit.Value
	}
	return ""
}

// unquoted are the parts of a word, or of the one quoted text that it is.
func unquoted(w *syntax.Word) []syntax.WordPart {
	if len(w.Parts) == 1 {
		if q, ok := w.Parts[0].(*syntax.DblQuoted); ok {
			return q.Parts
		}
	}
	return w.Parts
}

// variable is the name of the variable whose whole text a word is: parameter,
// but not of ${1%/*} and the like.
func variable(w *syntax.Word) string {
	if parts := unquoted(w); len(parts) == 1 {
		if p, ok := parts[0].(*syntax.ParamExp); ok && p.Param != nil && p.Exp == nil && p.Slice == nil && p.Repl == nil && p.Index == nil && !p.Length && !p.Excl {
			return p.Param.Value
		}
	}
	return ""
}

func line(n syntax.Node) int { return int(n.Pos().Line()) }
