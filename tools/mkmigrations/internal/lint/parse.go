// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"meta-migration/internal/bundle"
)

// Limits of what is parsed. Of 400 maintainer scripts of Debian the largest
// has some thousand words; none nests 20 deep.
const (
	maxTokens = 1 << 15 // bounds the memory of the syntax tree
	maxFrames = 4000    // of the parser's stack; about 600 nested commands
)

// Why a script was not checked. Each is a warning: such a script may be right.
var (
	errLarge = errors.New("larger than 1 MiB")
	errWords = errors.New("more words than the check reads")
	errDeep  = errors.New("nested deeper than the check follows")
	errPanic = errors.New("the parser cannot read it")
)

// parse parses text in one dialect. It never panics and its time and memory
// are bounded whatever the text is; each try takes of the budget. unclosed is
// the line of a here-document without an end, 0 for none. The error is a
// syntax.ParseError, a syntax.LangError, errSpent or one of the four above;
// there is no tree then.
func parse(text []byte, lang syntax.LangVariant, b *Budget) (tree *syntax.File, unclosed int, err error) {
	switch {
	case len(text) > bundle.MaxScript:
		return nil, 0, errLarge
	case tokens(text) > maxTokens:
		return nil, 0, errWords
	}
	// The parser is a library that reads hostile text here. A panic in it
	// must not end the build of an image.
	defer func() {
		if recover() != nil {
			tree, unclosed, err = nil, 0, errPanic
		}
	}()
	text = valid(text)
	var first error // what to report if mending comes to nothing
	const tries = 8 // each costs a parse
	for try := 0; ; try++ {
		if !b.take(cost(text)) {
			return nil, 0, errSpent
		}
		tree, err = parseOnce(text, lang)
		if err == nil {
			return tree, unclosed, nil
		}
		mended, line := mend(text, lang, err)
		if mended == nil || try == tries || unclosed > 0 {
			break
		}
		if first == nil && !errors.As(err, new(syntax.LangError)) {
			first = err
		}
		text, unclosed = mended, line
	}
	if first != nil && !unchecked(err) {
		err = first
	}
	return nil, 0, err
}

func parseOnce(text []byte, lang syntax.LangVariant) (*syntax.File, error) {
	reader := &depthReader{data: text}
	tree, err := syntax.NewParser(syntax.Variant(lang)).Parse(reader, "")
	if reader.deep {
		return nil, errDeep
	}
	return tree, err
}

// mend changes a text where the parser refuses what shells accept, so that it
// can be read after all. No line number changes. It returns nil where it
// cannot; unclosed is the line of the here-document that it ended.
func mend(text []byte, lang syntax.LangVariant, err error) (mended []byte, unclosed int) {
	var foreign syntax.LangError
	if errors.As(err, &foreign) {
		// POSIX has no extended globs: "!(" is "!" and a subshell.
		at := int(foreign.Pos.Offset())
		if at < len(text) && bytes.HasPrefix(text[at:], []byte("!(")) {
			return blank(text, at+1), 0
		}
		return nil, 0
	}
	var plain syntax.ParseError
	if !errors.As(err, &plain) {
		return nil, 0
	}
	// The end of the script ends a here-document as well.
	rest, ok := strings.CutPrefix(plain.Text, "unclosed here-document '")
	if end := strings.TrimSuffix(rest, "'"); ok && end != rest {
		return bytes.Join([][]byte{text, []byte(end), nil}, []byte("\n")), int(plain.Pos.Line())
	}
	// What is no arithmetic is for bash a subshell in a subshell.
	if lang == syntax.LangBash {
		until := min(int(plain.Pos.Offset())+3, len(text))
		if at := bytes.LastIndex(text[:until], []byte("((")); at >= 0 {
			return blank(text, at+1), 0
		}
	}
	return nil, 0
}

// blank puts a blank into text.
func blank(text []byte, at int) []byte {
	return bytes.Join([][]byte{text[:at], text[at:]}, []byte(" "))
}

// A depthReader ends the parse when the parser has nested too deep. The
// parser calls Read from the depth at which it needs the next 1 KiB, so it
// cannot get much deeper than the limit between two calls. A stack overflow
// could not be recovered from.
type depthReader struct {
	data []byte
	deep bool
}

func (r *depthReader) Read(p []byte) (int, error) {
	var pc [1]uintptr
	if runtime.Callers(maxFrames, pc[:]) > 0 {
		r.deep = true
		return 0, errDeep
	}
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

// tokens counts what could become a node of the syntax tree: runs of word
// characters and each other character but blanks. It stops above maxTokens.
func tokens(text []byte) int {
	n, inWord := 0, false
	for _, c := range text {
		if n > maxTokens {
			break
		}
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '_' || c == '/' || c == '.' || c >= utf8.RuneSelf
		blank := c == ' ' || c == '\t'
		if !blank && (!word || !inWord) {
			n++
		}
		inWord = word
	}
	return n
}

// valid replaces bytes that are no UTF-8. The parser refuses them; a shell
// takes them as they are, mostly in comments.
func valid(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	clean := append([]byte(nil), text...)
	for i := 0; i < len(clean); {
		r, size := utf8.DecodeRune(clean[i:])
		if r == utf8.RuneError && size == 1 {
			clean[i] = '_'
		}
		i += size
	}
	return clean
}
