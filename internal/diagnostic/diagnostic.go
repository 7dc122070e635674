// Package diagnostic shows people the mistakes found in their files: the place with line and column, the source line
// with the range underlined, what was expected, and the nearest known name. It does so without colour, where HCL's own
// writer prints neither column nor underline.
package diagnostic

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Sensitive is the Extra of a diagnostic whose subject is a secret written where none may be: the source line is shown
// with that range blotted out, in every diagnostic that shows the line.
type Sensitive struct{}

// Sort gives the diagnostics in the order of file, line and column, each of them once. Those without a place come
// first.
func Sort(diags hcl.Diagnostics) hcl.Diagnostics {
	sorted := slices.Clone(diags)
	slices.SortStableFunc(sorted, func(a, b *hcl.Diagnostic) int {
		p, q := subject(a), subject(b)
		return cmp.Or(
			cmp.Compare(p.Filename, q.Filename),
			cmp.Compare(p.Start.Line, q.Start.Line),
			cmp.Compare(p.Start.Column, q.Start.Column),
			cmp.Compare(p.End.Byte, q.End.Byte),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Summary, b.Summary),
			cmp.Compare(a.Detail, b.Detail),
		)
	})
	return slices.CompactFunc(sorted, func(a, b *hcl.Diagnostic) bool {
		return a.Severity == b.Severity && a.Summary == b.Summary && a.Detail == b.Detail && subject(a) == subject(b)
	})
}

// Write shows the diagnostics to w, sorted, an empty line between them. sources are the files' contents by the names
// that the diagnostics use; where one is missing, only the place is given.
func Write(w io.Writer, diags hcl.Diagnostics, sources map[string][]byte) error {
	var b bytes.Buffer
	blots := secrets(diags)
	for i, d := range Sort(diags) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(place(d) + severity(d) + Clean(d.Summary) + "\n")
		if d.Subject != nil {
			if src, ok := sources[d.Subject.Filename]; ok {
				snippet(&b, *d.Subject, src, blots)
			}
		}
		for line := range strings.Lines(d.Detail) {
			b.WriteString("  " + Clean(strings.TrimRight(line, "\r\n")) + "\n")
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing diagnostics: %w", err)
	}
	return nil
}

// Line is a diagnostic on one line, for logs: file:line:col: error: summary: detail. It never holds source text.
func Line(d *hcl.Diagnostic) string {
	line := place(d) + severity(d) + Clean(d.Summary)
	if detail := strings.Join(strings.Fields(d.Detail), " "); detail != "" {
		line += ": " + Clean(detail)
	}
	return line
}

func subject(d *hcl.Diagnostic) hcl.Range {
	if d.Subject == nil {
		return hcl.Range{}
	}
	return *d.Subject
}

func place(d *hcl.Diagnostic) string {
	if d.Subject == nil {
		return ""
	}
	at := d.Subject.Start
	return Clean(d.Subject.Filename) + ":" + strconv.Itoa(at.Line) + ":" + strconv.Itoa(at.Column) + ": "
}

func severity(d *hcl.Diagnostic) string {
	if d.Severity == hcl.DiagWarning {
		return "warning: "
	}
	return "error: "
}

func secrets(diags hcl.Diagnostics) []hcl.Range {
	var ranges []hcl.Range
	for _, d := range diags {
		if _, ok := hcl.DiagnosticExtra[Sensitive](d); ok && d.Subject != nil {
			ranges = append(ranges, *d.Subject)
		}
	}
	return ranges
}
