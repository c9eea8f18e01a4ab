package gocmd

import (
	"bytes"
	"encoding/json"
	"strings"

	"example.com/slipway/ci/finding"
)

// Bounds of what is kept of what tests print, which is theirs to choose.
const (
	// maxEvent bounds a line of JSON in bytes; the go command splits longer lines of tests.
	maxEvent = 64 << 10
	// maxNames bounds the names of tests and packages, maxKept the lines that are kept of
	// them, in bytes.
	maxNames = 8 << 20
	maxKept  = 8 << 20
	maxTests = 50_000
)

// testEvent is a line of go test -json: go doc test2json and go help buildjson.
type testEvent struct {
	Action, Package, Test, Output string
	Elapsed                       float64
	// ImportPath is what build output is about, FailedBuild the one that a package
	// failed for.
	ImportPath, FailedBuild string
}

// Results reads what go test -json prints, while it prints it. The zero Results is
// ready for use.
type Results struct {
	// Shorten shortens paths in lines, Log hears of each line as people read it, and
	// Event of each package whose tests ended. All may be nil.
	Shorten func(string) string
	Log     func(string)
	Event   func(finding.TestPackage)

	line    []byte
	tooLong bool
	running map[string]*testedPackage
	builds  map[string]*excerpt
	loose   excerpt
	done    []finding.TestPackage
	// unbuilt are packages that do not build. Of those that are cut, tests never ran, or
	// are not listed. lost says that there are packages that are not listed.
	unbuilt, cut map[string]bool
	lost         bool
	// What of maxNames, maxKept and maxTests is used.
	names, kept, tests int
}

type testedPackage struct {
	name     string
	out      excerpt
	order    []*testedTest
	byName   map[string]*testedTest
	unlisted int
	// ended says that the last line is the one after all tests.
	ended bool
}

type testedTest struct {
	finding.Test
	out excerpt
	// paused waits for its turn among parallel tests.
	paused bool
}

// Write takes the next part of the output. It never fails.
func (r *Results) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		part, rest, ended := bytes.Cut(p, []byte{'\n'})
		if r.tooLong = r.tooLong || len(r.line)+len(part) > maxEvent; !r.tooLong {
			r.line = append(r.line, part...)
		}
		if ended {
			r.take()
		}
		p = rest
	}
	return n, nil
}

// take reads the line that is complete. What is no event is kept as a loose line.
func (r *Results) take() {
	var e testEvent
	switch {
	case r.tooLong:
		r.print(&r.loose, string(r.line[:min(len(r.line), maxLine)])+"\n")
	case json.Unmarshal(r.line, &e) == nil && e.Action != "":
		r.hear(e)
	default:
		r.print(&r.loose, string(r.line)+"\n")
	}
	r.line, r.tooLong = r.line[:0], false
}

func (r *Results) hear(e testEvent) {
	switch e.Action {
	case "build-output":
		if r.builds == nil {
			r.builds = map[string]*excerpt{}
		}
		if r.builds[e.ImportPath] == nil && r.name(e.ImportPath) {
			r.builds[e.ImportPath] = &excerpt{}
		}
		if out := r.builds[e.ImportPath]; out != nil {
			r.print(out, e.Output)
		}
		return
	case "build-fail":
		return
	}
	p := r.pkg(e.Package)
	if p == nil {
		return
	}
	if p.ended = e.Test == "" && p.ended; e.Test == "" {
		r.hearPackage(p, e)
		return
	}
	t := p.byName[e.Test]
	switch {
	case t == nil && e.Action == "run":
		r.begin(p, e.Test)
	case t != nil:
		r.hearTest(t, e)
	case e.Action == "output":
		r.print(&p.out, e.Output)
	}
}

func (r *Results) hearPackage(p *testedPackage, e testEvent) {
	switch e.Action {
	case "output":
		if line := strings.TrimSpace(e.Output); line == "PASS" || line == "FAIL" || summarises(line, p.name) {
			p.ended = line == "FAIL" || p.ended && line != "PASS"
			r.flush(&p.out)
			r.say(line)
			return
		}
		p.ended = false
		r.print(&p.out, e.Output)
	case "pass", "fail", "skip":
		r.finish(p, e)
	}
}

func (r *Results) begin(p *testedPackage, name string) {
	if r.tests >= maxTests || !r.name(name) {
		p.unlisted++
		return
	}
	r.tests++
	t := &testedTest{Test: finding.Test{Name: name}}
	p.byName[name] = t
	p.order = append(p.order, t)
}

func (r *Results) hearTest(t *testedTest, e testEvent) {
	switch e.Action {
	case "pause":
		t.paused = true
	case "cont":
		t.paused = false
	case "output":
		if frames(e.Output, e.Test) {
			r.flush(&t.out)
			if line := strings.TrimSpace(e.Output); !strings.HasPrefix(line, "===") {
				r.say(line)
			}
			return
		}
		r.print(&t.out, e.Output)
	case "pass", "fail", "skip":
		t.Outcome, t.Seconds = e.Action, e.Elapsed
		if r.flush(&t.out); e.Action == "pass" {
			r.drop(&t.out)
		}
	}
}

func (r *Results) pkg(name string) *testedPackage {
	if p := r.running[name]; p != nil || name == "" {
		return p
	}
	if !r.name(name) {
		r.lost = true
		return nil
	}
	if r.running == nil {
		r.running = map[string]*testedPackage{}
	}
	p := &testedPackage{name: name, byName: map[string]*testedTest{}}
	r.running[name] = p
	return p
}

// name takes room for a name; ok is false if there is none.
func (r *Results) name(name string) (ok bool) {
	if r.names+len(name) > maxNames {
		return false
	}
	r.names += len(name)
	return true
}
