// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package lint

import (
	"bytes"
	"regexp"

	"mvdan.cc/sh/v3/syntax"
)

// features finds what the shells of the script lack. The parser refuses some
// of it in the POSIX dialect, reads some as plain words, and accepts some.
// lines are those with any feature, be it one that the shell has.
func (s *script) features() (found []Finding, lines map[int]bool) {
	lines = map[int]bool{}
	defined := functionNames(s.tree)
	walk(s.tree, func(n syntax.Node) bool {
		for _, f := range featuresOf(n, defined) {
			lines[line(n)] = true
			found = append(found, s.report(line(n), f)...)
		}
		return true
	})
	// A script that asks for bash itself knows what it does.
	if bytes.Contains(s.data, []byte("BASH_VERSION")) {
		for i := range found {
			found[i].Warning = true
		}
	}
	return found, lines
}

// walk calls f for each node of a tree; where f returns false it leaves out
// what is below. It keeps its own stack: the parser makes "a && b && c && …"
// as deep as it is long.
func walk(root syntax.Node, f func(syntax.Node) bool) {
	stack := []syntax.Node{root}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if f(n) {
			stack = appendChildren(stack, n)
		}
	}
}

// children are the nodes right below n, in the order of the text.
func children(n syntax.Node) []syntax.Node { return appendChildren(nil, n) }

func appendChildren(below []syntax.Node, n syntax.Node) []syntax.Node {
	if _, leaf := n.(*syntax.Lit); leaf {
		return below
	}
	syntax.Walk(n, func(child syntax.Node) bool {
		if child == n {
			return true
		}
		if child != nil {
			below = append(below, child)
		}
		return false
	})
	return below
}

// functionNames are the functions that a script defines anywhere in it.
func functionNames(tree *syntax.File) map[string]bool {
	names := map[string]bool{}
	walk(tree, func(n syntax.Node) bool {
		if f, ok := n.(*syntax.FuncDecl); ok {
			names[f.Name.Value] = true
		}
		return true
	})
	return names
}

// featuresOf names what of a node POSIX sh has not. defined are the script's
// own functions, which may have the name of another shell's builtin.
func featuresOf(n syntax.Node, defined map[string]bool) []feature {
	switch n := n.(type) {
	case *syntax.CallExpr:
		return callFeatures(n, defined)
	case *syntax.ParamExp:
		return paramFeatures(n)
	case *syntax.Word:
		return dollarFeatures(n.Parts)
	case *syntax.FuncDecl:
		return either(n.RsrvWord, featFunction, !syntax.ValidName(n.Name.Value), featFunctionName)
	case *syntax.ForClause:
		return either(n.Select, featSelect, n.Braces, featForBraces)
	case *syntax.Assign:
		return either(n.Append, featAppend, n.Array != nil || n.Index != nil, featArray)
	case *syntax.Redirect:
		return redirectFeatures(n)
	case *syntax.UnaryArithm:
		step := n.Op == syntax.Inc || n.Op == syntax.Dec
		return either(step, featIncrement, false, feature{})
	case *syntax.BinaryArithm:
		return either(n.Op == syntax.Pow, featPower, n.Op == syntax.Comma, featComma)
	case *syntax.BinaryCmd:
		return either(n.Op == syntax.PipeAll, featPipeAll, false, feature{})
	case *syntax.CaseItem:
		return either(n.Op == syntax.Fallthrough || n.Op == syntax.Resume, featFallThrough, false, feature{})
	case *syntax.DeclClause:
		variant := n.Variant.Value
		return either(variant == "declare" || variant == "typeset" || variant == "nameref", bashBuiltin(variant), false, feature{})
	}
	return plainFeatures(n)
}

// plainFeatures are nodes that are one feature each.
func plainFeatures(n syntax.Node) []feature {
	switch n := n.(type) {
	case *syntax.TestClause:
		return []feature{featDoubleBracket}
	case *syntax.ArithmCmd:
		return []feature{featArithmetic}
	case *syntax.LetClause:
		return []feature{featLet}
	case *syntax.CoprocClause:
		return []feature{bashBuiltin("coproc")}
	case *syntax.CStyleLoop:
		return []feature{featForArithmetic}
	case *syntax.ProcSubst:
		return []feature{featProcess}
	case *syntax.ExtGlob:
		return []feature{featExtGlob}
	case *syntax.ArithmExp:
		return either(n.Bracket, featOldArithmetic, false, feature{})
	case *syntax.SglQuoted:
		return either(n.Dollar, featQuote, false, feature{})
	case *syntax.DblQuoted:
		return either(n.Dollar, featTranslate, false, feature{})
	}
	return nil
}

// either is f where a holds, else g where b does, else nothing: of two
// features in one place the first one is enough to say.
func either(a bool, f feature, b bool, g feature) []feature {
	switch {
	case a:
		return []feature{f}
	case b:
		return []feature{g}
	}
	return nil
}

// redirectFeatures: the parser reads all redirections in the POSIX dialect too,
// refuses these, and reads them when it is asked again as bash.
func redirectFeatures(n *syntax.Redirect) []feature {
	switch {
	case n.Op == syntax.WordHdoc:
		return []feature{featHereString}
	case n.Op == syntax.RdrAll:
		return []feature{featAmpRedirect}
	case n.Op == syntax.AppAll:
		return []feature{featAmpAppend}
	case n.N != nil && n.N.Value != "" && n.N.Value[0] == '{':
		return []feature{featNamedRedirect}
	}
	return nil
}

// paramFeatures are the expansions that POSIX 2.6.2 does not list.
func paramFeatures(n *syntax.ParamExp) []feature {
	switch {
	case n.Excl:
		return []feature{featIndirect}
	case n.Index != nil:
		return []feature{featArray}
	case n.Slice != nil:
		return []feature{featSlice}
	case n.Repl != nil:
		return []feature{featReplace}
	case n.Exp == nil:
		return nil
	}
	switch n.Exp.Op {
	case syntax.UpperFirst, syntax.UpperAll, syntax.LowerFirst, syntax.LowerAll:
		return []feature{featCase}
	case syntax.OtherParamOps:
		return []feature{featTransform}
	}
	return nil
}

// dollarFeatures finds $'…' and $"…" where the POSIX dialect has read them as
// a dollar and a quoted text.
func dollarFeatures(parts []syntax.WordPart) []feature {
	for i := 0; i+1 < len(parts); i++ {
		lit, ok := parts[i].(*syntax.Lit)
		if !ok || lit.Value == "" || lit.Value[len(lit.Value)-1] != '$' || escaped(lit.Value) {
			continue
		}
		switch next := parts[i+1].(type) {
		case *syntax.SglQuoted:
			return []feature{featQuote}
		case *syntax.DblQuoted:
			// "$"$(…) and the like is how some write a dollar.
			return either(len(next.Parts) > 0, featTranslate, false, feature{})
		}
	}
	return nil
}

// escaped says whether the last byte of an unquoted literal stands behind an
// odd number of backslashes.
func escaped(lit string) bool {
	n := 0
	for i := len(lit) - 2; i >= 0 && lit[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

var appendWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\+=`)

// callFeatures finds what the POSIX dialect takes for a command.
func callFeatures(n *syntax.CallExpr, defined map[string]bool) []feature {
	if len(n.Args) == 0 {
		return nil
	}
	name, ok := literal(n.Args[0])
	switch lit, plain := n.Args[0].Parts[0].(*syntax.Lit); {
	case plain && appendWord.MatchString(lit.Value):
		return []feature{featAppend}
	case !ok || defined[name]:
		return nil
	}
	switch name {
	case "[[":
		return []feature{featDoubleBracket}
	case "source":
		return []feature{featSource}
	case "let":
		return []feature{featLet}
	case "[", "test":
		return testFeatures(literals(n.Args))
	case "echo":
		return either(argument(n.Args, 1) == "-e", featEchoE, false, feature{})
	case "set":
		return either(hasPair(literals(n.Args), "-o", "pipefail"), featPipefail, false, feature{})
	case "fc", "help", "history", "suspend", "time":
		return nil // also programs, or harmless
	}
	onlyBash := builtins[bash][name] && !anyShell.builtin(name)
	return either(onlyBash, bashBuiltin(name), false, feature{})
}

// operators are the words behind which another one is an operand.
var operators = set("= == != ! ( -a -o")

// testFeatures reads the words of [ and test. The words alone do not tell an
// operator from an operand: "[ == = x ]" compares the text "==".
func testFeatures(args []string) []feature {
	for i, a := range args {
		if a == "==" && i >= 2 && i+1 < len(args) && !operators[args[i-1]] && args[i+1] != "]" {
			return []feature{featEqual}
		}
		if a == "-v" && i == 1 && (len(args) == 3 || len(args) == 4 && args[3] == "]") {
			return []feature{featTestV}
		}
	}
	return nil
}

// hasPair says whether an option and its value stand next to one another.
func hasPair(args []string, first, second string) bool {
	for i := 0; i+1 < len(args); i++ {
		// "-eo pipefail" is as good as "-e -o pipefail".
		a := args[i]
		if a != "" && a[0] == first[0] && a[len(a)-1] == first[1] && args[i+1] == second {
			return true
		}
	}
	return false
}
