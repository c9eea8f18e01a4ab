package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

const (
	// maxSteps bounds the steps that are looked at, maxSlowest those that are called slow.
	maxSteps, maxSlowest = 500, 5
)

// span is a step and the times between which it ran, in milliseconds of the run.
type span struct {
	receipt.Step
	From, To int64
	// Decided says that the run would have been shorter, had this step been.
	Decided bool
	// Alike are the steps that this one stands for, where it is not one itself.
	Alike []receipt.Step
}

// took is how long a step took, in milliseconds.
func (s span) took() int64 { return s.To - s.From }

// spans lays the steps out, and tells when the last of them or the run ended. A step that
// had not ended went on until then.
func spans(r *receipt.Receipt) (list []span, end int64) {
	end = 1
	if !r.Run.Started.IsZero() {
		end = max(end, bounded(r.Run.Ended.Sub(r.Run.Started).Milliseconds()))
	}
	list = alike(r.Run.Steps)
	list = list[:min(len(list), maxSteps)]
	for _, s := range list {
		end = max(end, s.To)
	}
	for i := range list {
		if list[i].Outcome == "" {
			list[i].To = end
		}
	}
	decide(list, last(r, list))
	return list, end
}

// bounded is a time between nothing and a month, in milliseconds.
func bounded(ms int64) int64 { return min(max(ms, 0), (31 * 24 * time.Hour).Milliseconds()) }

// last is the step that ended the run: the one that failed, or else the one that ended
// last. It is -1 where there is none.
func last(r *receipt.Receipt, list []span) int {
	at := -1
	for i, s := range list {
		if r.Failure != nil && s.Outcome == "failed" && s.Name == r.Failure.Step && !judgedSo(r) {
			return i
		}
		if at < 0 || s.To > list[at].To {
			at = i
		}
	}
	return at
}

// decide marks the critical path: the chain of steps that decided how long the run took,
// from the one that ended it back to one that waited for none.
//
// A receipt does not say what a step waited for, but every step starts as soon as it can:
// it waited for the one that ended last before it started. Steps are in the order of their
// start, so only an earlier one was waited for, which also ends the search.
func decide(list []span, at int) {
	for at >= 0 {
		list[at].Decided = true
		before := -1
		for i, s := range list[:at] {
			if s.To <= list[at].From && (before < 0 || s.To >= list[before].To) {
				before = i
			}
		}
		at = before
	}
}

// slow is a step with its duration and its share of the run.
type slow struct{ Name, Took, Share, Outcome string }

// slowest are the steps that took longest, and a hundredth of the run or more.
func slowest(r *receipt.Receipt) []slow {
	list, end := spans(r)
	slices.SortStableFunc(list, func(a, b span) int { return cmp.Compare(b.took(), a.took()) })
	var rows []slow
	for _, s := range list[:min(len(list), maxSlowest)] {
		if 100*s.took() >= end {
			rows = append(rows, slow{clean(s.Name), milliseconds(s.took()), percent(s.took(), end), ended(s.Outcome)})
		}
	}
	return rows
}

// ended is the outcome of a step in a word.
func ended(outcome string) string { return cmp.Or(clean(outcome), "open") }

// reused are the names of the steps that were cached.
func reused(r *receipt.Receipt) []string {
	var names []string
	list := alike(r.Run.Steps)
	for _, s := range list[:min(len(list), maxSteps)] {
		if s.Outcome == "cached" {
			names = append(names, clean(s.Name))
		}
	}
	return names
}

// since is what the growth of an image is counted from.
func since(img receipt.Image) string {
	name, digest, pinned := strings.Cut(clean(img.Since), "@")
	switch {
	case pinned:
		return name + "@" + short(digest)
	case name != "":
		return name
	}
	return "the last build here"
}

// age is how old something was when a run began: 9 hours old, 3 days old.
func age(r *receipt.Receipt, made time.Time) string {
	hours := int(r.Run.Started.Sub(made).Hours())
	switch {
	case made.IsZero() || r.Run.Started.IsZero() || hours < 0:
		return ""
	case hours < 48:
		return fmt.Sprintf(" (%s old)", plain.Count(hours, "hour"))
	}
	return fmt.Sprintf(" (%s old)", plain.Count(hours/24, "day"))
}
