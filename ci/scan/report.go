package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
)

// Expect is what a report has to show: a scanner passes over what it cannot read
// without a word, and no findings may mean that it saw nothing.
type Expect struct {
	// Image is the image's name in the plan, Platform the one that was scanned.
	Image, Platform string
	// MainModule is the path of the module that all Programs are of.
	MainModule string
	// Release is the Go release that they are built with, for example go1.26.9.
	Release string
	// Programs are their paths in the image, without a leading slash.
	Programs []string
}

// report is the part of the scanner's report that is read. The text of a secret is
// not: what is not there is not printed by mistake.
type report struct {
	SchemaVersion int
	ArtifactType  string
	Metadata      struct {
		OS *struct {
			Family, Name string
			EOSL         bool
		}
		ImageConfig struct {
			Architecture string `json:"architecture"`
			OS           string `json:"os"`
		}
	}
	Results []result
}

type result struct {
	Target, Class, Type string
	Packages            []struct {
		Name, Version, Relationship string
	}
	Vulnerabilities []vulnerability
	Secrets         []secret
	Suppressed      []struct{} `json:"ExperimentalModifiedFindings"`
}

type vulnerability struct {
	VulnerabilityID string
	VendorIDs       []string
	PkgName         string
	PkgIdentifier   struct{ PURL string }

	InstalledVersion, FixedVersion string

	Severity, PrimaryURL, Title, Description string
}

type secret struct {
	RuleID, Title, Severity string
	StartLine               int
}

const (
	// reportSchema is the version of the report's form that the accepted scanner writes.
	reportSchema = 2
	// maxFindings is more than any image has that somebody would publish.
	maxFindings = 50_000
)

// Parse reads what the scanner left and returns its findings, sorted. The error is a
// *fault.Error of kind Unjudged where the report is not one, or does not show that the
// scanner saw every program.
func Parse(said engine.Scanned, want Expect) ([]finding.Finding, error) {
	r, err := parseReport(said)
	if err == nil {
		err = r.check(want)
	}
	if err != nil {
		return nil, unjudged(err, said, want)
	}
	return r.findings(want), nil
}

// doubt is why a report is not believed, as a clause, and what to do.
type doubt struct{ what, fix string }

func (d *doubt) Error() string { return d.what }

func unjudged(err error, said engine.Scanned, want Expect) error {
	f := fault.New(fault.Unjudged, "scanning %s for %s: %v", want.Image, want.Platform, err).WithCause(err).
		WithFix("look at what the scanner printed, and try again").WithDetail(said.Lines...)
	if d, ok := errors.AsType[*doubt](err); ok {
		f = f.WithFix("%s", d.fix)
	}
	return f
}

func parseReport(said engine.Scanned) (*report, error) {
	if said.Code != 0 {
		return nil, fmt.Errorf("the scanner ended with the code %d", said.Code)
	}
	if len(bytes.TrimSpace(said.Report)) == 0 {
		return nil, errors.New("the scanner left no report")
	}
	var r report
	if err := json.Unmarshal(said.Report, &r); err != nil {
		return nil, errors.New("the scanner's report is malformed or ends too early")
	}
	if r.SchemaVersion != reportSchema {
		return nil, fmt.Errorf("the scanner's report has the schema %d in place of %d", r.SchemaVersion, reportSchema)
	}
	return &r, nil
}

// check tells whether the scanner saw what it was to see, and told all of it.
func (r *report) check(want Expect) error {
	config := r.Metadata.ImageConfig
	if seen := config.OS + "/" + config.Architecture; r.ArtifactType != "container_image" || !under(want.Platform, seen) {
		return fmt.Errorf("the scanner looked at %s for %s", clean(r.ArtifactType, maxName), clean(seen, maxName))
	}
	count := 0
	for _, s := range r.Results {
		if len(s.Suppressed) > 0 {
			return &doubt{
				fmt.Sprintf("the scanner left out %d findings", len(s.Suppressed)),
				"accept findings in the configuration of Slipway: the scanner's own ways to ignore them are not used",
			}
		}
		count += len(s.Vulnerabilities) + len(s.Secrets)
	}
	if count > maxFindings {
		return fmt.Errorf("the scanner's report has %d findings, and %d are read", count, maxFindings)
	}
	for _, program := range want.Programs {
		if err := r.saw(program, want); err != nil {
			return err
		}
	}
	return nil
}

// under tells whether a platform is the one without its variant: an image's
// configuration may have the variant elsewhere.
func under(platform, plain string) bool {
	return platform == plain || strings.HasPrefix(platform, plain+"/")
}

// saw tells whether the scanner read a program as what it is.
func (r *report) saw(program string, want Expect) error {
	const whole = "build it with Slipway and leave it as it is: a program that is packed, has no build information or " +
		"is not executable is passed over"
	i := slices.IndexFunc(r.Results, func(s result) bool {
		return s.Class == "lang-pkgs" && s.Type == "gobinary" && inImage(s.Target) == inImage(program)
	})
	if i < 0 {
		return &doubt{fmt.Sprintf("the scanner saw no Go binary in %s", inImage(program)), whole}
	}
	var main, release string
	for _, p := range r.Results[i].Packages {
		switch {
		case p.Relationship == "root":
			main = p.Name
		case p.Name == StandardLibrary:
			release = "go" + strings.TrimPrefix(p.Version, "v")
		}
	}
	switch {
	case main != want.MainModule:
		return &doubt{fmt.Sprintf("the scanner saw no Go binary of %s in %s, but one of %q", want.MainModule, inImage(program), clean(main, maxName)), whole}
	case release != want.Release:
		return &doubt{fmt.Sprintf("the scanner saw no Go binary of %s in %s, but one of %q", want.Release, inImage(program), clean(release, maxName)), whole}
	}
	return nil
}

// inImage is a path in an image as people write it.
func inImage(name string) string { return "/" + strings.TrimPrefix(name, "/") }
