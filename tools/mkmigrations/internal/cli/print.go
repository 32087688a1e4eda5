// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"meta-migration/tools/mkmigrations/internal/build"
)

const program = "mkmigrations: "

// printError prints each fault of err with its hint.
func printError(w io.Writer, err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			printError(w, one)
		}
		return
	}
	printFault(w, "error: ", err)
}

func printWarnings(w io.Writer, warnings build.Faults) {
	for _, fault := range warnings {
		printFault(w, "warning: ", fault)
	}
}

func printFault(w io.Writer, kind string, err error) {
	// Nothing sensible is left to do where even messages cannot be written.
	fmt.Fprintln(w, program+kind+clean(err.Error()))
	var hinting interface{ Hint() string }
	if errors.As(err, &hinting) && hinting.Hint() != "" {
		fmt.Fprintln(w, program+"hint: "+clean(hinting.Hint()))
	}
}

// clean makes one line of text and takes from it what could act on a
// terminal: names in packages are somebody else's.
func clean(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == ' ' || unicode.IsGraphic(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// printJSON prints one value, indented, for people read it, too.
func printJSON(w io.Writer, value any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	// The output is no part of a web page.
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return output(w, b.String())
}

// output writes data: unlike that of a message its loss is an error.
func output(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	return nil
}
