package inspect

import (
	"slices"

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
}

// Change is a size before and now.
type Change struct {
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
		}
		all = append(all, g)
	}
	return all
}

// sizes are the compressed size of an image and the size of the program that starts.
func (img *Image) sizes() (total, binary int64) {
	if p := img.entry(); p != nil {
		binary = p.Size
	}
	return img.Compressed, binary
}
