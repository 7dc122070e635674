package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// Text writes the report for people: what failed, with the lines meant; what no test reached; and on a line of its own
// how many tests passed and failed.
func (r *Report) Text(w io.Writer) error {
	var b bytes.Buffer
	for i := range r.Results {
		res := &r.Results[i]
		if res.Outcome != Failed {
			continue
		}
		fmt.Fprintf(&b, "FAILED %s %s: %s\n", res.Kind, diagnostic.Clean(res.Group), diagnostic.Clean(res.Name))
		if err := indented(&b, r.failures(res)); err != nil {
			return err
		}
		b.WriteByte('\n')
	}
	if r.Files != nil {
		r.coverage(&b)
	}
	fmt.Fprintln(&b, r.Summary())
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Summary says how many tests passed and failed.
func (r *Report) Summary() string {
	s := fmt.Sprintf("%d passed, %d failed", r.Count(Passed), r.Count(Failed))
	if n := r.Count(Skipped); n > 0 {
		s += fmt.Sprintf(", %d skipped", n)
	}
	return s
}

// failures is what a result's failures look like, with the lines meant and what the test printed.
func (r *Report) failures(res *Result) string {
	var b strings.Builder
	_ = diagnostic.Write(&b, res.Failures, r.Sources) // a builder takes all
	if res.Output != "" {
		b.WriteString("It printed:\n")
		for line := range strings.Lines(res.Output) {
			b.WriteString("  " + diagnostic.Clean(strings.TrimRight(line, "\r\n")) + "\n")
		}
	}
	return b.String()
}

func indented(w io.Writer, text string) error {
	for line := range strings.Lines(text) {
		if line != "\n" {
			line = "  " + line
		}
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) coverage(b *bytes.Buffer) {
	b.WriteString("Coverage of the policies:\n")
	for _, f := range r.Files {
		fmt.Fprintf(b, "  %6.2f %%  %s\n", Percent([]File{f}), diagnostic.Clean(f.Name))
		for _, s := range f.Lines {
			fmt.Fprintf(b, "            %s: no test comes here\n", diagnostic.Clean(f.place(s)))
		}
	}
	fmt.Fprintf(b, "  %6.2f %%  all\n\n", Percent(r.Files))
}

func (f *File) place(s Span) string {
	if s.First == s.Last {
		return fmt.Sprintf("%s:%d", f.Name, s.First)
	}
	return fmt.Sprintf("%s:%d-%d", f.Name, s.First, s.Last)
}
