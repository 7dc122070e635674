package diagnostic

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/text/width"
)

// widest is how many columns of a source line are shown; of a longer one, those around the range.
const widest = 120

// glyph is one character of a source line as it is shown.
type glyph struct {
	text   string
	width  int
	marked bool
}

// snippet shows the source line on which the range begins, and below it the range underlined, to the end of the line
// if it goes on.
func snippet(b *bytes.Buffer, r hcl.Range, src []byte, blots []hcl.Range) {
	start := min(max(r.Start.Byte, 0), len(src))
	from := bytes.LastIndexByte(src[:start], '\n') + 1
	to := len(src)
	if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
		to = start + i
	}
	line := clip(glyphs(src, from, to, r, blots))

	var text, marks strings.Builder
	for _, g := range line {
		text.WriteString(g.text)
		mark := " "
		if g.marked {
			mark = "^"
		}
		marks.WriteString(strings.Repeat(mark, g.width))
	}
	underline := strings.TrimRight(marks.String(), " ")
	if underline == "" { // an empty range, or one at the end of the line
		underline = strings.Repeat(" ", marks.Len()) + "^"
	}
	gutter := fmt.Sprintf("%5d", r.Start.Line)
	fmt.Fprintf(b, "%s | %s\n%s | %s\n", gutter, strings.TrimRight(text.String(), " "), strings.Repeat(" ", len(gutter)), underline)
}

// glyphs are the characters of src[from:to], those of r marked, those of a secret blotted out.
func glyphs(src []byte, from, to int, r hcl.Range, blots []hcl.Range) []glyph {
	line := bytes.TrimRight(src[from:to], "\r")
	var out []glyph
	for i := 0; i < len(line); {
		c, size := utf8.DecodeRune(line[i:])
		at := from + i
		g := glyph{text: visible(c, line[i:i+size])}
		switch {
		case c == '\t':
			g.text = "    "
		case blotted(at, r.Filename, blots):
			g.text = "*"
		}
		g.width = columns(g.text)
		g.marked = at >= r.Start.Byte && at < max(r.End.Byte, r.Start.Byte+1)
		out = append(out, g)
		i += size
	}
	return out
}

func blotted(at int, file string, blots []hcl.Range) bool {
	for _, r := range blots {
		if r.Filename == file && at >= r.Start.Byte && at < r.End.Byte {
			return true
		}
	}
	return false
}

// clip keeps the glyphs around the first marked one, so that they fit.
func clip(line []glyph) []glyph {
	total, first, seen := 0, 0, false
	for i, g := range line {
		total += g.width
		if g.marked && !seen {
			first, seen = i, true
		}
	}
	if total <= widest {
		return line
	}
	dots := glyph{text: "…", width: 1}
	if !seen { // the range is empty and stands at the end
		first = len(line) - 1
	}
	left := first
	for room := widest / 3; left > 0 && room >= line[left-1].width; left-- {
		room -= line[left-1].width
	}
	right := left
	for room := widest; right < len(line) && room >= line[right].width; right++ {
		room -= line[right].width
	}
	var out []glyph
	if left > 0 {
		out = append(out, dots)
	}
	out = append(out, line[left:right]...)
	if right < len(line) {
		out = append(out, dots)
	}
	return out
}

// Clean makes text fit for a terminal: what would move the cursor, change colours or turn the direction of writing is
// shown as an escape.
func Clean(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		b.WriteString(visible(c, []byte(text[i:i+size])))
		i += size
	}
	return b.String()
}

func visible(c rune, raw []byte) string {
	switch {
	case c == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case c < 0x80 && unicode.IsControl(c):
		return fmt.Sprintf(`\x%02x`, c)
	case unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs):
		if c > 0xffff {
			return fmt.Sprintf(`\U%08x`, c)
		}
		return fmt.Sprintf(`\u%04x`, c)
	}
	return string(raw)
}

// columns is how much room text takes in a terminal.
func columns(text string) int {
	n := 0
	for _, c := range text {
		switch {
		case unicode.In(c, unicode.Mn, unicode.Me):
		case width.LookupRune(c).Kind() == width.EastAsianWide, width.LookupRune(c).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
