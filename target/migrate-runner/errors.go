// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"errors"

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
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// exitOf is the exit code of a run that ends with err; otherwise says it for
// errors without one of their own.
func exitOf(err error, otherwise int) int {
	var (
		own     *exitError
		refusal *engine.Refusal
		notOurs *trust.Error
		state   *statedir.Error
		damage  *ledger.DamageError
		usage   usageError
	)
	switch {
	case errors.As(err, &own):
		return own.exit
	case errors.As(err, &refusal):
		return refusal.Exit
	case errors.As(err, &notOurs):
		return engine.ExitTrust
	case errors.As(err, &state), errors.As(err, &damage):
		return engine.ExitState
	case errors.As(err, &usage):
		return engine.ExitUsage
	case errors.Is(err, statedir.ErrLocked):
		return engine.ExitLocked
	case otherwise == engine.ExitDone:
		return engine.ExitError
	}
	return otherwise
}
