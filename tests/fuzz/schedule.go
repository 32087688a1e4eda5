// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// A schedule says whose turn is next. The targets in front have theirs until
// they are done, so that a run that is ended early did the most exposed ones.
type schedule struct {
	sync.Mutex
	targets []target
	all     *totals
	seconds float64
	busy    map[string]bool
	failed  map[string]bool
	err     error
}

// next picks a target and says how many seconds it still lacks. One that has
// failed waits until its input is mended: it would only fail again.
func (s *schedule) next() (target, float64, bool) {
	s.Lock()
	defer s.Unlock()
	for _, t := range s.targets {
		left := s.seconds - s.all.get(t).Seconds
		if left > 0 && !s.busy[t.key()] && !s.failed[t.key()] && s.err == nil {
			s.busy[t.key()] = true
			return t, left, true
		}
	}
	return target{}, 0, false
}

func (s *schedule) done(t target, turn total, out string, err error) {
	if err == nil {
		err = s.all.add(t, turn)
	}
	s.Lock()
	defer s.Unlock()
	s.busy[t.key()] = false
	if err != nil {
		s.err = err
	}
	if turn.Failures > 0 {
		s.failed[t.key()] = true
		fmt.Fprintf(os.Stderr, "%s failed:\n%s\n", t.name, out)
		return
	}
	fmt.Fprintf(os.Stderr, "%s: %.0f s, %d executions, %d new inputs\n", t.name, turn.Seconds, turn.Executions, turn.Inputs)
}

// result names the targets that failed.
func (s *schedule) result() error {
	var names []string
	for _, t := range s.targets {
		if s.failed[t.key()] {
			names = append(names, t.name)
		}
	}
	if s.err == nil && names != nil {
		return fmt.Errorf("a failing input was found by %s: mend what it shows, and keep it as a seed", strings.Join(names, ", "))
	}
	return s.err
}
