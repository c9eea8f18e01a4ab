package gocmd

import (
	"go/token"
	"slices"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/step"
)

// maxRun bounds a pattern of -run in bytes: systems bound arguments, and the names in
// it come from the source.
const maxRun = 8 << 10

// testRun runs go test, each time with the same settings and flags.
type testRun struct {
	g          *Go
	by         Runner
	s          step.Step
	env, flags []string
}

// start runs go test with more arguments and returns what it reported.
func (r testRun) start(event func(finding.TestPackage), more ...string) (*Results, Output, error) {
	args := slices.Concat(r.flags, more)
	r.s.Log("go " + strings.Join(args, " "))
	results := &Results{Shorten: r.g.shorten, Log: r.s.Log, Event: event}
	out, err := r.by.Run(r.env, args, results)
	if err == nil {
		r.s.Ran(ranTests(r.env, args, out))
	}
	for _, line := range r.g.shortened(out.Stderr) {
		r.s.Log(line)
	}
	return results, out, err
}

// reruns runs the tests that failed again. What then passes is flaky, also where it only
// needs to be alone, or not to come after a certain test: nobody can tell these apart
// from outside.
type reruns struct {
	testRun
	packages []finding.TestPackage
	// unbuilt and cut are what Results says of the packages.
	unbuilt, cut map[string]bool
	// room is what may still be added to the results, in bytes.
	room int
}

// rerun runs what failed again up to times times. It changes the packages of found, and
// tells whether none of them fails any more.
func (r testRun) rerun(times int, found *finding.Tests, first *Results, ended error) (mended bool, err error) {
	// Any other end is not that of tests: there may be packages that never began.
	if ended == nil || ended.Error() != testsFailed || first.lost {
		return false, nil
	}
	all := &reruns{testRun: r, packages: found.Packages, unbuilt: first.unbuilt, cut: first.cut, room: maxKept}
	for range times {
		ran, err := all.round()
		if err != nil {
			return false, err
		}
		if !ran {
			break
		}
		found.Reruns++
	}
	return found.Reruns > 0 && !slices.ContainsFunc(found.Packages, func(p finding.TestPackage) bool { return p.Outcome == "fail" }), nil
}

// testsFailed is how go test ends where tests fail, in the words of both engines.
const testsFailed = "exit status 1"

// round runs what still fails once more, and tells whether there was anything. What
// failed outside tests is none: it does not build, or has a TestMain that fails.
func (r *reruns) round() (ran bool, err error) {
	for i := range r.packages {
		p := &r.packages[i]
		failed := p.Failed()
		if p.Outcome != "fail" || len(failed) == 0 || r.unbuilt[p.Name] || strings.HasPrefix(p.Name, "-") {
			continue
		}
		for _, which := range r.which(p.Name, failed) {
			ran = true
			if err := r.again(p, which); err != nil {
				return ran, err
			}
		}
	}
	return ran, nil
}

// which are the values of -run for what failed in a package. One that a panic, an exit
// or the timeout ended runs as a whole, and takes as long: the tests behind it never ran,
// and a package does not pass without them.
func (r *reruns) which(pkg string, failed []finding.Test) []string {
	if r.cut[pkg] {
		return []string{""}
	}
	var names []string
	seen := map[string]bool{}
	for _, test := range failed {
		name, _, _ := strings.Cut(test.Name, "/")
		// The name of a function has nothing in it that a pattern reads as anything else.
		if token.IsIdentifier(name) && len(name) <= maxRun && !seen[name] {
			names = append(names, name)
		}
		seen[name] = true
	}
	return patterns(names)
}

// patterns match names, and nothing else, in as few patterns as their bound allows.
func patterns(names []string) []string {
	var list []string
	for len(names) > 0 {
		n := 0
		for size := 0; n < len(names) && size+len(names[n]) <= maxRun; n++ {
			size += len(names[n]) + 1
		}
		list = append(list, "^("+strings.Join(names[:n], "|")+")$")
		names = names[n:]
	}
	return list
}

// again runs tests of one package and takes in what becomes of them. A run that does
// not end, fails outside its tests or says too much says nothing of them.
func (r *reruns) again(p *finding.TestPackage, which string) error {
	// Not from the go command's cache: it may know that the test passed at another time.
	more := []string{"-count=1"}
	if which != "" {
		more = append(more, "-run="+which)
	}
	results, out, err := r.start(nil, append(more, p.Name)...)
	if err != nil {
		return err
	}
	packages := results.End()
	at := slices.IndexFunc(packages, func(other finding.TestPackage) bool { return other.Name == p.Name })
	if at < 0 || out.Err != nil && out.Err.Error() != testsFailed {
		return nil
	}
	now := packages[at]
	if now.Outcome == "fail" && len(now.Failed()) == 0 || !r.merge(p, now) {
		return nil
	}
	if which == "" {
		r.cut[p.Name] = results.cut[p.Name]
	}
	if !r.cut[p.Name] && len(p.Failed()) == 0 {
		p.Outcome = "pass"
	}
	return nil
}

// merge takes the results of a rerun into a package's: the last one counts, and what
// failed before and passes is flaky, with the lines of its failure. ok is false where
// there is no room for what is new.
func (r *reruns) merge(p *finding.TestPackage, now finding.TestPackage) (ok bool) {
	at := map[string]int{}
	for i, test := range p.Tests {
		at[test.Name] = i
	}
	size := 0
	for _, test := range now.Tests {
		if i, known := at[test.Name]; !known || test.Outcome == "fail" && p.Tests[i].Outcome != "fail" {
			size += len(test.Name) + len(strings.Join(test.Output, "\n"))
		}
	}
	if size > r.room {
		return false
	}
	r.room -= size
	for _, test := range now.Tests {
		i, known := at[test.Name]
		if !known {
			p.Tests = append(p.Tests, test)
			continue
		}
		switch was := &p.Tests[i]; {
		case test.Outcome == "fail" && was.Outcome == "flaky":
			was.Outcome = "fail"
		case test.Outcome == "fail" && was.Outcome != "fail":
			*was = test
		case test.Outcome == "pass" && was.Outcome == "fail":
			was.Outcome = "flaky"
		}
	}
	blame(p)
	return true
}

// blame lets a test fail as long as a subtest does. One whose name is another each time
// was never seen to pass.
func blame(p *finding.TestPackage) {
	failing := map[string]bool{}
	for _, test := range p.Failed() {
		for i, c := range test.Name {
			if c == '/' {
				failing[test.Name[:i]] = true
			}
		}
	}
	for i := range p.Tests {
		if test := &p.Tests[i]; test.Outcome == "flaky" && failing[test.Name] {
			test.Outcome = "fail"
		}
	}
}
