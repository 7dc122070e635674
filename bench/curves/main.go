// Command curves draws what a request costs as the work grows: it reads the output of the benchmarks called BenchmarkGrowth,
// whose cases are called by what grows and how much of it there is, and writes a picture, and a table into a page:
//
//	go test -run '^$' -bench '^BenchmarkGrowth$' ./internal/... | go run ./bench/curves -svg bench/curves.svg -page bench/README.md
package main

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	svg := flag.String("svg", "", "The picture to write")
	page := flag.String("page", "", "The page that has a place for the table")
	flag.Parse()
	if err := run(os.Stdin, *svg, *page); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, svg, page string) error {
	curves, err := read(in)
	if err != nil {
		return err
	}
	if svg != "" {
		if err := os.WriteFile(svg, []byte(draw(curves)), 0o644); err != nil { //nolint:gosec // a page's picture
			return fmt.Errorf("writing the picture: %w", err)
		}
	}
	if page == "" {
		return nil
	}
	text, err := os.ReadFile(page) //nolint:gosec // the caller's own
	if err != nil {
		return fmt.Errorf("reading the page: %w", err)
	}
	before, rest, began := strings.Cut(string(text), begins)
	_, after, ended := strings.Cut(rest, ends)
	if !began || !ended {
		return fmt.Errorf("%s has no place for the table: %s", page, strings.TrimSpace(begins))
	}
	if err := os.WriteFile(page, []byte(before+begins+table(curves)+ends+after), 0o644); err != nil { //nolint:gosec // as above
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

const (
	begins = "<!-- Made by bench/curves -->\n\n"
	ends   = "\n<!-- end -->\n"
)

// curve is what grows.
type curve struct {
	name   string
	points []point
}

// point is how much of it there is, and what it costs.
type point struct {
	n       float64
	nanos   float64
	bytes   float64
	objects float64
	held    float64 // MiB of memory, 0 where it is not told
	loading float64 // ms, as held
}

// result is a line of a benchmark. The number of processors is not told where there is one.
var result = regexp.MustCompile(`^BenchmarkGrowth/(\w+)=(\d+)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op(?:.*?\s([\d.]+) B/op\s+([\d.]+) allocs/op)?`)

// What a benchmark reports besides.
var (
	reHeld = regexp.MustCompile(`\s([\d.]+) MiB-held`)
	reLoad = regexp.MustCompile(`\s([\d.]+) ms-load`)
)

// number gives what an expression finds in a line, 0 for nothing.
func number(re *regexp.Regexp, line string) (n float64) {
	if m := re.FindStringSubmatch(line); m != nil {
		n, _ = strconv.ParseFloat(m[1], 64) // the expression lets nothing else pass
	}
	return n
}

// read takes the results: of a case that was run several times, the middle one.
func read(in io.Reader) ([]curve, error) {
	all := map[string]map[float64][]point{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		m := result.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		numbers := make([]float64, 4)
		for i := range numbers {
			numbers[i], _ = strconv.ParseFloat(m[i+2], 64) // the expression lets nothing else pass but nothing, which is 0
		}
		if all[m[1]] == nil {
			all[m[1]] = map[float64][]point{}
		}
		all[m[1]][numbers[0]] = append(all[m[1]][numbers[0]], point{
			n: numbers[0], nanos: numbers[1], bytes: numbers[2], objects: numbers[3], held: number(reHeld, lines.Text()), loading: number(reLoad, lines.Text()),
		})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no result of a BenchmarkGrowth")
	}
	var curves []curve
	for name, cases := range all {
		c := curve{name: name}
		for _, again := range cases {
			slices.SortFunc(again, func(a, b point) int { return cmp.Compare(a.nanos, b.nanos) })
			c.points = append(c.points, again[len(again)/2])
		}
		slices.SortFunc(c.points, func(a, b point) int { return cmp.Compare(a.n, b.n) })
		curves = append(curves, c)
	}
	slices.SortFunc(curves, func(a, b curve) int { return cmp.Compare(a.name, b.name) })
	return curves, nil
}

// table writes a row for each point.
func table(curves []curve) string {
	var b strings.Builder
	b.WriteString("| what grows | to | costs a request | allocations | holds | loads in |\n|---|---|---|---|---|---|\n")
	for _, c := range curves {
		name := c.name
		for _, p := range c.points {
			held, loading := "", ""
			switch {
			case p.held >= 1:
				held = strconv.FormatFloat(p.held, 'f', 1, 64) + " MiB"
			case p.held > 0:
				held = strconv.FormatFloat(p.held*1024, 'f', 0, 64) + " KiB"
			}
			if p.loading > 0 {
				loading = took(p.loading * 1e6)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %.0f | %s | %s |\n", name, short(p.n), took(p.nanos), p.objects, held, loading)
			name = ""
		}
	}
	return b.String()
}

// short is a number with at most three digits of its own.
func short(n float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if n >= unit.of {
			return strconv.FormatFloat(math.Round(n/unit.of*10)/10, 'f', -1, 64) + " " + unit.name
		}
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func took(nanos float64) string {
	switch {
	case nanos >= 1e9:
		return strconv.FormatFloat(nanos/1e9, 'f', 1, 64) + " s"
	case nanos >= 1e6:
		return strconv.FormatFloat(nanos/1e6, 'f', 1, 64) + " ms"
	case nanos >= 1e3:
		return strconv.FormatFloat(nanos/1e3, 'f', 1, 64) + " µs"
	}
	return strconv.FormatFloat(nanos, 'f', 0, 64) + " ns"
}
