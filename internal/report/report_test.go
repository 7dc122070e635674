package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
)

func sample() *Report {
	at := func(line int) hcl.Range {
		return hcl.Range{Filename: "a.case.hcl", Start: hcl.Pos{Line: line, Column: 1, Byte: 2 * (line - 1)}, End: hcl.Pos{Line: line, Column: 2, Byte: 2*line - 1}}
	}
	wrong := at(2)
	return &Report{
		Results: []Result{
			{Kind: Coverage, Group: "policies", Name: "at least 90 %", Outcome: Passed},
			{Kind: Case, Group: "a.case.hcl", Name: "second \x1b[31m", Range: at(2), Outcome: Failed, Took: 1500 * time.Millisecond, Output: "a\x00b\n",
				Failures: hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Unexpected <status>", Detail: "Expected 200,\nnot 403.", Subject: &wrong}}},
			{Kind: Case, Group: "a.case.hcl", Name: "first", Range: at(1), Outcome: Passed},
			{Kind: Rego, Group: "data.b_test", Name: "todo_test_b", Range: at(1), Outcome: Skipped},
		},
		Files:   []File{{Name: "b.rego", Covered: 3, Uncovered: 3, Lines: []Span{{2, 2}, {5, 6}}}, {Name: "c.rego"}},
		Sources: map[string][]byte{"a.case.hcl": []byte("a\nb\nc\n")},
	}
}

// TestText tells failures with their lines and control characters as escapes, and the sum on a line of its own.
func TestText(t *testing.T) {
	r := sample()
	r.Sort()
	var out strings.Builder
	if err := r.Text(&out); err != nil {
		t.Fatal(err)
	}
	want := `FAILED case a.case.hcl: second \x1b[31m
  a.case.hcl:2:1: error: Unexpected <status>
      2 | b
        | ^
    Expected 200,
    not 403.
  It printed:
    a\x00b

Coverage of the policies:
   50.00 %  b.rego
            b.rego:2: no test comes here
            b.rego:5-6: no test comes here
  100.00 %  c.rego
   50.00 %  all

2 passed, 1 failed, 1 skipped
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	var names []string
	for _, res := range r.Results {
		names = append(names, res.Name)
	}
	if got := strings.Join(names, "|"); got != "todo_test_b|first|second \x1b[31m|at least 90 %" {
		t.Errorf("in the order %q", got)
	}
}

func TestJSON(t *testing.T) {
	var out strings.Builder
	if err := sample().JSON(&out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Passed, Failed, Skipped int
		Results                 []struct {
			Name, Outcome string
			Seconds       float64
			Failures      []struct {
				File, Summary string
				Line, Column  int
			}
		}
		Coverage struct {
			Percent float64
			Files   []struct {
				File  string
				Lines [][2]int
			}
		}
	}
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	failed := got.Results[1]
	if got.Passed != 2 || got.Failed != 1 || got.Skipped != 1 || failed.Outcome != "failed" || failed.Seconds != 1.5 ||
		failed.Failures[0].File != "a.case.hcl" || failed.Failures[0].Line != 2 || failed.Failures[0].Column != 1 {
		t.Errorf("got %+v", got)
	}
	if got.Coverage.Percent != 50 || got.Coverage.Files[0].Lines[1] != [2]int{5, 6} {
		t.Errorf("got %+v", got.Coverage)
	}
	out.Reset()
	if err := (&Report{}).JSON(&out); err != nil || !strings.Contains(out.String(), `"results": []`) || strings.Contains(out.String(), "coverage") {
		t.Errorf("an empty report: %v, %s", err, out.String())
	}
}

// TestJUnit writes XML that holds no character which XML does not have.
func TestJUnit(t *testing.T) {
	r := sample()
	r.Sort()
	var out strings.Builder
	if err := r.JUnit(&out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Tests int    `xml:"tests,attr"`
			Cases []struct {
				Name    string  `xml:"name,attr"`
				Time    string  `xml:"time,attr"`
				Skipped *string `xml:"skipped"`
				Output  string  `xml:"system-out"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	if got.Tests != 4 || got.Failures != 1 || len(got.Suites) != 3 || got.Suites[0].Cases[0].Skipped == nil {
		t.Errorf("got %+v", got)
	}
	failed := got.Suites[1].Cases[1]
	if failed.Name != "second [31m" || failed.Time != "1.500" || failed.Output != "ab\n" || failed.Failure.Message != "Unexpected <status>: Expected 200," || !strings.Contains(failed.Failure.Text, "    2 | b\n") {
		t.Errorf("got %+v, %+v", failed, failed.Failure)
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		files []File
		want  float64
	}{
		{nil, 100},
		{[]File{{Covered: 1, Uncovered: 1}, {Covered: 2}}, 75},
		{[]File{{Uncovered: 3}}, 0},
	} {
		if got := Percent(c.files); got != c.want {
			t.Errorf("%v: got %v, want %v", c.files, got, c.want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

// TestUnwritable says that a report could not be written.
func TestUnwritable(t *testing.T) {
	r := sample()
	for _, err := range []error{r.Text(full{}), r.JSON(full{}), r.JUnit(full{})} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
}
