package catalogue

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// HCL's parser loses what follows some mistakes of syntax, up to all of the file behind a bracket that is not closed.
// So that one such mistake does not hide all others, a file with any is parsed anew: its outermost blocks each for
// itself, and in those the mistaken lines left out, one after the other. Bounds of that:
const (
	maxRepairs = 20      // mistaken lines of one outermost block
	maxRepair  = 1 << 20 // bytes that are parsed again, all together, of one file
)

var (
	outermost     = language.beginnings()
	outermostCase = caseLanguage.beginnings()
	heredoc       = regexp.MustCompile(`<<-?[A-Za-z_]`) // its lines may look like anything
)

// beginnings finds lines on which a block begins that stands in b.
func (b *block) beginnings() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(` + strings.Join(b.blockNames(), "|") + `)\b[^=\n]*\{`)
}

// parse gives what could be understood of a file, in which outermost finds the beginnings of blocks.
func parse(src []byte, path string, outermost *regexp.Regexp) (*hclsyntax.Body, hcl.Diagnostics) {
	body, diags := parseFrom(src, path, hcl.InitialPos)
	if !diags.HasErrors() || heredoc.Match(src) {
		return body, diags
	}
	starts := []int{0}
	for _, match := range outermost.FindAllIndex(src, -1) {
		starts = append(starts, match[0])
	}
	starts = slices.Compact(starts)
	whole := &hclsyntax.Body{Attributes: make(hclsyntax.Attributes)}
	diags = nil
	pos := hcl.InitialPos
	budget := maxRepair
	for i, start := range starts {
		end := len(src)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		part, more := repair(src[start:end], path, pos, &budget)
		diags = append(diags, more...)
		if part != nil {
			whole.Blocks = append(whole.Blocks, part.Blocks...)
			for name, a := range part.Attributes {
				whole.Attributes[name] = a
			}
		}
		pos.Line += bytes.Count(src[start:end], []byte{'\n'})
		pos.Byte = end
	}
	return whole, diags
}

// repair parses a part of a file, leaving out mistaken lines for as long as that gets it further. The mistake may be
// on the line before the one on which the parser noticed it. budget is how many bytes may still be parsed again.
func repair(part []byte, path string, pos hcl.Pos, budget *int) (*hclsyntax.Body, hcl.Diagnostics) {
	body, diags := parseFrom(part, path, pos)
	var told hcl.Diagnostics
	for range maxRepairs {
		mistake, line := first(diags)
		if *budget -= 3 * len(part); mistake == nil || *budget < 0 {
			break
		}
		mistaken, furthest := part, line
		for _, drop := range [][2]int{{line, line}, {line - 1, line - 1}, {line - 1, line}} {
			without := blank(mistaken, drop[0]-pos.Line, drop[1]-pos.Line)
			b, rest := parseFrom(without, path, pos)
			if _, next := first(rest); next > furthest {
				part, body, diags, furthest = without, b, rest, next
			}
		}
		if furthest == line {
			break
		}
		told = append(told, mistake)
	}
	return body, append(told, diags...)
}

// first is the mistake that comes first in the file, and its line; past all lines if there is none.
func first(diags hcl.Diagnostics) (*hcl.Diagnostic, int) {
	var mistake *hcl.Diagnostic
	line := math.MaxInt
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Subject != nil && d.Subject.Start.Line < line {
			mistake, line = d, d.Subject.Start.Line
		}
	}
	return mistake, line
}

// blank gives src with spaces in the place of its lines from first to last, counted from 0.
func blank(src []byte, first, last int) []byte {
	out := bytes.Clone(src)
	line := 0
	for i, c := range out {
		switch {
		case c == '\n':
			line++
		case line >= first && line <= last:
			out[i] = ' '
		}
	}
	return out
}

func parseFrom(src []byte, path string, pos hcl.Pos) (*hclsyntax.Body, hcl.Diagnostics) {
	f, diags := hclsyntax.ParseConfig(src, path, pos)
	if f == nil {
		return nil, diags
	}
	body, _ := f.Body.(*hclsyntax.Body)
	return body, diags
}
