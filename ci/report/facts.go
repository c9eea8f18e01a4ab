package report

import (
	"cmp"
	"fmt"
	"time"

	"example.com/slipway/ci/receipt"
)

// fact is one thing that is known of a run.
type fact struct{ Name, Value string }

// facts say what made the images and what looked at them.
func facts(r *receipt.Receipt) []fact {
	var list []fact
	add := func(name, value string) {
		if value = clean(value); value != "" {
			list = append(list, fact{name, value})
		}
	}
	if len(r.Images) > 0 {
		p := r.Images[0].Plan
		add("Module", p.Module)
		add("Version", p.Version)
		commit := p.Commit
		if p.Dirty {
			commit = cmp.Or(commit, "no commit") + ", with changes"
		}
		add("Commit", commit)
		add("Go", p.Toolchain)
		add("Base", p.Base.String())
	}
	add("Engine", r.Run.Engine)
	for _, how := range r.Run.Smoke {
		add("Smoke run", how)
	}
	if s := r.Scanner; s != nil {
		add("Scanner", s.Name+" "+s.Version)
		add("Database", s.Database+date(", of ", s.Updated))
		add("Reachability", s.Reach)
	}
	add("Slipway", r.Slipway)
	add("Started", date("", r.Run.Started))
	if took := r.Run.Ended.Sub(r.Run.Started); took > 0 && !r.Run.Started.IsZero() {
		add("Took", milliseconds(took.Milliseconds()))
	}
	return list
}

// date is empty for a time that nobody told.
func date(before string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s%s", before, t.UTC().Format("2006-01-02 15:04 UTC"))
}
