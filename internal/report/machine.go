package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

type jsonReport struct {
	Passed   int           `json:"passed"`
	Failed   int           `json:"failed"`
	Skipped  int           `json:"skipped"`
	Results  []jsonResult  `json:"results"`
	Coverage *jsonCoverage `json:"coverage,omitempty"`
}

type jsonResult struct {
	Kind     string        `json:"kind"`
	Group    string        `json:"group"`
	Name     string        `json:"name"`
	File     string        `json:"file,omitempty"`
	Line     int           `json:"line,omitempty"`
	Outcome  Outcome       `json:"outcome"`
	Seconds  float64       `json:"seconds"`
	Failures []jsonFailure `json:"failures,omitempty"`
	Output   string        `json:"output,omitempty"`
}

type jsonFailure struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Summary string `json:"summary"`
	Detail  string `json:"detail,omitempty"`
}

type jsonCoverage struct {
	Percent float64    `json:"percent"`
	Files   []jsonFile `json:"files"`
}

type jsonFile struct {
	File      string   `json:"file"`
	Percent   float64  `json:"percent"`
	Covered   int      `json:"covered"`
	Uncovered int      `json:"uncovered"`
	Lines     [][2]int `json:"lines"` // that no test reached: first and last
}

// JSON writes the report for machines.
func (r *Report) JSON(w io.Writer) error {
	out := jsonReport{Passed: r.Count(Passed), Failed: r.Count(Failed), Skipped: r.Count(Skipped), Results: []jsonResult{}}
	for i := range r.Results {
		res := &r.Results[i]
		to := jsonResult{
			Kind: res.Kind, Group: res.Group, Name: res.Name, File: res.Range.Filename, Line: res.Range.Start.Line,
			Outcome: res.Outcome, Seconds: res.Took.Seconds(), Output: res.Output,
		}
		for _, d := range res.Failures {
			f := jsonFailure{Summary: d.Summary, Detail: d.Detail}
			if d.Subject != nil {
				f.File, f.Line, f.Column = d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column
			}
			to.Failures = append(to.Failures, f)
		}
		out.Results = append(out.Results, to)
	}
	if r.Files != nil {
		out.Coverage = &jsonCoverage{Percent: Percent(r.Files)}
		for _, f := range r.Files {
			to := jsonFile{File: f.Name, Percent: Percent([]File{f}), Covered: f.Covered, Uncovered: f.Uncovered, Lines: [][2]int{}}
			for _, s := range f.Lines {
				to.Lines = append(to.Lines, [2]int{s.First, s.Last})
			}
			out.Coverage.Files = append(out.Coverage.Files, to)
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

type xmlReport struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Time     string     `xml:"time,attr"`
	Suites   []xmlSuite `xml:"testsuite"`
}

type xmlSuite struct {
	Name       string    `xml:"name,attr"`
	Tests      int       `xml:"tests,attr"`
	Failures   int       `xml:"failures,attr"`
	Skipped    int       `xml:"skipped,attr"`
	Time       string    `xml:"time,attr"`
	Properties *xmlList  `xml:"properties"`
	Cases      []xmlCase `xml:"testcase"`
	took       float64
}

type xmlList struct {
	Property []xmlProperty `xml:"property"`
}

type xmlProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type xmlCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	File    string      `xml:"file,attr,omitempty"`
	Line    int         `xml:"line,attr,omitempty"`
	Time    string      `xml:"time,attr"`
	Failure *xmlFailure `xml:"failure"`
	Skipped *struct{}   `xml:"skipped"`
	Output  string      `xml:"system-out,omitempty"`
}

type xmlFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report as JUnit's XML, a suite for each kind of tests.
func (r *Report) JUnit(w io.Writer) error {
	var out xmlReport
	suites := map[string]*xmlSuite{}
	for i := range r.Results {
		res := &r.Results[i]
		s := suites[res.Kind]
		if s == nil {
			s = &xmlSuite{Name: res.Kind}
			suites[res.Kind] = s
		}
		s.add(r, res)
	}
	total := 0.0
	for _, kind := range kinds {
		s := suites[kind]
		if s == nil {
			continue
		}
		if kind == Rego && r.Files != nil {
			s.Properties = &xmlList{[]xmlProperty{{"coverage", fmt.Sprintf("%.2f", Percent(r.Files))}}}
		}
		s.Time = seconds(s.took)
		out.Tests += s.Tests
		out.Failures += s.Failures
		out.Skipped += s.Skipped
		total += s.took
		out.Suites = append(out.Suites, *s)
	}
	out.Time = seconds(total)
	text, err := xml.MarshalIndent(out, "", "  ")
	if err == nil {
		_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func (s *xmlSuite) add(r *Report, res *Result) {
	took := res.Took.Seconds()
	c := xmlCase{
		Class: printable(res.Group), Name: printable(res.Name), File: printable(res.Range.Filename), Line: res.Range.Start.Line,
		Time: seconds(took), Output: printable(res.Output),
	}
	s.Tests++
	s.took += took
	switch res.Outcome {
	case Failed:
		s.Failures++
		c.Failure = &xmlFailure{Message: printable(message(res.Failures)), Type: res.Kind, Text: printable("\n" + r.failures(res))}
	case Skipped:
		s.Skipped++
		c.Skipped = &struct{}{}
	}
	s.Cases = append(s.Cases, c)
}

// message is the first failure in a line.
func message(diags hcl.Diagnostics) string {
	if len(diags) == 0 {
		return ""
	}
	first, _, _ := strings.Cut(diags[0].Detail, "\n")
	return strings.TrimSpace(diags[0].Summary + ": " + first)
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

// printable leaves out what XML cannot carry.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c == 0xfffe || c == 0xffff {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, "�"))
}
