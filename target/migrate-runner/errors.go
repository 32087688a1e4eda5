// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"meta-migration/target/migrate-runner/engine"
	"meta-migration/target/migrate-runner/internal/statedir"
	"meta-migration/target/migrate-runner/internal/trust"
	"meta-migration/target/migrate-runner/ledger"
)

// A usageError is a fault of the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// An exitError gives an error its exit code.
type exitError struct {
	exit   int
	reason string
	hint   string
}

func (e *exitError) Error() string { return e.reason }
func (e *exitError) Hint() string  { return e.hint }

// doing says what was being done when err came.
func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitOf(err, engine.ExitError), what + ": " + err.Error(), hintOf(err)}
}

func hintOf(err error) string {
	if h, ok := err.(interface{ Hint() string }); ok {
		return h.Hint()
	}
	return ""
}

// exitOf is the exit code of a run that ends with err; otherwise says it for
// errors without one of their own. No error of this program hides another
// one: errors.As would cost more than all of this file.
func exitOf(err error, otherwise int) int {
	switch e := err.(type) {
	case *exitError:
		return e.exit
	case *engine.Refusal:
		return e.Exit
	case *trust.Error:
		return engine.ExitTrust
	case *statedir.Error, *ledger.DamageError:
		return engine.ExitState
	case usageError:
		return engine.ExitUsage
	}
	switch {
	case err == statedir.ErrLocked:
		return engine.ExitLocked
	case otherwise == engine.ExitDone:
		return engine.ExitError
	}
	return otherwise
}
