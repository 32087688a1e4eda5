// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"meta-migration/internal/bundle"
)

// Limits of what is parsed. The largest maintainer scripts in Debian have
// some thousand words and nest 20 deep.
const (
	maxTokens = 1 << 16 // bounds the memory of the syntax tree
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
// are bounded whatever the text is. The error is a syntax.ParseError, a
// syntax.LangError or one of the four above.
func parse(text []byte, lang syntax.LangVariant) (file *syntax.File, err error) {
	switch {
	case len(text) > bundle.MaxScript:
		return nil, errLarge
	case tokens(text) > maxTokens:
		return nil, errWords
	}
	// The parser is a library that reads hostile text here. A panic in it
	// must not end the build of an image.
	defer func() {
		if recover() != nil {
			file, err = nil, errPanic
		}
	}()
	file, err = mend(valid(text), lang)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// mend parses text and, where the parser takes "!(" for an extended glob,
// reads it as POSIX does: "!" and a subshell. The blank put between them
// changes no line number.
func mend(text []byte, lang syntax.LangVariant) (*syntax.File, error) {
	const tries = 20 // each costs a parse
	for try := 0; ; try++ {
		reader := &depthReader{data: text}
		file, err := syntax.NewParser(syntax.Variant(lang)).Parse(reader, "")
		if reader.deep {
			return nil, errDeep
		}
		var foreign syntax.LangError
		if try == tries || !errors.As(err, &foreign) {
			return file, err
		}
		at := int(foreign.Pos.Offset())
		if at+1 >= len(text) || text[at] != '!' || text[at+1] != '(' {
			return file, err
		}
		text = bytes.Join([][]byte{text[:at+1], text[at+1:]}, []byte(" "))
	}
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
// characters and each other character but blanks.
func tokens(text []byte) int {
	n, inWord := 0, false
	for _, c := range text {
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
