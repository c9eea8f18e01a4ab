package tool

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// Versions of Trivy that were tried, from the first to before the last. What reads its
// reports knows these; the older ones were taken down and put back in March 2026.
const (
	firstTrivy = "v0.70.0"
	untilTrivy = "v0.75.0"
)

// hijacked are the releases of Trivy that somebody else made in March 2026, to steal
// credentials, with the digests of their images: the index of each, and the image for
// linux/amd64 of the first (CVE-2026-33634, GHSA-69fq-xp46-6x23).
var hijacked = []struct {
	version string
	digests []string
}{
	{"0.69.4", []string{
		"sha256:27f446230c60bbf0b70e008db798bd4f33b7826f9f76f756606f5417100beef3",
		"sha256:12c702212dee1cbec9471e9261501a3335963321fe76e60e5a715b5acd3c40a2",
	}},
	{"0.69.5", []string{"sha256:5aaa1d7cfa9ca4649d6ffad165435c519dc836fa6e21b729a2174ad10b057d2b"}},
	{"0.69.6", []string{"sha256:425cd3e1a2846ac73944e891250377d2b03653e6f028833e30fc00c1abbc6d33"}},
}

// RefusedVersion is a *fault.Error of kind Unjudged for a release of Trivy that nobody
// must run, else nil. Where names what has it.
func RefusedVersion(version, where string) error {
	for _, bad := range hijacked {
		if strings.TrimPrefix(version, "v") == bad.version {
			return refusal(bad.version, where)
		}
	}
	return nil
}

// RefusedImage is a *fault.Error of kind Unjudged for an image of Trivy that nobody
// must run, else nil.
func RefusedImage(pin plan.Pin) error {
	for _, bad := range hijacked {
		if slices.Contains(bad.digests, pin.Digest) {
			return refusal(bad.version, pin.String())
		}
	}
	return RefusedVersion(pin.Tag, pin.String())
}

func refusal(version, where string) error {
	return fault.New(fault.Unjudged, "%s is Trivy %s, a release that was hijacked in March 2026 to steal credentials", where, version).
		WithFix("remove it, renew every secret of a machine that ran it (GHSA-69fq-xp46-6x23), and take Trivy %s", TrivyVersion)
}

// accept tells in a clause why a version is not one that was tried.
func accept(version string) error {
	v := "v" + strings.TrimPrefix(version, "v")
	if !semver.IsValid(v) || semver.Prerelease(v)+semver.Build(v) != "" {
		return fmt.Errorf("it says that its version is %q", version)
	}
	if semver.Compare(v, firstTrivy) < 0 || semver.Compare(v, untilTrivy) >= 0 {
		return fmt.Errorf("its version is %s; Slipway knows %s up to before %s", version, firstTrivy[1:], untilTrivy[1:])
	}
	return nil
}

// shown is how many of a program's last lines an error has.
const shown = 20

// Failed is a *fault.Error of kind Unjudged for a run of a scanner that came to
// nothing: what is a clause about it, lines are what it printed.
func Failed(scanner, what string, lines []string) error {
	return fault.New(fault.Unjudged, "the scanner %s %s", scanner, what).WithDetail(lines[max(0, len(lines)-shown):]...).
		WithFix("read what it printed, and check again; slipway tool trivy builds the version that was tried")
}

// Troubles with a report, as clauses for Failed.
const (
	NoReport    = "wrote no report"
	EmptyReport = "wrote an empty report"
)

// LargeReport is the clause for a report of more than so many bytes.
func LargeReport(limit int64) string { return "wrote a report of more than " + step.Size(limit) }

// TooLong is the clause for a scan that did not end in time.
func TooLong(limit time.Duration) string { return "did not end within " + limit.String() }
