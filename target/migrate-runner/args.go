// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"strings"

	"meta-migration/internal/bundle"
)

// options are a parsed command line.
type options struct {
	command       *command
	root          string // "" for the running system
	image         string // check: another image's tree
	json          bool
	allowVolatile bool
	id            bundle.ID
}

// A command of the program. flags lists those that it takes beside --root
// and --help.
type command struct {
	name    string
	takesID bool
	flags   string
	about   string
	run     func(o *options) (int, error)
}

// commands returns all commands, the default one first. It is a function so
// that help can be one of them.
func commands() []*command {
	return []*command{
		{"run", false, "--allow-volatile", "make every pending migration take effect (the default)", run},
		{"check", false, "--image --allow-volatile", "print what run would do, change nothing; exit as run would refuse", check},
		{"status", false, "--json --allow-volatile", "show the state of each migration", status},
		{"require", true, "", "exit 0 if the migration counts as applied, else 3", require},
		{"baseline", false, "--allow-volatile", "record all that is not applied as not needed on this device", baseline},
		{"retry", true, "--allow-volatile", "let the migration's attempts start anew", retry},
		{"forget", true, "--allow-volatile", "make the migration pending again", forget},
		{"confirm", false, "--allow-volatile", "keep what was applied: it is not put back any more", confirm},
		{"version", false, "", "print the version", printVersion},
	}
}

func parseArgs(args []string) (*options, error) {
	o := &options{}
	var words []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "" || arg[0] != '-' {
			words = append(words, arg)
			continue
		}
		name, value, given := strings.Cut(arg, "=")
		switch name {
		case "--root", "--image":
			if !given && len(args) > 0 {
				value, args = args[0], args[1:]
			}
			if value == "" {
				return nil, usageError(name + " needs a directory")
			}
		default:
			if given {
				return nil, usageError(name + " takes no value")
			}
		}
		if err := o.flag(name, value); err != nil {
			return nil, err
		}
	}
	return o, o.take(words)
}

func (o *options) flag(name, value string) error {
	switch name {
	case "--root":
		o.root = value
	case "--image":
		o.image = value
	case "--json":
		o.json = true
	case "--allow-volatile":
		o.allowVolatile = true
	case "--help", "-h":
		o.command = &command{name: "help", run: printHelp}
	case "--version":
		o.command = &command{name: "version", run: printVersion}
	default:
		return usageError("unknown flag " + quote(name))
	}
	return nil
}

// take reads the words that are no flags: a command and, for some, an ID.
func (o *options) take(words []string) error {
	if o.command != nil {
		return nil
	}
	all := commands()
	o.command = all[0]
	if len(words) > 0 {
		o.command = nil
		for _, c := range all {
			if c.name == words[0] {
				o.command = c
			}
		}
		if o.command == nil {
			return usageError("unknown command " + quote(words[0]))
		}
		words = words[1:]
	}
	if o.command.takesID {
		if len(words) == 0 {
			return usageError(o.command.name + " needs the ID of a migration")
		}
		if err := bundle.CheckID(words[0]); err != nil {
			return usageError(err.Error())
		}
		o.id, words = bundle.ID(words[0]), words[1:]
	}
	if len(words) > 0 {
		return usageError(o.command.name + " takes no " + quote(words[0]))
	}
	return o.checkFlags()
}

// checkFlags refuses a flag that the command would silently ignore.
func (o *options) checkFlags() error {
	for _, f := range []struct {
		name  string
		given bool
	}{{"--image", o.image != ""}, {"--json", o.json}, {"--allow-volatile", o.allowVolatile}} {
		if f.given && !strings.Contains(o.command.flags, f.name) {
			return usageError(o.command.name + " takes no " + f.name)
		}
	}
	return nil
}
