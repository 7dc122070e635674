package rule

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
	"github.com/hashicorp/hcl/v2"
)

// source is the text of one expression and where it begins. The nodes of its tree are placed by bytes of the file.
type source struct {
	file  string
	start hcl.Pos
	text  string
}

func (s source) whole() hcl.Range {
	return hcl.Range{Filename: s.file, Start: s.start, End: s.position(len(s.text))}
}

// place turns the place of a node into a range; a node without one is the whole expression.
func (s source) place(l file.Location) hcl.Range {
	from, to := l.From-s.start.Byte, l.To-s.start.Byte
	if from < 0 || from >= to || to > len(s.text) {
		return s.whole()
	}
	return hcl.Range{Filename: s.file, Start: s.position(from), End: s.position(to)}
}

func (s source) position(offset int) hcl.Pos {
	p := s.start
	p.Byte += offset
	for rest := s.text[:offset]; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		if r == '\n' {
			p.Line, p.Column = p.Line+1, 1
		} else {
			p.Column++
		}
	}
	return p
}

func (s source) mistake(at hcl.Range, summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}}
}

func (s source) tooLong() hcl.Diagnostics {
	return s.mistake(s.whole(), "Expression too long", "An expression may have at most 4 KiB. Split it into several rules.")
}
