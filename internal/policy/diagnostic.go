package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
)

// fileDiagnostic is a mistake that lies in a file as a whole.
func fileDiagnostic(path, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: detail,
		Subject: &hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos},
	}
}

// dataMistake finds where the reader of a data file stopped, as far as its error says.
func (s sources) dataMistake(path string, err error) *hcl.Range {
	src := s[path]
	var loc ast.Location
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at := position(src, int(min(max(syntax.Offset-1, 0), int64(len(src)))))
		loc.Row, loc.Col = at.Line, at.Column
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		at := position(src, len(src))
		loc.Row, loc.Col = at.Line, at.Column
	default:
		if _, err := fmt.Sscanf(err.Error(), "yaml: line %d:", &loc.Row); err != nil {
			loc.Row = 1
		}
		loc.Col = 1
	}
	loc.File = path
	r := s.rangeOf(&loc)
	return &r
}

// diagnostics turns whatever OPA's parser found in a file into diagnostics at their places. Of a policy in Rego v0, which
// older pages about OPA and its plugin for Envoy show, one thing is said and not a mistake for each rule.
func (s sources) diagnostics(path string, err error) hcl.Diagnostics {
	var list ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &list):
	case errors.As(err, &one):
		list = ast.Errors{one}
	default:
		return hcl.Diagnostics{fileDiagnostic(path, "Not a policy", err.Error()+".")}
	}
	if len(list) > 0 && isV0(s[path]) {
		d := s.diagnostic(path, list[0])
		d.Summary, d.Detail = "Rego v0", "This is Rego v0, and policies are in Rego v1 here. `caddy gateway fmt -w` rewrites the file."
		return hcl.Diagnostics{d}
	}
	diags := make(hcl.Diagnostics, len(list))
	for i, e := range list {
		diags[i] = s.diagnostic(path, e)
	}
	return diags
}

func (s sources) diagnostic(path string, e *ast.Error) *hcl.Diagnostic {
	d := fileDiagnostic(path, summaries[e.Code], sentence(e.Message))
	if d.Summary == "" {
		d.Summary = "Policy does not compile"
	}
	if e.Location.HasFile() {
		subject := s.rangeOf(e.Location)
		d.Subject = &subject
	}
	switch detail := e.Details.(type) {
	case nil:
	case *ast.RefErrInvalidDetail:
		d.Detail = s.wrongName(d, detail)
	default:
		if e.Code != ast.ParseErr { // there, the lines repeat the source
			d.Detail += " " + sentence(strings.Join(strings.Fields(strings.Join(detail.Lines(), " ")), " "))
		}
	}
	return d
}

var summaries = map[string]string{
	ast.ParseErr:     "Not valid Rego",
	ast.TypeErr:      "Type mistake in a policy",
	ast.UnsafeVarErr: "Variable without a value",
	ast.RecursionErr: "Rule depends on itself",
}

// wrongName says what a reference should have been, and narrows the place to the wrong part of it.
func (s sources) wrongName(d *hcl.Diagnostic, detail *ast.RefErrInvalidDetail) string {
	wrong, ok := detail.Ref[detail.Pos].Value.(ast.String)
	if !ok {
		return d.Detail + " " + sentence(strings.Join(strings.Fields(strings.Join(detail.Lines()[2:], " ")), " "))
	}
	parent := detail.Ref[:detail.Pos].String()
	d.Summary = "No such name in " + parent
	d.Subject = s.narrow(d.Subject, string(wrong))
	var names []string
	for _, v := range detail.OneOf {
		if name, ok := v.(ast.String); ok {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	text := fmt.Sprintf("%s has no %q.%s", parent, string(wrong), didYouMean(string(wrong), names))
	if len(names) > 0 {
		text += " It has " + strings.Join(names, ", ") + "."
	}
	return text
}

// rangeOf finds a location of OPA's in the source. A text of several lines is cut after its first, since that is the
// line which is underlined.
func (s sources) rangeOf(loc *ast.Location) hcl.Range {
	src := s[loc.File]
	start := offset(src, loc)
	line, _, _ := bytes.Cut(loc.Text, []byte("\n"))
	end := start + len(bytes.TrimRight(line, " \t\r"))
	if end == start && start < len(src) && src[start] != '\n' {
		_, size := utf8.DecodeRune(src[start:])
		end += size
	}
	if rest, _, broken := bytes.Cut(src[start:], []byte("\n")); broken { // the text need not be what stands there
		end = min(end, start+len(rest))
	}
	return hcl.Range{Filename: loc.File, Start: position(src, start), End: position(src, min(end, len(src)))}
}

// offset gives the byte a location starts at. Compiler stages that make new terms lose it, so it only counts if the
// text is really there; row and column are kept.
func offset(src []byte, loc *ast.Location) int {
	if at := loc.Offset; at > 0 && at <= len(src) && bytes.HasPrefix(src[at:], loc.Text) {
		return at
	}
	at := 0
	for range loc.Row - 1 {
		next := bytes.IndexByte(src[at:], '\n')
		if next < 0 {
			return len(src)
		}
		at += next + 1
	}
	for range loc.Col - 1 {
		if at >= len(src) || src[at] == '\n' {
			break
		}
		_, size := utf8.DecodeRune(src[at:])
		at += size
	}
	return at
}

// position gives line and column, in characters, of a byte.
func position(src []byte, at int) hcl.Pos {
	before := src[:at]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return hcl.Pos{
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[lineStart:]) + 1,
		Byte:   at,
	}
}

// narrow gives the part of a range that is name, as a whole word, or the range itself.
func (s sources) narrow(r *hcl.Range, name string) *hcl.Range {
	src := s[r.Filename]
	lineEnd := r.Start.Byte + len(bytes.SplitN(src[r.Start.Byte:], []byte("\n"), 2)[0])
	for at := r.Start.Byte; ; {
		i := bytes.Index(src[at:lineEnd], []byte(name))
		if i < 0 {
			return r
		}
		at += i
		end := at + len(name)
		if (at == 0 || !isWord(src[at-1])) && (end == len(src) || !isWord(src[end])) {
			return &hcl.Range{Filename: r.Filename, Start: position(src, at), End: position(src, end)}
		}
		at = end
	}
}

// text is what a range spans.
func (s sources) text(r *hcl.Range) string {
	return string(s[r.Filename][r.Start.Byte:r.End.Byte])
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// didYouMean names the nearest of names, if one is near enough to be what was meant.
func didYouMean(wrong string, names []string) string {
	best, distance := "", len(wrong)/3+2
	for _, name := range names {
		if d := levenshtein.Distance(wrong, name, nil); d < distance {
			best, distance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", best)
}

// sentence makes a message of OPA's look like ours.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	r, size := utf8.DecodeRuneInString(s)
	s = strings.ToUpper(string(r)) + s[size:]
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "?") {
		s += "."
	}
	return s
}
