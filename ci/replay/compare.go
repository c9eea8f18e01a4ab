package replay

import (
	"fmt"
	"slices"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/receipt"
)

// Schema names the form of a result.
const Schema = "slipway.replay/1"

// again is what to do about what was not the source.
const again = "run it again there"

// Outcome is what a comparison says.
type Outcome string

// The outcomes.
const (
	Reproduced Outcome = "reproduced"
	// ButEngine and ButRegistry end well here what an engine or a registry ended there. No
	// other engine can repeat that; everything that the source decides has been repeated.
	ButEngine   Outcome = "reproduced but for the engine"
	ButRegistry Outcome = "reproduced but for the registry"
	Otherwise   Outcome = "not reproduced"
	// NotRun came to nothing that could be compared.
	NotRun Outcome = "not run"
)

// good tells whether everything that the source decides was reproduced.
func (o Outcome) good() bool { return o != Otherwise && o != NotRun }

// Result is a run beside the recorded one that it repeats.
type Result struct {
	Schema  string  `json:"schema"`
	Outcome Outcome `json:"outcome"`
	// Summary is a clause that goes with the outcome.
	Summary string `json:"summary"`
	Fix     string `json:"fix,omitempty"`
	Commit  string `json:"commit"`
	Folder  string `json:"folder"`
	// Command is what was repeated.
	Command string `json:"command"`
	There   Side   `json:"there"`
	Here    Side   `json:"here"`
	// Both fail in both runs, OnlyThere and OnlyHere in one of them. A token does not know
	// what failed there.
	Both      []string `json:"both"`
	OnlyThere []string `json:"onlyThere"`
	OnlyHere  []string `json:"onlyHere"`
	// Differences are the inputs in which the runs differ.
	Differences []Difference `json:"differences"`
	Notes       []string     `json:"notes"`

	// brief says that there is known from a token.
	brief bool
}

// Side is one of the two runs.
type Side struct {
	Engine  string `json:"engine,omitempty"`
	Version string `json:"engineVersion,omitempty"`
	Host    string `json:"host,omitempty"`
	// Failure is the kind of its failure, or empty.
	Failure string `json:"failure,omitempty"`
	// What is why it failed.
	What string `json:"what,omitempty"`
	// Digests are those of its images. A token has their beginning.
	Digests []string `json:"digests,omitempty"`
}

// Compare holds a run against a recorded one.
func Compare(then *Record, now *receipt.Receipt) *Result {
	here := fingerprint(now)
	r := &Result{
		Schema: Schema, Commit: then.Commit, Folder: then.Folder, Command: then.Command(),
		There: then.side(), Here: sideOf(now), brief: then.Receipt == nil,
		Both: []string{}, OnlyThere: []string{}, OnlyHere: []string{}, Notes: []string{},
		Differences: append([]Difference{}, then.differences(now)...),
	}
	r.list(then, now)
	switch there := then.Print; {
	case alike(there, here):
		r.same(then, now)
	case stopped(here.Kind):
		r.notRun(now, here, there)
	case there.Kind == kindRegistry && here.Kind == "":
		r.registry(then, here)
	case interruption(there.Kind) || there.Kind == kindEngine:
		r.broke(then, now)
	default:
		r.say(Otherwise, "there %s, here %s", then.said(), said(now))
	}
	return r
}

func (r *Result) say(o Outcome, format string, args ...any) {
	r.Outcome, r.Summary = o, fmt.Sprintf(format, args...)
}

// alike tells whether two runs ended in the same way.
func alike(there, here Fingerprint) bool {
	switch {
	case there.Kind != here.Kind:
		return false
	case there.Kind == "":
		return here.made() && slices.Equal(there.Digests, here.Digests)
	case there.Kind == kindEngine && there.Release != "" && here.Release == "":
		// There it broke down, here there is none.
		return false
	}
	return there.Count == here.Count && there.Identity == here.Identity
}

// stopped tells whether a run of that kind came to no verdict of the source.
func stopped(kind string) bool {
	return interruption(kind) || slices.Contains([]string{kindUsage, kindUnjudged, kindRegistry, kindEngine, kindTheBug}, kind)
}

func interruption(kind string) bool { return kind == interrupted || kind == terminated }

// list tells what fails in both runs and what in one.
func (r *Result) list(then *Record, now *receipt.Receipt) {
	here := failing(now)
	if then.Receipt == nil {
		if alike(then.Print, fingerprint(now)) {
			r.Both = append(r.Both, names(here)...)
		} else {
			r.OnlyHere = append(r.OnlyHere, names(here)...)
		}
		return
	}
	there := failing(then.Receipt)
	for _, i := range there {
		if slices.Contains(here, i) {
			r.Both = append(r.Both, i.name)
		} else {
			r.OnlyThere = append(r.OnlyThere, i.name)
		}
	}
	for _, i := range here {
		if !slices.Contains(there, i) {
			r.OnlyHere = append(r.OnlyHere, i.name)
		}
	}
}

func names(items []item) []string {
	var list []string
	for _, i := range items {
		list = append(list, i.name)
	}
	return list
}

// same says what both runs ended with.
func (r *Result) same(then *Record, now *receipt.Receipt) {
	switch kind := then.Print.Kind; {
	case kind == "":
		r.say(Reproduced, "%s", sameDigest(r.Here.Digests))
	case kind == kindEngine:
		r.say(Reproduced, "the engine breaks down here too: %s", now.Failure.What)
	case interruption(kind):
		r.say(Reproduced, "it was interrupted here too")
	default:
		r.say(Reproduced, "%s", sameFailure(now))
	}
}

// notRun says why there is nothing to compare.
func (r *Result) notRun(now *receipt.Receipt, here, there Fingerprint) {
	r.say(NotRun, "%s", now.Failure.What)
	r.Fix = now.Failure.Fix
	if here.made() && slices.Equal(here.Digests, there.Digests) {
		r.Notes = append(r.Notes, "the images have the same digests as there")
	}
}

// registry compares what a registry did not take.
func (r *Result) registry(then *Record, here Fingerprint) {
	switch there := then.Print; {
	case !there.made():
		r.blame(ButRegistry, "it ended the run there before anything was built")
	case slices.Equal(there.Digests, here.Digests):
		r.say(Reproduced, "%s, which a registry did not take there%s", sameDigest(r.Here.Digests), r.because())
	default:
		r.say(Otherwise, "%s there, %s here", digests(r.There.Digests), digests(r.Here.Digests))
	}
	r.Notes = append(r.Notes, "reproduce never writes to a registry: slipway publish --dry-run asks it")
}

// broke says what the source comes to where the run there came to no verdict of it.
func (r *Result) broke(then *Record, now *receipt.Receipt) {
	there := "the run was interrupted there"
	if then.Print.Kind == kindEngine {
		there = "the " + engineName(then.Print.Engine) + " broke down there" + r.because()
	}
	switch {
	case now.Failure != nil:
		r.say(Otherwise, "%s; here the same source comes to a verdict on the %s: %s", there, engineName(now.Run.Engine), said(now))
	case then.Print.Kind == kindEngine:
		r.blame(ButEngine, "it broke down there")
	default:
		r.say(Otherwise, "%s; here the same source gives %s on the %s", there, digests(r.Here.Digests), engineName(now.Run.Engine))
	}
}

// blame says that it was not the source.
func (r *Result) blame(o Outcome, there string) {
	r.say(o, "%s%s; here the same source gives %s on the %s, so it was not the source", there, r.because(), digests(r.Here.Digests), engineName(r.Here.Engine))
	r.Fix = again
}

// because is why the run there ended, which a token does not know.
func (r *Result) because() string {
	if r.brief {
		return ""
	}
	return ": " + r.There.What
}

// Err is nil for what was reproduced, and an error of kind Gate for what was not. What
// did not run has an error of its own.
func (r *Result) Err() error {
	if r.Outcome != Otherwise {
		return nil
	}
	fix := "look at what differs first"
	switch kind := r.There.Failure; {
	case interruption(kind) || kind == kindEngine || kind == kindRegistry:
		fix = again
	case len(r.Differences) == 0:
		fix = "no input differs that is recorded: look at what the tests or the build take from the machine, the network or the time"
	}
	return fault.New(fault.Gate, "not reproduced: %s", r.Summary).WithFix("%s", fix)
}
