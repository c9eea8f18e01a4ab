package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// The plot's measures, in its own units.
const (
	plotWidth = 1020
	// The longest name of a row has some 70 letters of about 7 each.
	plotLeft  = 500
	plotRight = 40
	plotTop   = 76
	plotLine  = 22
	// The axis goes from one hundredth to ten.
	plotLow, plotHigh = 0.01, 10.0
)

// style is readable on a light and on a dark page. The colours are Okabe and Ito's,
// which people tell apart who see few.
const style = `text{font:13px system-ui,sans-serif;fill:#222}.small{font-size:11px;fill:#666}.grid{stroke:#ddd}.even{stroke:#555;stroke-width:1.5}.band{fill:#f4f4f4}
.p0{fill:#0072b2}.p1{fill:#d55e00}.p2{fill:#009e73}.p3{fill:#cc79a7}.page{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#999}.grid{stroke:#333}.even{stroke:#aaa}.band{fill:#1b1b1b}.page{fill:#111}.p0{fill:#56b4e9}.p1{fill:#e69f00}.p2{fill:#2bc79a}.p3{fill:#e3a3c9}}`

// plot is every ratio of the page, a dot each, on a logarithmic scale.
func plot(records []record) []byte {
	type line struct {
		record record
		row    int
	}
	var lines []line
	for _, r := range records {
		for i := range r.Rows {
			lines = append(lines, line{r, i})
		}
	}
	height := plotTop + plotLine*len(lines) + 40
	var w bytes.Buffer
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Slipway's time over that of its peers, by scenario">`+"\n<style>%s</style>\n", plotWidth, height, plotWidth, height, style)
	fmt.Fprintf(&w, `<rect class="page" width="%d" height="%d"/>`+"\n", plotWidth, height)
	for i, p := range pairs() {
		x := 20 + 170*i
		fmt.Fprintf(&w, `<circle class="p%d" cx="%d" cy="20" r="5"/><text x="%d" y="24">%s</text>`+"\n", i, x, x+12, html.EscapeString(p.title))
	}
	for i := range lines {
		if i%2 == 0 {
			fmt.Fprintf(&w, `<rect class="band" x="0" y="%d" width="%d" height="%d"/>`+"\n", plotTop+plotLine*i, plotWidth, plotLine)
		}
	}
	plotAxis(&w, height)
	for i, l := range lines {
		y := plotTop + plotLine*i + plotLine/2
		fmt.Fprintf(&w, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLeft-14, y+4, html.EscapeString(l.record.Service+": "+l.record.Rows[l.row].Name))
		for k, p := range pairs() {
			if x, ok := l.record.ratio(l.row, p); ok {
				fmt.Fprintf(&w, `<circle class="p%d" cx="%.1f" cy="%d" r="5" fill-opacity=".9"><title>%s: %.3f</title></circle>`+"\n", k, place(x), y, html.EscapeString(p.title), x)
			}
		}
	}
	w.WriteString("</svg>\n")
	return w.Bytes()
}

// plotAxis draws the scale; the line at 1 is where both take the same time.
func plotAxis(w *bytes.Buffer, height int) {
	for _, tick := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10} {
		class := "grid"
		if tick == 1 {
			class = "even"
		}
		x := place(tick)
		fmt.Fprintf(w, `<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text class="small" x="%.1f" y="%d" text-anchor="middle">%v</text>`+"\n", class, x, x, plotTop-4, height-36, x, height-20, tick)
	}
	fmt.Fprintf(w, `<text class="small" x="%.1f" y="%d" text-anchor="end">Slipway is faster</text><text class="small" x="%.1f" y="%d">Slipway is slower</text>`+"\n", place(1)-10, plotTop-14, place(1)+10, plotTop-14)
}

// place is where a ratio is; one that is off the scale is at its end.
func place(ratio float64) float64 {
	at := math.Log(min(max(ratio, plotLow), plotHigh)/plotLow) / math.Log(plotHigh/plotLow)
	return plotLeft + at*(plotWidth-plotLeft-plotRight)
}
