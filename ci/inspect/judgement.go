package inspect

import (
	"cmp"
	"slices"
	"strings"

	"example.com/slipway/ci/plan"
)

// Judgement is a report with what it means. It is what slipway inspect --json prints.
type Judgement struct {
	*Report
	// Budget is what each image may have in bytes, compressed; below zero anything.
	Budget   int64     `json:"budget"`
	Against  string    `json:"against,omitempty"`
	Growth   []Growth  `json:"growth,omitempty"`
	Findings []Finding `json:"findings"`
}

// NewJudgement judges a report. before is what growth is counted from, or nil.
func NewJudgement(r, before *Report, p Policy) *Judgement {
	j := &Judgement{Report: r, Budget: p.budget(), Findings: Judge(r, p)}
	if before != nil {
		j.Against, j.Growth = before.Image, Compare(r, before)
	}
	return j
}

// Growth is what one platform's image has now and had before, in bytes. Before is 0
// for a platform that was not there.
type Growth struct {
	Platform plan.Platform `json:"platform"`
	Total    Change        `json:"total"`
	// Binary is the program that starts.
	Binary Change `json:"binary"`
	// Modules and Packages are those whose machine code in it grew or shrank, the
	// largest change first.
	Modules  []Part `json:"modules,omitempty"`
	Packages []Part `json:"packages,omitempty"`
}

// Part is a module or package of a program, whose size may be 0 before or now.
type Part struct {
	// Name is its path.
	Name string `json:"name"`
	Change
}

// Change is a size before and now.
type Change struct {
	// Before and Now are bytes.
	Before int64 `json:"before"`
	Now    int64 `json:"now"`
}

// By is how much it grew.
func (c Change) By() int64 { return c.Now - c.Before }

// Compare counts growth by platform, in the order of what is there now.
func Compare(now, before *Report) []Growth {
	var all []Growth
	for i := range now.Images {
		img := &now.Images[i]
		g := Growth{Platform: img.Platform}
		g.Total.Now, g.Binary.Now = img.sizes()
		at := slices.IndexFunc(before.Images, func(old Image) bool { return old.Platform == img.Platform })
		if at >= 0 {
			g.Total.Before, g.Binary.Before = before.Images[at].sizes()
			g.parts(img.entry(), before.Images[at].entry())
		}
		all = append(all, g)
	}
	return all
}

// maxParts bounds the modules and packages of one growth.
const maxParts = 200

// parts compares the code of two programs, if both are Go's.
func (g *Growth) parts(now, before *Program) {
	if now != nil && before != nil && now.Go != nil && before.Go != nil {
		g.Modules, g.Packages = changed(now.Go.Modules, before.Go.Modules), changed(now.Go.Packages, before.Go.Packages)
	}
}

func changed(now, before []Weight) []Part {
	sizes := map[string]Change{}
	for _, w := range now {
		sizes[w.Name] = Change{Now: w.Size}
	}
	for _, w := range before {
		c := sizes[w.Name]
		c.Before = w.Size
		sizes[w.Name] = c
	}
	var parts []Part
	for name, c := range sizes {
		if c.By() != 0 {
			parts = append(parts, Part{name, c})
		}
	}
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(max(b.By(), -b.By()), max(a.By(), -a.By())), strings.Compare(a.Name, b.Name))
	})
	return parts[:min(len(parts), maxParts)]
}

// sizes are the compressed size of an image and the size of the program that starts.
func (img *Image) sizes() (total, binary int64) {
	if p := img.entry(); p != nil {
		binary = p.Size
	}
	return img.Compressed, binary
}
