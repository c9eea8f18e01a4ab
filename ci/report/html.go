package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

//go:embed page
var pageFiles embed.FS

// page is what the template shows. All text in it is clean, and the template escapes it.
type page struct {
	CSP                     string
	Style                   template.CSS
	Script                  template.JS
	Title, Verdict, Summary string
	// Verb is what was run: check or publish.
	Verb                     string
	Ending                   *ending
	Replaying, Replay        string
	Published                *publishedView
	Subjects                 []subject
	Facts                    []fact
	Gates                    []gateRow
	Findings                 []findingRow
	Failing, MoreFindings    int
	Severities, Statuses     []string
	Tests                    *testsView
	Images                   []imageView
	Steps                    []stepRow
	Axis                     []string
	Decided                  string
	Source                   sourceView
	Plan, Policy             []planRow
	Exceptions               []exceptionRow
	Notes                    []string
	Raw                      string
	RawCut                   bool
	Program, Written, Schema string
}

// subject is an image in the page's head.
type subject struct{ Name, Digest, Sizes string }

type gateRow struct {
	Name, Outcome, Summary, Fix string
	Detail                      []string
	More                        int
}

// maxRaw bounds the receipt inside the page, in bytes.
const maxRaw = 2 << 20

// maxTitle bounds the images that the title names.
const maxTitle = 3

// writeHTML writes one page that needs nothing else: no request leaves it, and what it
// runs and how it looks is named by its hash, so that nothing in a receipt can add to it.
func writeHTML(w io.Writer, r *receipt.Receipt) error {
	p, err := newPage(r)
	if err != nil {
		return err
	}
	t, err := template.ParseFS(pageFiles, "page/*.tmpl")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "page.tmpl", p); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

func newPage(r *receipt.Receipt) (*page, error) {
	published := newPublished(r)
	style, err := pageStyle(published != nil)
	if err != nil {
		return nil, err
	}
	script, err := pageFiles.ReadFile("page/script.js")
	if err != nil {
		return nil, err
	}
	var raw strings.Builder
	if err := encode(&raw, r); err != nil {
		return nil, err
	}
	p := &page{
		CSP: fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", hash(style), hash(script)),
		// Both are files of this package: nothing from outside is taken for style or script.
		Style: template.CSS(style), Script: template.JS(script),
		Verdict: clean(string(r.Verdict)), Summary: summary(r), Verb: "check", Ending: endingOf(r, maxOutput), Replaying: replaying, Replay: replay(r), Source: newSource(r), Published: published, Facts: facts(r), Gates: gateRows(r), Notes: cleaned(r.Notes),
		Findings: findingRows(r), Failing: len(sorted(r, finding.Fails)), MoreFindings: len(r.Findings) - maxFindings,
		Tests: newTests(r.Tests), Images: imageViews(r), Plan: planRows(r), Policy: policyRows(r.Policy), Exceptions: exceptionRows(r.Policy),
		Raw: raw.String(), Program: clean(r.Slipway), Written: date("", r.Run.Ended), Schema: clean(r.Schema),
	}
	if p.RawCut = len(p.Raw) > maxRaw; p.RawCut {
		p.Raw = strings.ToValidUTF8(p.Raw[:maxRaw], "")
	}
	var names []string
	for _, img := range r.Images {
		names = append(names, clean(img.Name))
		if img.Digest != "" {
			p.Subjects = append(p.Subjects, subject{clean(img.Name), clean(img.Digest), sizes(img)})
		}
	}
	if more := len(names) - maxTitle; more > 1 {
		names = append(names[:maxTitle], fmt.Sprintf("and %d more", more))
	}
	p.Title = cmp.Or(strings.Join(names, ", "), "Slipway")
	if published != nil || r.Run.Request.Verb == "publish" {
		p.Verb = "publish"
	}
	p.Severities, p.Statuses = choices(p.Findings)
	p.Steps, p.Axis, p.Decided = timeline(r)
	return p, nil
}

func gateRows(r *receipt.Receipt) []gateRow {
	var rows []gateRow
	for _, g := range r.Gates {
		row := gateRow{Name: clean(g.Name), Outcome: clean(string(g.Outcome)), Summary: clean(g.Summary)}
		if g.Outcome != finding.Passed && g.Outcome != finding.Skipped {
			row.Fix = clean(g.Fix)
			row.Detail, row.More = first(g.Detail, maxOutput)
		}
		rows = append(rows, row)
	}
	return rows
}

// pageStyle is how a page looks. What only publications need is left out where there
// are none.
func pageStyle(published bool) ([]byte, error) {
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil || !published {
		return style, err
	}
	more, err := pageFiles.ReadFile("page/published.css")
	return append(style, more...), err
}

// hash is the name of a text in a Content-Security-Policy.
func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
