// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// exposed are the targets whose input comes from outside, those that meet
// the most hostile input first. The others follow by name.
var exposed = []string{
	"FuzzRpmHeader", "FuzzAr", "FuzzDataTar", "FuzzControlTar", "FuzzCpio", "FuzzManifest", "FuzzParse", "FuzzHeader",
	"FuzzInstalled", "FuzzInitConf", "FuzzDeb", "FuzzIpk", "FuzzRpm", "FuzzControl", "FuzzLocate", "FuzzLine", "FuzzEvent",
	"FuzzInterpreter", "FuzzSyntax", "FuzzCommands",
}

// A target is one fuzz function.
type target struct {
	name string
	pkg  string // import path
	dir  string
}

// key names a target in the file of totals.
func (t target) key() string { return t.pkg + "." + t.name }

var function = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// findTargets lists the fuzz functions of the module in the working
// directory whose names match only, in the order of their turns.
func findTargets(only *regexp.Regexp) ([]target, error) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.Dir}}", "./...").Output()
	if err != nil {
		return nil, err
	}
	var all []target
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		pkg, dir, _ := strings.Cut(line, " ")
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			for _, match := range function.FindAllStringSubmatch(string(text), -1) {
				if only.MatchString(match[1]) {
					all = append(all, target{match[1], pkg, dir})
				}
			}
		}
	}
	sortTargets(all)
	return all, nil
}

func sortTargets(all []target) {
	turn := map[string]int{}
	for i, name := range exposed {
		turn[name] = i - len(exposed)
	}
	sort.SliceStable(all, func(i, k int) bool {
		if turn[all[i].name] != turn[all[k].name] {
			return turn[all[i].name] < turn[all[k].name]
		}
		return all[i].key() < all[k].key()
	})
}
