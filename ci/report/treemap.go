package report

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/step"
)

// rect is an area of a drawing, in its own units.
type rect struct{ X, Y, W, H float64 }

// inside is the rect without a margin, and without a strip at its top.
func (r rect) inside(margin, strip float64) rect {
	return rect{r.X + margin, r.Y + margin + strip, max(r.W-2*margin, 0), max(r.H-2*margin-strip, 0)}
}

// round leaves one digit: more is no pixel of any screen.
func (r rect) round() rect {
	one := func(v float64) float64 { return math.Round(v*10) / 10 }
	return rect{one(r.X), one(r.Y), one(r.W), one(r.H)}
}

// squarify divides a rect into areas in proportion to weights, which are sorted from
// the largest, each as close to a square as rows allow: M. Bruls, K. Huizing and J. van
// Wijk, Squarified Treemaps, 2000.
func squarify(weights []float64, in rect) []rect {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	if total <= 0 || in.W <= 0 || in.H <= 0 {
		return make([]rect, len(weights))
	}
	out := make([]rect, 0, len(weights))
	scale := in.W * in.H / total
	for len(weights) > 0 {
		side := min(in.W, in.H)
		n, area := 1, weights[0]*scale
		for n < len(weights) && worst(weights[0]*scale, weights[n]*scale, area+weights[n]*scale, side) <= worst(weights[0]*scale, weights[n-1]*scale, area, side) {
			area += weights[n] * scale
			n++
		}
		var placed []rect
		placed, in = layRow(weights[:n], scale, area, in)
		out = append(out, placed...)
		weights = weights[n:]
	}
	return out
}

// worst is the worst ratio of sides in a row of areas along a side.
func worst(largest, smallest, area, side float64) float64 {
	if smallest <= 0 || area <= 0 || side <= 0 {
		return math.Inf(1)
	}
	return max(side*side*largest/(area*area), area*area/(side*side*smallest))
}

// layRow puts a row along the shorter side, and returns what is left.
func layRow(weights []float64, scale, area float64, in rect) ([]rect, rect) {
	upright := in.W >= in.H
	side := min(in.W, in.H)
	depth := 0.0
	if side > 0 {
		depth = area / side
	}
	at := 0.0
	out := make([]rect, 0, len(weights))
	for _, w := range weights {
		length := 0.0
		if depth > 0 {
			length = w * scale / depth
		}
		if upright {
			out = append(out, rect{in.X, in.Y + at, depth, length})
		} else {
			out = append(out, rect{in.X + at, in.Y, length, depth})
		}
		at += length
	}
	if upright {
		return out, rect{in.X + depth, in.Y, max(in.W-depth, 0), in.H}
	}
	return out, rect{in.X, in.Y + depth, in.W, max(in.H-depth, 0)}
}

// treemap is a drawing of a program: an area for each module, and in it one for each
// package.
type treemap struct {
	// Class says for which windows it is.
	Class  string
	W, H   float64
	Groups []treeGroup
}

type treeGroup struct {
	rect
	Kind, Title string
	// Label is nil where there is no room for it.
	Label *treeLabel
	Cells []treeCell
}

type treeCell struct {
	rect
	Title string
	// Shade tells the families of packages apart, those with the same first element.
	Shade  int
	Labels []treeLabel
}

type treeLabel struct {
	X, Y float64
	Text string
	Soft bool
}

// What fits: the drawing's units are pixels at its natural size.
const (
	titleStrip = 17
	letter     = 6.6
	boldLetter = 7.6
	rowHeight  = 15
)

// draw lays a program out. Packages below least square pixels are drawn as one.
func draw(g *inspect.Go, class string, w, h, least float64) *treemap {
	mods := modulesOf(g)
	var weights []float64
	total := 0.0
	for _, m := range mods {
		weights = append(weights, float64(m.size))
		total += float64(m.size)
	}
	if total <= 0 {
		return nil
	}
	t := &treemap{Class: class, W: w, H: h}
	for i, area := range squarify(weights, rect{0, 0, w, h}) {
		m := mods[i]
		title := fmt.Sprintf("%s: %s, %s", m.title(), step.Size(m.size), percent(m.size, int64(total)))
		group := treeGroup{rect: area.inside(1, 0).round(), Kind: m.kind, Title: title}
		if area.W <= 2 || area.H <= 2 {
			continue
		}
		strip := 0.0
		if area.H > 3*titleStrip && area.W > 70 {
			strip, group.Label = titleStrip, &treeLabel{X: group.X + 5, Y: group.Y + 13, Text: m.label(area.W - 12)}
		}
		group.Cells = cells(m, area.inside(1, strip), least, total)
		t.Groups = append(t.Groups, group)
	}
	return t
}

func cells(m module, in rect, least, total float64) []treeCell {
	parts := slices.Clone(m.packages)
	if in.W <= 0 || in.H <= 0 || m.size <= 0 {
		return nil
	}
	// The tail is one area: dots of three pixels say nothing.
	limit := least * float64(m.size) / (in.W * in.H)
	keep := slices.IndexFunc(parts, func(p part) bool { return float64(p.size) < limit })
	if keep >= 0 && keep < len(parts)-1 {
		rest := part{name: fmt.Sprintf("%d smaller packages", len(parts)-keep)}
		for _, p := range parts[keep:] {
			rest.size += p.size
		}
		parts = append(parts[:keep], rest)
		slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.size, a.size) })
	}
	var weights []float64
	for _, p := range parts {
		weights = append(weights, float64(p.size))
	}
	var out []treeCell
	families := map[string]int{}
	for i, area := range squarify(weights, in) {
		c := treeCell{rect: area.inside(0.75, 0).round(), Title: fmt.Sprintf("%s: %s, %s", clean(parts[i].name), step.Size(parts[i].size), percent(parts[i].size, int64(total)))}
		family, _, _ := strings.Cut(below(parts[i].name, m.name), "/")
		if _, known := families[family]; !known {
			families[family] = len(families) % 3
		}
		c.Shade = families[family]
		if text := label(parts[i].name, m.name, c.W-8); text != "" && c.H > rowHeight {
			c.Labels = append(c.Labels, treeLabel{X: c.X + 4, Y: c.Y + 12, Text: text})
			if size := step.Size(parts[i].size); c.H > 2*rowHeight && float64(len(size))*letter <= c.W-8 {
				c.Labels = append(c.Labels, treeLabel{X: c.X + 4, Y: c.Y + 26, Text: size, Soft: true})
			}
		}
		if c.W > 0 && c.H > 0 {
			out = append(out, c)
		}
	}
	return out
}

// label is as much of a package's name as there is room for: all, what is below its
// module, the last element, or nothing.
func label(name, module string, width float64) string {
	for _, text := range []string{cmp.Or(clean(below(name, module)), path.Base(clean(name))), path.Base(clean(name))} {
		if float64(utf8.RuneCountInString(text))*letter <= width {
			return text
		}
	}
	return ""
}

// below is what of a package's path comes after its module's.
func below(name, module string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, module), "/")
}

// fit cuts a text to a width, or drops it where next to nothing would be left.
func fit(s string, width float64) string {
	s = cut(s, int(width/letter))
	if utf8.RuneCountInString(s) < 4 {
		return ""
	}
	return s
}

func percent(part, whole int64) string {
	if whole <= 0 {
		return "0.0 %"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
