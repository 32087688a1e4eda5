// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package fleet

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestFleet plays FLEET_HISTORIES histories (3,000) from FLEET_SEED (1) on.
// With FLEET_SEED alone set, one history: that seed's.
func TestFleet(t *testing.T) {
	histories, seed := int64(3000), int64(1)
	if text := os.Getenv("FLEET_SEED"); text != "" {
		seed = number(t, text)
		histories = 1
	}
	if text := os.Getenv("FLEET_HISTORIES"); text != "" {
		histories = number(t, text)
	}
	begin := time.Now()
	total := play(t, seed, histories)
	t.Logf("%d histories in %.1f s: %+v", histories, time.Since(begin).Seconds(), total)
	if histories < 3000 {
		return
	}
	for name, n := range map[string]int{
		"cuts": total.Cuts, "applied": total.Applied, "failed": total.Failed, "reverted": total.Reverted, "rearmed": total.Rearmed,
		"refused": total.Refused, "baseline": total.Baseline, "interrupted": total.Interrupted,
	} {
		if n < 100 {
			t.Errorf("only %d %s: the simulation does not reach them", n, name)
		}
	}
}

func number(t *testing.T, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func play(t *testing.T, seed, histories int64) tally {
	var (
		mutex sync.Mutex
		group sync.WaitGroup
		total tally
		next  = seed
	)
	for worker := 0; worker < runtime.GOMAXPROCS(0); worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			var own tally
			for {
				mutex.Lock()
				mine := next
				next++
				stop := mine >= seed+histories || t.Failed()
				mutex.Unlock()
				if stop {
					break
				}
				if violation := history(mine, noFault, &own); violation != "" {
					t.Errorf("%s\nagain: FLEET_SEED=%d go test ./tests/fleet -run TestFleet -v", violation, mine)
				}
			}
			mutex.Lock()
			total.add(own)
			mutex.Unlock()
		}()
	}
	group.Wait()
	return total
}

// TestPlantedFaults shows that the watcher bites: a device with a fault is
// found out within some hundred histories.
func TestPlantedFaults(t *testing.T) {
	for planted := noFault + 1; planted < faults; planted++ {
		found := false
		for seed := int64(1); seed <= 1000 && !found; seed++ {
			var own tally
			if violation := history(seed, planted, &own); violation != "" {
				found = true
				t.Logf("fault %d: %s", planted, strings.SplitN(violation, "\n", 2)[0])
			}
		}
		if !found {
			t.Errorf("fault %d is not found in 1000 histories", planted)
		}
	}
}
