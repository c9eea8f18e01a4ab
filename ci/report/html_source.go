package report

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"example.com/slipway/ci/receipt"
)

// sourceView is what went into a run, in the words that make it again.
type sourceView struct {
	Facts []fact
	// Dirty are files that differ from the commit.
	Dirty     []string
	MoreDirty int
	// Request is the command line, and Replay the command that repeats the run.
	Request string
}

// maxDirty bounds the files that are named.
const maxDirty = 200

func newSource(r *receipt.Receipt) sourceView {
	v := sourceView{Request: request(r.Run.Request)}
	add := func(name, value string) {
		if value = clean(value); value != "" {
			v.Facts = append(v.Facts, fact{name, value})
		}
	}
	if s := r.Source; s != nil {
		add("Commit", s.Commit)
		add("Repository", s.Remote)
		add("Folder", s.Folder)
		add("Module files", s.Modules)
		v.Dirty, v.MoreDirty = cleaned(s.Dirty[:min(len(s.Dirty), maxDirty)]), len(s.Dirty)-maxDirty
	}
	if t := r.Run.Toolchain; t != nil {
		add("Toolchain", strings.TrimSpace(t.Release+headed(" from ", t.From)))
		add("Toolchain sum", t.Sum)
	}
	if s := r.Scanner; s != nil {
		add("Vulnerability database", s.Digest)
	}
	for _, img := range r.Images {
		for _, platform := range slices.Sorted(maps.Keys(img.PlanHash)) {
			name := "Plan of " + platform
			if len(r.Images) > 1 {
				name = "Plan of " + img.Name + " " + platform
			}
			add(clean(name), img.PlanHash[platform])
		}
	}
	return v
}

// request is what was asked for as a command line, or empty where a receipt does not say.
func request(q receipt.Request) string {
	if q.Verb == "" {
		return ""
	}
	args := []string{"slipway", q.Verb}
	for _, gate := range q.Gates {
		args = append(args, "--gate="+gate)
	}
	if q.Twice {
		args = append(args, "--twice")
	}
	if q.Rerun > 0 {
		args = append(args, "--rerun-failed="+strconv.Itoa(q.Rerun))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Settings)) {
		for _, value := range q.Settings[name] {
			args = append(args, "--"+name+"="+value)
		}
	}
	return words(args)
}
