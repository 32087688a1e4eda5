// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// A total is what was spent on a target in all runs.
type total struct {
	Seconds    float64 `json:"cpu_seconds"` // of processor time
	Executions int64   `json:"executions"`
	Inputs     int64   `json:"new_inputs"` // that reached code which none before did
	Failures   int64   `json:"failures"`
}

// totals are kept in a file, written anew after each turn of a target.
type totals struct {
	sync.Mutex
	path string
	of   map[string]total
}

// totalsPath is the file's usual place.
func totalsPath() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "meta-migration", "fuzz-totals.json"), err
}

func readTotals(path string) (*totals, error) {
	all := &totals{path: path}
	return all, all.read()
}

func (all *totals) read() error {
	all.of = map[string]total{}
	data, err := os.ReadFile(all.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &all.of)
	}
	if err != nil {
		return fmt.Errorf("reading totals of earlier runs: %q: %w", all.path, err)
	}
	return nil
}

// add counts one turn of a target and keeps the sum.
func (all *totals) add(t target, turn total) error {
	all.Lock()
	defer all.Unlock()
	// Another run may have counted meanwhile.
	if err := all.read(); err != nil {
		return err
	}
	sum := all.of[t.key()]
	sum.Seconds += turn.Seconds
	sum.Executions += turn.Executions
	sum.Inputs += turn.Inputs
	sum.Failures += turn.Failures
	all.of[t.key()] = sum
	data, err := json.MarshalIndent(all.of, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(all.path), 0o755); err != nil {
		return err
	}
	// By a rename, so that an interrupted run loses no more than its turn.
	if err := os.WriteFile(all.path+".new", append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(all.path+".new", all.path)
}

func (all *totals) get(t target) total {
	all.Lock()
	defer all.Unlock()
	return all.of[t.key()]
}
