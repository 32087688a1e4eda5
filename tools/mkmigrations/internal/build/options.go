// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package build

import (
	"strconv"
	"time"

	"meta-migration/internal/bundle"
)

// Options say what a bundle is made of and what it shall hold. Values are
// taken as they are: the command line has checked the form of each.
type Options struct {
	Packages  []string // directories that are searched for packages
	Snippets  []string // directories of <recipe>/<name> files
	Files     []string // packages or scripts, one by one; for Lint only
	Installed []string // lists of what is installed; none: everything is
	Previous  []string // manifests of earlier releases
	Rootfs    string   // of the image, for the command lint; "" for none
	Thorough  bool     // opens packages that announce nothing, too

	Release  string
	MinFrom  string
	Drop     []bundle.ID
	Timeout  int // seconds, for migrations that state none; 0 for the default
	Attempts int // likewise

	OnDowngrade  bundle.OnDowngrade
	Keep         bundle.Keep
	OnCorrupt    bundle.OnCorrupt
	FailureState bundle.FailureState
	FreshUnless  []string
}

// partial says that the inputs need not be those of a whole image: a lint
// that is told no release. What is missing is no fault then.
func (o *Options) partial() bool { return o.Release == "" }

// check reports what is wrong with the options as such.
func (o *Options) check(r *report) {
	if o.MinFrom == "" {
		return
	}
	if len(o.FreshUnless) == 0 {
		r.errorf("", "name a path that every used device has: --fresh-unless PATH",
			"--min-from %s needs --fresh-unless: without it every factory device would be refused", o.MinFrom)
	}
	if o.OnCorrupt == bundle.Rerun {
		r.errorf("", "leave out one of them",
			"--on-corrupt rerun with --min-from %s: a rerun would lack the migrations that are retired", o.MinFrom)
	}
	if o.Release != "" && bundle.CompareReleases(o.MinFrom, o.Release) > 0 {
		r.errorf("", "", "--min-from %s is later than --release %s", o.MinFrom, o.Release)
	}
}

// maxEpoch is the last second of the year 9999: what is larger is no time in
// seconds.
const maxEpoch = 253402300799

// ParseEpoch reads the value of SOURCE_DATE_EPOCH: seconds since 1970 as a
// plain decimal number (reproducible-builds.org/specs/source-date-epoch).
func ParseEpoch(value string) (time.Time, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || n > maxEpoch || value[0] == '+' || value[0] == '-' {
		return time.Time{}, &Fault{
			Rule: "SOURCE_DATE_EPOCH is no number of seconds: " + strconv.Quote(value),
			Cure: "set it to a decimal number, or unset it for 0",
		}
	}
	return time.Unix(n, 0), nil
}
