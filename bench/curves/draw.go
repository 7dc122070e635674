package main

import (
	"fmt"
	"math"
	"strings"
)

// Sizes of the picture, in its own units.
const (
	width, height = 300, 200 // of one curve with its frame
	left, right   = 52, 22
	top, bottom   = 30, 30
	columns       = 3
)

// draw makes a picture with a small one for each curve, both of whose axes are logarithmic: what does not grow is level, and what
// grows as its cause does goes up by one decade in each. It is readable on a light page and on a dark one.
func draw(curves []curve) string {
	rows := (len(curves) + columns - 1) / columns
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="11" role="img" aria-label="What a request costs as the work grows">
<style>
.ink { fill: #24292f } .dim { fill: #57606a } .grid { stroke: #d0d7de } .line { stroke: #0969da; fill: none; stroke-width: 2 } .dot { fill: #0969da }
@media (prefers-color-scheme: dark) { .ink { fill: #e6edf3 } .dim { fill: #9198a1 } .grid { stroke: #3d444d } .line { stroke: #4493f8 } .dot { fill: #4493f8 } }
</style>
`, columns*width, rows*height)
	for i, c := range curves {
		fmt.Fprintf(&b, "<g transform=\"translate(%d %d)\">\n", i%columns*width, i/columns*height)
		one(&b, c)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// axis places numbers, by their decades.
type axis struct{ from, to, begins, ends float64 }

func newAxis(least, most, begins, ends float64) axis {
	from, to := math.Floor(math.Log10(least)), math.Ceil(math.Log10(most))
	if to <= from {
		to = from + 1
	}
	return axis{from, to, begins, ends}
}

func (a axis) at(n float64) float64 {
	return a.begins + (math.Log10(n)-a.from)/(a.to-a.from)*(a.ends-a.begins)
}

func one(b *strings.Builder, c curve) {
	least, most := math.Inf(1), 1.0
	for _, p := range c.points {
		least, most = min(least, p.nanos), max(most, p.nanos)
	}
	x := newAxis(max(c.points[0].n, 1), c.points[len(c.points)-1].n, left, width-right)
	y := newAxis(max(least/3, 1), most*3, height-bottom, top) // so that what only trembles looks level
	fmt.Fprintf(b, "<text class=\"ink\" x=\"%d\" y=\"18\" font-weight=\"600\">%s</text>\n", left, c.name)
	for decade := y.from; decade <= y.to; decade++ {
		n := math.Pow(10, decade)
		fmt.Fprintf(b, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text class=\"dim\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			left, width-right, y.at(n), y.at(n), left-6, y.at(n)+4, strings.Replace(took(n), ".0 ", " ", 1))
	}
	step := math.Ceil((x.to - x.from) / 5) // five words have room
	for decade := x.from; decade <= x.to; decade += step {
		n := math.Pow(10, decade)
		fmt.Fprintf(b, "<text class=\"dim\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x.at(n), height-bottom+16, short(n))
	}
	places := make([]string, len(c.points))
	for i, p := range c.points {
		places[i] = fmt.Sprintf("%.1f,%.1f", x.at(max(p.n, 1)), y.at(max(p.nanos, 1)))
	}
	fmt.Fprintf(b, "<polyline class=\"line\" points=\"%s\"/>\n", strings.Join(places, " "))
	for i, p := range c.points {
		at := strings.Split(places[i], ",")
		fmt.Fprintf(b, "<circle class=\"dot\" cx=\"%s\" cy=\"%s\" r=\"3\"><title>%s: %s</title></circle>\n", at[0], at[1], short(p.n), took(p.nanos))
	}
}
