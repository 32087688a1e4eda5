// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package engine

import "testing"

// Each scenario is a device from its first start on. Names of IDs are such
// that alphabetical order is not theirs. See image and simulated.command for
// the language.
var scenarios = map[string]string{
	"in their order, once": `
		image 1: c a b
		rows => c pending, a pending, b pending
		run => c applied, a applied, b applied, complete 1, exit 0
		rows => c applied#1, a applied#1, b applied#1
		run => exit 0
		image 2: c(@1) d a(@1) b(@1)
		run => d applied, complete 2, exit 0
		device => release 2, a done, b done, c done, d done`,
	"no migrations at all": `
		image 1:
		run => complete 1, exit 0
		run => exit 0
		image 2:
		run => complete 2, exit 0`,
	"revised text of an applied one does not run": `
		image 1: a
		run => a applied, complete 1, exit 0
		image 2: a(@1,v2)
		run => complete 2, exit 0`,

	// Attempts.
	"attempts are counted by bundle": `
		image 1: a(#2) b
		run a=fail => a failed, exit 3
		rows => a failed#1, b pending
		run a=fail => a#2 failed, exit 3
		rows => a failed#2!, b pending
		run => exit 3
		image 2: a(#2,@1) b(@1)
		rows => a pending, b pending
		run a=hang => a failed, exit 3
		image 1: a(#2) b
		run => exit 3
		rows => a pending#2!, b pending
		image 2: a(#2,@1) b(@1)
		run => a#2 applied, b applied, complete 2, exit 0
		rows => a applied#2, b applied#1`,
	"three attempts are the default": `
		image 1: a
		run a=fail => a failed, exit 3
		run a=fail => a#2 failed, exit 3
		run a=fail => a#3 failed, exit 3
		run => exit 3
		rows => a failed#3!`,
	"used up with continue": `
		image 1: a(#1,continue) b(!a) c
		run a=fail => a failed, c applied, exit 3
		rows => a failed#1!, b blocked, c applied#1
		run => exit 3
		rows => a failed#1!, b blocked, c applied#1`,
	"retry begins anew": `
		image 1: a(#1)
		run a=fail => a failed, exit 3
		run => exit 3
		retry a =>
		rows => a pending
		run => a applied, complete 1, exit 0`,
	"attempts count from the last applied": `
		image 1: a(#2)
		run a=fail => a failed, exit 3
		run => a#2 applied, complete 1, exit 0
		forget a =>
		rows => a pending
		run a=fail => a failed, exit 3
		run => a#2 applied, exit 0`,
	"attempts of a superseded one count from when it was applied": `
		image 1: a(#2)
		run a=fail => a failed, exit 3
		image 2: x(>a)
		run => x applied [a], complete 2, exit 0
		forget x => a
		image 1: a(#2)
		run a=fail => a failed, exit 3
		run => a#2 applied, complete 1, exit 0`,
	"forget does not give attempts back": `
		image 1: a(#1)
		run a=fail => a failed, exit 3
		forget a =>
		run => exit 3`,

	// What ends an attempt.
	"power cut without Paths": `
		image 1: b a
		run b=cut => power cut
		rows => b interrupted#1, a pending
		device => release , open b, b half
		run => b interrupted, b#2 applied, a applied, complete 1, exit 0`,
	"power cut with Paths": `
		image 1: b(paths) a
		run b=cut => power cut
		device => release , open b, b half
		run => put-back b, b interrupted, b#2 applied, a applied, complete 1, exit 0`,
	"power cuts use up the attempts": `
		image 1: a(#2,paths)
		run a=cut => power cut
		run a=cut => put-back a, a interrupted, power cut
		run => put-back a, a#2 interrupted, exit 3
		rows => a interrupted#2!
		run => exit 3`,
	"an interrupted one is finished under another bundle": `
		image 1: a(paths)
		run a=cut => power cut
		image 2: b
		run => put-back a, a interrupted, b applied, complete 2, exit 0
		rows => b applied#1
		image 1: a(paths)
		run => rearmed [b], a#2 applied, complete 1, exit 0`,
	"a failed one is put back": `
		image 1: a(paths)
		run a=fail => put-back a, a failed, exit 3
		device => release`,
	"told to end": `
		image 1: c b(paths) a
		run b=stop => c applied, put-back b, b stopped, exit 1
		rows => c applied#1, b pending, a pending
		run b=stop => put-back b, b stopped, exit 1
		run => b applied, a applied, complete 1, exit 0
		rows => c applied#1, b applied#1, a applied#1`,
	"not now": `
		image 1: b(paths,#1) a
		run b=75 => put-back b, b deferred, exit 0 without marker
		rows => b pending, a pending
		run b=75 => put-back b, b deferred, exit 0 without marker
		run => b applied, a applied, complete 1, exit 0`,
	"not now with continue": `
		image 1: b(continue) c(!b) a
		run b=75 => b deferred, a applied, exit 0 without marker
		rows => b pending, c pending, a applied#1
		run => b applied, c applied, complete 1, exit 0`,
	"not now does not hide a failure": `
		image 1: b(continue) c(continue) a
		run b=75 c=fail => b deferred, c failed, a applied, exit 3
		rows => b pending, c failed#1, a applied#1`,
	"a failure, then not now": `
		image 1: a
		run a=fail => a failed, exit 3
		run a=75 => a#2 deferred, exit 0 without marker
		rows => a pending#1
		run => a#2 applied, complete 1, exit 0`,

	// Who waits for whom.
	"stop: later ones wait": `
		image 1: c b(!c) a
		run c=fail => c failed, exit 3
		rows => c failed#1, b pending, a pending`,
	"continue: only those that require it wait": `
		image 1: d(continue) c(!d) b(!c) a
		run d=fail => d failed, a applied, exit 3
		rows => d failed#1, c blocked, b blocked, a applied#1
		run => d#2 applied, c applied, b applied, complete 1, exit 0`,
	"blocked though a later one stops": `
		image 1: d(continue) c b(!d) a
		run d=fail c=fail => d failed, c failed, exit 3
		rows => d failed#1, c failed#1, b blocked, a pending`,
	"a blocked one does not stop the later ones": `
		image 1: d(continue) c(!d) a
		run d=fail => d failed, a applied, exit 3`,
	"what is baseline does not wait": `
		image 1: x
		run => x applied, complete 1, exit 0
		image 2: c(@1) y(>x,@1)
		run c=fail => c failed, baseline [y x], exit 3
		rows => c failed#1, y baseline`,
	"requiring what is gone": `
		image 2: b(!g,!h) | g(@1,>h)
		run => b applied, complete 2, exit 0`,
	"requiring a superseded one means the other": `
		image 1: x(>b,continue) a(!b)
		run x=fail => x failed, exit 3
		rows => x failed#1, a blocked
		run => x#2 applied [b], a applied, complete 1, exit 0`,
	"requiring one that another image applied": `
		image 1: b
		run => b applied, complete 1, exit 0
		image 2: b(@1) a(!b)
		run => a applied, complete 2, exit 0`,

	// By hand.
	"forget": `
		image 1: b a
		run => b applied, a applied, complete 1, exit 0
		forget b =>
		counts b => false
		rows => b pending, a applied#1
		run => b applied, exit 0`,
	"forget brings back what was applied through it": `
		image 1: b
		run => b applied, complete 1, exit 0
		image 2: x(>a,>b)
		run => x applied [a b], complete 2, exit 0
		forget x => a
		counts a => false
		counts b => true
		run => x applied [a b], exit 0
		counts x => true`,
	// A squash that goes on standing for it would make forget do nothing.
	"forget of a superseded one forgets what supersedes it": `
		image 1: b a
		run => b applied, a applied, complete 1, exit 0
		image 2: x(>a,>b)
		run => baseline [x a b], complete 2, exit 0
		forget a => a
		counts x => false
		rows => x pending
		run => x applied [a b], exit 0
		forget b => a b
		run => x applied [a b], exit 0`,
	// Retired stands for it on the newer image; the older one still has to run it.
	"a forgotten one stays pending where what supersedes it is baseline": `
		image 2: k t(@1)
		run => k applied, t applied, complete 2, exit 0
		forget t =>
		image 4 min-from=2: m(@3,>t) | k(@2) t(@1)
		run => baseline [m t], complete 4, exit 0
		image 2: k t(@1)
		run => t applied, complete 2, exit 0`,
	"forget of one superseded by a chain": `
		image 1: a
		run => a applied, complete 1, exit 0
		image 3: y(@1,>x) | x(@1,>a)
		run => baseline [y x a], complete 3, exit 0
		forget a => a
		counts y => false
		run => y applied [x a], exit 0`,
	"forget where all that it superseded is applied": `
		image 1: b a
		run => b applied, a applied, complete 1, exit 0
		image 2: x(>a,>b)
		run => baseline [x a b], complete 2, exit 0
		forget x =>
		counts x => false
		run => x applied [a b], exit 0`,
	"baseline by hand": `
		image 1: c b(fresh) a(>x)
		run c=fail => c failed, exit 3
		baseline => c a x
		device => release 1, c half
		rows => c baseline, b pending, a baseline
		run => b applied, complete 1, exit 0`,
	"baseline by hand leaves what is applied": `
		image 1: c a
		run a=fail => c applied, a failed, exit 3
		baseline => a
		rows => c applied#1, a baseline
		run => complete 1, exit 0`,
	"ledger lost": `
		image 1: b a
		run => b applied, a applied, complete 1, exit 0
		lost
		image 2: b(@1) a(@1)
		run => b applied, a applied, complete 2, exit 0`,

	// Fresh.
	"fresh": `
		image 2 fresh-unless=/etc/x,/etc/y: c a(>x) | g(@1,>h)
		run => fresh [c a x g h], complete 2, exit 0
		rows => c baseline, a baseline
		counts h => true
		image 3 fresh-unless=/etc/x: c(@2) a(@2,>x) b | g(@1,>h)
		run => b applied, complete 3, exit 0`,
	"used, since one of the paths exists": `
		image 2 fresh-unless=/etc/x,/etc/y: c a
		exists /etc/y
		run => c applied, a applied, complete 2, exit 0`,
	"used, since nothing says what fresh is": `
		image 2: c a
		run => c applied, a applied, complete 2, exit 0`,
	"fresh is decided once": `
		image 1: c
		run c=fail => c failed, exit 3
		image 2 fresh-unless=/etc/x: c(@1) a
		run => c applied, a applied, complete 2, exit 0`,
	"an unknown event is enough not to be fresh": `
		unknown simulated
		image 2 fresh-unless=/etc/x: c
		run => c applied, complete 2, exit 0`,
	"fresh, but for those that also run there": `
		image 2 fresh-unless=/x: c b(fresh,>x,>y) a
		run => fresh [c a], b applied [x y], complete 2, exit 0`,
	"fresh: also where what it supersedes is retired": `
		image 3 fresh-unless=/x min-from=1: b(fresh,>x,@2) | x(@1)
		run => fresh [], b applied [x], complete 3, exit 0`,

	// Device release, Min-From, retired.
	"older than Min-From": `
		image 2 min-from=1: a
		run => refused 5: the device has no record of any release; this image, 2, needs at least 1
		image 1: b
		run => b applied, complete 1, exit 0
		image 2 min-from=1: a b(@1)
		run => a applied, complete 2, exit 0
		image 4 min-from=3: a(@2)
		run => refused 5: the device was last complete with release 2; this image, 4, needs at least 3
		device => release 2, a done, b done`,
	"what is not complete is no release": `
		image 1: a
		run a=fail => a failed, exit 3
		image 2 min-from=1: a(@1)
		run => refused 5: the device has no record of any release; this image, 2, needs at least 1
		baseline => a
		run => complete 2, exit 0`,
	"a fresh device has this release": `
		image 2 min-from=1 fresh-unless=/x: a
		run => fresh [a], complete 2, exit 0
		image 3 min-from=2: a(@2)
		run => complete 3, exit 0`,
	"retired counts as applied": `
		image 2: z
		run => z applied, complete 2, exit 0
		image 3 min-from=2: b x(>a) c(!a) | a(@1)
		counts a => true
		run => b applied, baseline [x a], c applied, complete 3, exit 0`,
	"gone, but not retired": `
		image 2: z
		run => z applied, complete 2, exit 0
		image 3 min-from=1: x(>a) | a(@1.5)
		counts a => false
		run => x applied [a], complete 3, exit 0`,

	// Supersedes.
	"a squash becomes baseline where all is applied": `
		image 1: b a
		run => b applied, a applied, complete 1, exit 0
		image 2: x(>a,>b)
		counts x => true
		rows => x baseline
		run => baseline [x a b], complete 2, exit 0
		rows => x baseline
		counts a => true`,
	"a squash runs where a part is missing, and applies all": `
		image 1: a
		run => a applied, complete 1, exit 0
		image 2: x(>a,>b,>c)
		run x=fail => x failed, exit 3
		counts a => true
		counts b => false
		run => x#2 applied [a b c], complete 2, exit 0
		counts b => true
		counts c => true`,
	"what was baseline is not applied through a squash": `
		image 1 fresh-unless=/x: a
		run => fresh [a], complete 1, exit 0
		image 2: x(>a,>b)
		run => x applied [a b], complete 2, exit 0
		forget x => b
		counts a => true`,
	"a chain of renames": `
		image 1: a
		run => a applied, complete 1, exit 0
		image 3: x(>b) | b(@2,>a)
		run => baseline [x b a], complete 3, exit 0
		counts b => true`,
	"a chain that was never applied": `
		image 3: x(>b) | b(@2,>a)
		run => x applied [b a], complete 3, exit 0
		counts a => true
		counts b => true`,
	"a chain, back to its beginning and again to its end": `
		image 1: a
		run => a applied, complete 1, exit 0
		image 3 on-downgrade=refuse: x(>b) | b(@2,>a)
		run => baseline [x b a], complete 3, exit 0
		image 1 on-downgrade=refuse: a
		rows => a applied#1
		run => complete 1, exit 0
		image 3 on-downgrade=refuse: x(>b) | b(@2,>a)
		run => complete 3, exit 0`,

	// Downgrade.
	"an older image is tolerated": `
		image 2: b(@1) c a
		run => b applied, c applied, a applied, complete 2, exit 0
		image 1: b
		rows => b applied#1, a future, c future
		run => rearmed [a c], complete 1, exit 0
		rows => b applied#1
		run => exit 0
		image 1: b z
		run => z applied, complete 1, exit 0
		image 2: b(@1) c a
		run => c applied, a applied, complete 2, exit 0`,
	"an older image refuses": `
		image 2: b(@1) c a
		run => b applied, c applied, a applied, complete 2, exit 0
		image 1 on-downgrade=refuse: b
		run => refused 4: the data was migrated by a newer image (r:a, r:c) and On-Downgrade is refuse
		rows => b applied#1, a future, c future
		image 2: b(@1) c a
		run => exit 0`,
	"One-Way": `
		image 2: b c(one-way)
		run => b applied, c applied, complete 2, exit 0
		image 1: z
		run => refused 4: the data was changed by a One-Way migration of a newer image: r:c
		image 2: b c(one-way)
		run => exit 0`,
	"One-Way on a fresh device": `
		image 2 fresh-unless=/x: c(one-way)
		run => fresh [c], complete 2, exit 0
		image 1: z
		run => refused 4: the data was changed by a One-Way migration of a newer image: r:c`,
	"One-Way that failed without Paths": `
		image 2: c(one-way)
		run c=fail => c failed, exit 3
		image 1:
		run => refused 4: the data was changed by a One-Way migration of a newer image: r:c`,
	"One-Way that failed with Paths": `
		image 2: c(one-way,paths)
		run c=fail => put-back c, c failed, exit 3
		image 1:
		run => complete 1, exit 0`,
	"One-Way that failed, then applied as a part": `
		image 2: c(one-way)
		run c=fail => c failed, exit 3
		image 3: x(>c) | c(@2)
		run => x applied [c], complete 3, exit 0
		image 1:
		run => refused 4: the data was changed by a One-Way migration of a newer image: r:c`,
	"tried without Paths is future too": `
		image 2: c
		run c=75 => c deferred, exit 0 without marker
		image 1:
		rows => c future
		run => rearmed [c], complete 1, exit 0
		image 1: z
		run => z applied, complete 1, exit 0`,
	"an earlier one of an image between is not future": `
		image 3: b(@1.5) a
		run => b applied, a applied, complete 3, exit 0
		image 2:
		run => rearmed [a], complete 2, exit 0
		image 3: b(@1.5) a
		run => a applied, complete 3, exit 0`,
	"Since of the same release is future": `
		image 2: b a
		run => b applied, a applied, complete 2, exit 0
		image 2: b
		run => rearmed [a], complete 2, exit 0`,
	"a squash is not future where its parts are": `
		image 2: x(>a,>b,one-way)
		run => x applied [a b], complete 2, exit 0
		image 1 on-downgrade=refuse: b a
		rows => b applied, a applied
		run => complete 1, exit 0
		image 2: x(>a,>b,one-way)
		run => complete 2, exit 0`,
	"a squash is future where a part is missing": `
		image 2: x(>a,>b) | b(@1)
		run => x applied [a b], complete 2, exit 0
		image 1: a
		run => rearmed [b x], complete 1, exit 0
		image 2: x(>a,>b) | b(@1)
		run => x applied [a b], complete 2, exit 0`,
	"what is superseded in the older image is not future": `
		image 2: a
		run => a applied, complete 2, exit 0
		image 1: x(>a)
		run => baseline [x a], complete 1, exit 0`,
	"re-armed, tried, and back again": `
		image 2: c
		run => c applied, complete 2, exit 0
		image 1:
		run => rearmed [c], complete 1, exit 0
		image 2: c
		run c=fail => c failed, exit 3
		image 1:
		run => rearmed [c], exit 0
		image 2: c
		run => c#2 applied, complete 2, exit 0`,

	// Fallback.
	"fallback": `
		image 1: z
		run => z applied, complete 1, exit 0
		image 2 keep=good: z(@1) c(paths) a(paths) b(paths)
		run => c applied, a applied, b applied, complete 2, exit 0
		device => release 2, unconfirmed c, unconfirmed a, unconfirmed b, a done, b done, c done, z done
		image 1: z
		run => fallback [b a c], put-back b, put-back a, put-back c, reverted, complete 1, exit 0
		device => release 1, z done
		image 2 keep=good: z(@1) c(paths) a(paths) b(paths)
		rows => z applied#1, c reverted, a reverted, b reverted
		run c=fail => put-back c, c failed, exit 3
		rows => z applied#1, c failed#1, a reverted, b reverted
		run => c#2 applied, a applied, b applied, complete 2, exit 0`,
	"fallback from the oldest missing one on": `
		image 2 keep=good: c(paths) a(paths) b(paths)
		run => c applied, a applied, b applied, complete 2, exit 0
		image 1: c(@1,paths) b(@1,paths)
		run => fallback [b a], put-back b, put-back a, reverted, b applied, complete 1, exit 0
		device => release 1, unconfirmed c, b done, c done`,
	"fallback without one of the saves": `
		image 2 keep=good: c(paths) a(paths) b(paths)
		run => c applied, a applied, b applied, complete 2, exit 0
		drop a
		image 1:
		run => lost a, fallback [b a c], put-back b, put-back c, reverted, complete 1, exit 0
		image 2 keep=good: c(paths) a(paths) b(paths)
		rows => c reverted, a reverted, b reverted
		run => c applied, a applied, b applied, complete 2, exit 0
		image 1:
		run => fallback [b a c], put-back b, put-back a, put-back c, reverted, complete 1, exit 0`,
	"fallback without a save, of an image that takes no newer data": `
		image 2 keep=good: c(paths) a(paths)
		run => c applied, a applied, complete 2, exit 0
		drop c
		image 1 on-downgrade=refuse: x
		run => refused 4: the data was migrated by a newer image (r:c) and On-Downgrade is refuse
		image 2 keep=good: c(paths) a(paths)
		run => exit 0`,
	"fallback without the save of a One-Way": `
		image 2 keep=good: c(paths,one-way) a(paths)
		run => c applied, a applied, complete 2, exit 0
		drop a
		image 1:
		run => lost a, fallback [a c], put-back c, reverted, complete 1, exit 0
		image 2 keep=good: c(paths,one-way) a(paths)
		run => c applied, a applied, complete 2, exit 0
		drop c
		image 1:
		run => refused 4: the data was changed by a One-Way migration of a newer image: r:c`,
	"fallback without any save": `
		image 2 keep=good: c(paths) a(paths)
		run => c applied, a applied, complete 2, exit 0
		drop a
		drop c
		image 1:
		run => lost c, lost a, fallback [a c], reverted, complete 1, exit 0`,
	"a later release does not miss a save": `
		image 2 keep=good: c(paths)
		run => c applied, complete 2, exit 0
		drop c
		image 3 keep=good: d(paths)
		run => confirmed, d applied, complete 3, exit 0`,
	"fallback of a part, after a new attempt with Keep": `
		image 2 keep=good: c(paths) a(paths)
		run => c applied, a applied, complete 2, exit 0
		image 1 keep=good: c(@1,paths) d(@1,paths)
		run => fallback [a], put-back a, reverted, d applied, complete 1, exit 0
		device => release 1, unconfirmed c, unconfirmed d, c done, d done
		image 0: 
		run => fallback [d c], put-back d, put-back c, reverted, complete 0, exit 0`,
	"no fallback while nothing is missing": `
		image 2 keep=good: a(paths)
		run => a applied, complete 2, exit 0
		image 1: a(@1,paths)
		run => complete 1, exit 0
		device => release 1, unconfirmed a, a done
		image 1: x(@1,>a)
		run => baseline [x a], complete 1, exit 0
		device => release 1, unconfirmed a, a done`,
	"confirmed ones stay": `
		image 2 keep=good: a(paths)
		run => a applied, complete 2, exit 0
		confirm => confirmed
		confirm =>
		device => release 2, a done
		image 1:
		run => rearmed [a], complete 1, exit 0
		device => release 1, a done`,
	"confirming does not drop the save of an open attempt": `
		image 2 keep=good: a(paths) b(paths)
		run b=cut => a applied, power cut
		confirm => confirmed
		run => put-back b, b interrupted, b#2 applied, complete 2, exit 0
		device => release 2, unconfirmed b, a done, b done`,
	"a later release confirms": `
		image 2 keep=good: a(paths)
		run => a applied, complete 2, exit 0
		image 3: b
		run => confirmed, b applied, complete 3, exit 0
		image 2.5: b
		run => complete 2.5, exit 0`,
	"a refused later release confirms nothing": `
		image 2 keep=good: a(paths)
		run => a applied, complete 2, exit 0
		image 9 min-from=8: 
		run => refused 5: the device was last complete with release 2; this image, 9, needs at least 8
		device => release 2, unconfirmed a, a done`,
	"the same release with another bundle is a fallback": `
		image 2 keep=good: b(paths) a(paths)
		run => b applied, a applied, complete 2, exit 0
		image 2 keep=good: b(paths)
		run => fallback [a], put-back a, reverted, complete 2, exit 0
		device => release 2, unconfirmed b, b done`,
	"fallback of what it superseded": `
		image 1: a
		run => a applied, complete 1, exit 0
		image 2 keep=good: x(>a,>b,paths)
		run => x applied [a b], complete 2, exit 0
		image 1: a
		run => fallback [x b], put-back x, reverted, complete 1, exit 0
		counts a => true
		counts b => false
		counts x => false
		image 2 keep=good: x(>a,>b,paths)
		rows => x reverted
		run => x applied [a b], complete 2, exit 0`,
	"fallback of what made another one baseline": `
		image 2 keep=good: a(paths)
		run => a applied, complete 2, exit 0
		image 2: x(>b) | b(@1,>a)
		run => baseline [x b a], complete 2, exit 0
		image 1 on-downgrade=refuse:
		run => fallback [a b x], put-back a, reverted, complete 1, exit 0
		image 2: x(>b) | b(@1,>a)
		run => x applied [b a], complete 2, exit 0`,
	"what has no Paths is not put back": `
		image 2 keep=good: b a(paths)
		run => b applied, a applied, complete 2, exit 0
		image 1:
		run => fallback [a], put-back a, reverted, rearmed [b], complete 1, exit 0
		device => release 1, b done`,
	"One-Way put back is not refused": `
		image 2 keep=good: a(paths,one-way)
		run => a applied, complete 2, exit 0
		image 1 on-downgrade=refuse:
		run => fallback [a], put-back a, reverted, complete 1, exit 0`,
	"One-Way without Paths is refused, and then nothing is put back": `
		image 2 keep=good: b(one-way) a(paths)
		run => b applied, a applied, complete 2, exit 0
		image 1:
		run => refused 4: the data was changed by a One-Way migration of a newer image: r:b
		device => release 2, unconfirmed a, a done, b done`,
	"a fallback that the power cuts off is finished under any bundle": `
		image 2 keep=good: c(paths) a(paths)
		run => c applied, a applied, complete 2, exit 0
		image 1:
		run calls=8 => fallback [a c], put-back a, power cut
		device => release 2, unconfirmed c, unconfirmed a, in a fallback, c done
		image 3: c(@2,paths) a(@2,paths)
		run => put-back a, put-back c, reverted, c applied, a applied, complete 3, exit 0`,
	"a forgotten one is put back too": `
		image 2 keep=good: a(paths)
		run => a applied, complete 2, exit 0
		forget a =>
		run => a applied, exit 0
		device => release 2, unconfirmed a, unconfirmed a, a done
		image 1:
		run => fallback [a], put-back a, put-back a, reverted, complete 1, exit 0
		device => release 1`,
	"attempts of one that was forgotten begin anew after a fallback": `
		image 2 keep=good: a(paths,#2)
		run => a applied, complete 2, exit 0
		forget a =>
		run a=fail => put-back a, a failed, exit 3
		image 1:
		run => fallback [a], put-back a, reverted, complete 1, exit 0
		image 2 keep=good: a(paths,#2)
		run a=fail => put-back a, a failed, exit 3`,
	"attempts begin anew after a fallback": `
		image 2 keep=good: a(paths,#2)
		run a=fail => put-back a, a failed, exit 3
		run => a#2 applied, complete 2, exit 0
		image 1:
		run => fallback [a], put-back a, reverted, complete 1, exit 0
		image 2 keep=good: a(paths,#2)
		run a=fail => put-back a, a failed, exit 3
		run => a#2 applied, complete 2, exit 0`,

	// Events of a newer runner.
	"an unknown event is skipped": `
		image 1: a
		unknown simulated
		run => a applied, complete 1, exit 0`,
	"a critical one is not": `
		image 1: a
		run a=cut => power cut
		unknown format!
		unknown other!
		run => refused 4: the ledger holds an event of kind "format" that this runner does not know
		device => release , open a, a half`,
}

func TestScenarios(t *testing.T) {
	for name, script := range scenarios {
		t.Run(name, func(t *testing.T) { play(t, script) })
	}
}
