package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

// The form that CI systems read as JUnit's: nobody owns a schema of it, and this is
// what all of them know.

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Name    string       `xml:"name,attr"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Seconds   string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Seconds string     `xml:"time,attr"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
	// Flaky is a failure that a rerun did not have, in the form of Maven's Surefire:
	// https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd
	Flaky *junitFlaky `xml:"flakyFailure"`
}

type junitFlaky struct {
	Message string     `xml:"message,attr"`
	Type    string     `xml:"type,attr"`
	Stack   junitStack `xml:"stackTrace"`
}

type junitStack struct {
	Text string `xml:",cdata"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"`
}

// writeJUnit writes a suite for each package of tests, one for go vet where it failed,
// one with a case for each gate, and one with a case for each repository. A run that came to
// no verdict of a gate has one for what ended it.
func writeJUnit(w io.Writer, r *receipt.Receipt) error {
	all := junitSuites{Name: "slipway"}
	if r.Tests != nil {
		if len(r.Tests.Vet) > 0 {
			all.add(r, junitSuite{Name: "go vet", Cases: []junitCase{{Class: "go vet", Name: "go vet", Failure: said("go vet fails", "vet", r.Tests.Vet)}}}, 0)
		}
		for _, p := range r.Tests.Packages {
			all.add(r, packageSuite(p), p.Seconds)
		}
	}
	if e := endingOf(r, maxOutput); e != nil && !judgedSo(r) {
		all.add(r, junitSuite{Name: "run", Cases: []junitCase{{Class: "run", Name: cmp.Or(e.Step, "run"), Error: said(e.What, r.Failure.Kind, fixed(r.Failure.Detail, e.Fix))}}}, 0)
	}
	gates := junitSuite{Name: "gates"}
	for _, g := range r.Gates {
		gates.Cases = append(gates.Cases, gateCase(r, g))
	}
	if len(gates.Cases) > 0 {
		all.add(r, gates, 0)
	}
	if len(r.Run.Publications) > 0 {
		all.add(r, publishSuite(r), 0)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// add counts what is in a suite.
func (all *junitSuites) add(r *receipt.Receipt, s junitSuite, took float64) {
	s.Tests, s.Seconds = len(s.Cases), seconds(took)
	if !r.Run.Started.IsZero() {
		s.Timestamp = r.Run.Started.UTC().Format(time.RFC3339)
	}
	for i, c := range s.Cases {
		s.Cases[i].Seconds = cmp.Or(c.Seconds, seconds(0))
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	all.Suites = append(all.Suites, s)
}

func packageSuite(p finding.TestPackage) junitSuite {
	name := clean(p.Name)
	s := junitSuite{Name: name}
	for _, t := range p.Tests {
		c := junitCase{Class: name, Name: clean(t.Name), Seconds: seconds(t.Seconds)}
		switch t.Outcome {
		case "fail":
			c.Failure = said("the test fails", "test", t.Output)
		case "pass":
		case "flaky":
			again := said("the test failed, and passed when it was run again", "test", t.Output)
			c.Flaky = &junitFlaky{again.Message, again.Type, junitStack{again.Text}}
		default:
			c.Skipped = said(skipReason(t.Output), "", nil)
		}
		s.Cases = append(s.Cases, c)
	}
	failed := false
	for _, c := range s.Cases {
		failed = failed || c.Failure != nil
	}
	if p.Outcome == "fail" && !failed {
		s.Cases = append(s.Cases, junitCase{Class: name, Name: "(package)", Error: said("the package fails outside its tests", "package", p.Output)})
	}
	return s
}

// skipReason is what a test said when it was skipped.
func skipReason(output []string) string {
	for i := len(output) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(clean(output[i])); line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "===") {
			return line
		}
	}
	return "skipped"
}

func gateCase(r *receipt.Receipt, g finding.Gate) junitCase {
	c := junitCase{Class: "gates", Name: clean(g.Name)}
	lines := append([]string{}, g.Detail...)
	for _, f := range sorted(r, finding.Fails) {
		if f.Gate == g.Name {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s in %s: %s", f.Severity, f.ID, where(f), message(r, f))))
		}
	}
	lines = fixed(lines, g.Fix)
	switch g.Outcome {
	case finding.Passed:
	case finding.Skipped:
		c.Skipped = said(g.Summary, "", nil)
	case finding.Unjudged:
		c.Error = said(g.Summary, string(g.Outcome), lines)
	default:
		c.Failure = said(g.Summary, string(g.Outcome), lines)
	}
	return c
}

func publishSuite(r *receipt.Receipt) junitSuite {
	s := junitSuite{Name: "publish"}
	for _, p := range r.Run.Publications {
		c := junitCase{Class: "publish", Name: clean(p.Repository)}
		switch p.State {
		case receipt.Planned:
			c.Skipped = said(dryRun, "", nil)
		case receipt.Incomplete:
			var lines []string
			for _, f := range published(r, p) {
				lines = append(lines, f.Name+": "+f.Value)
			}
			c.Failure = said(unfinished(p), string(p.State), append(fixed(lines, p.Fix), again))
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

// fixed are lines of a tool and what to do.
func fixed(lines []string, fix string) []string {
	if fix == "" {
		return lines
	}
	return append(slices.Clone(lines), "fix: "+fix)
}

// maxOutput bounds the lines of one test or gate.
const maxOutput = 2000

// said is text that XML can hold: without control characters, which it has no way to
// write.
func said(message, kind string, output []string) *junitText {
	lines, more := first(output, maxOutput)
	if more > 0 {
		lines = append(lines, "and "+plain.Count(more, "more line"))
	}
	return &junitText{Message: clean(message), Type: clean(kind), Text: strings.Join(lines, "\n")}
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
