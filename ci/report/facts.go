package report

import (
	"cmp"
	"fmt"
	"strings"
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
	}
	add("Commit", commit(r))
	add("Go", release(r))
	if len(r.Images) > 0 {
		add("Base", r.Images[0].Plan.Base.String())
	}
	add("Engine", strings.TrimSpace(r.Run.Engine+" "+r.Run.EngineVersion)+headed(" on ", r.Run.Host))
	for _, how := range r.Run.Smoke {
		add("Smoke run", how)
	}
	if s := r.Scanner; s != nil {
		add("Scanner", s.Name+" "+s.Version)
		add("Database", s.Database+date(", of ", s.Updated)+age(r, s.Updated))
		add("Reachability", s.Reach)
	}
	add("Slipway", r.Slipway)
	add("Started", date("", r.Run.Started))
	if took := r.Run.Ended.Sub(r.Run.Started); took > 0 && !r.Run.Started.IsZero() {
		add("Took", milliseconds(took.Milliseconds()))
	}
	if f := r.Failure; f != nil && f.Exit != 0 {
		add("Exit code", fmt.Sprint(f.Exit))
	}
	return list
}

// commit is the commit that was built, and whether the sources were still those.
func commit(r *receipt.Receipt) string {
	id, dirty := "", false
	if len(r.Images) > 0 {
		id, dirty = r.Images[0].Plan.Commit, r.Images[0].Plan.Dirty
	}
	if s := r.Source; s != nil {
		id, dirty = cmp.Or(id, s.Commit), dirty || len(s.Dirty) > 0
	}
	if dirty {
		return cmp.Or(id, "no commit") + ", with changes"
	}
	return id
}

// release is the Go release that built the images, or would have.
func release(r *receipt.Receipt) string {
	switch {
	case r.Run.Toolchain != nil:
		return r.Run.Toolchain.Release
	case len(r.Images) > 0:
		return r.Images[0].Plan.Toolchain
	}
	return ""
}

// date is empty for a time that nobody told.
func date(before string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s%s", before, t.UTC().Format("2006-01-02 15:04 UTC"))
}
