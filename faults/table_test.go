package faults

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/faults/chaos"
	"github.com/wicketgate/wicketgate/internal/ledger/natstest"
	"github.com/wicketgate/wicketgate/internal/processtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(serviceVariable) != "" {
		serve()
		return
	}
	code := m.Run()
	processtest.Remove()
	natstest.Remove()
	os.Exit(code)
}

// groups are what may break, in the order of the table.
var groups = []struct {
	dependency string
	look       func(*group)
}{
	{"upstream", upstream},
	{"Redis", redis},
	{"key server", keys},
	{"introspection", introspection},
	{"bundle server", bundles},
	{"NATS", nats},
	{"ledger, embedded", embedded},
	{"clock", clockSteps},
}

// TestFaults breaks everything, and prints what came of it.
func TestFaults(t *testing.T) {
	t.Parallel() // beside the soak
	tables := make([]*group, len(groups))
	t.Run("all", func(t *testing.T) {
		for i, one := range groups {
			t.Run(one.dependency, func(t *testing.T) {
				t.Parallel()
				g := &group{T: t, dependency: one.dependency}
				tables[i] = g
				defer func() {
					if g.missing = t.Skipped() || t.Failed() && len(g.rows) == 0; t.Skipped() {
						g.rows = append(g.rows, row{fault: "all of them", seen: "what is needed for them is missing", verdict: "skipped"})
					} else if t.Failed() && !g.failed() {
						g.rows = append(g.rows, row{fault: "all of them", seen: "could not be looked at", verdict: failedVerdict})
					}
				}()
				one.look(g)
			})
		}
	})
	var rows []row
	failed := 0
	for i, g := range tables {
		if g == nil {
			continue // not asked for
		}
		for _, r := range g.rows {
			r.dependency = groups[i].dependency
			rows = append(rows, r)
			if r.verdict == failedVerdict {
				failed++
			}
		}
	}
	t.Logf("%d faults, %d failed\n%s", len(rows), failed, written(rows))
	if !slices.Contains(tables, nil) && !slices.ContainsFunc(tables, func(g *group) bool { return g.missing }) {
		page(t, rows)
	}
}

var update = flag.Bool("update", false, "write the table of the page anew")

// page holds the table of docs/faults.md against the rows.
func page(t *testing.T, rows []row) {
	t.Helper()
	const name, mark = "../docs/faults.md", "-update -->\n"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(text), mark)
	if !ok {
		t.Fatalf("%s has no place for the table", name)
	}
	var table strings.Builder
	table.WriteString(head + mark + "\n| | fault | what must hold |\n|---|---|---|\n")
	last := ""
	for _, r := range rows {
		dependency := r.dependency
		if dependency == last {
			dependency = ""
		}
		last = r.dependency
		fmt.Fprintf(&table, "| %s | %s | %s |\n", dependency, r.fault, r.must)
	}
	if table.String() == string(text) {
		return
	}
	if !*update {
		t.Errorf("%s does not have the table that is tried; go test ./faults -run Faults -update writes it", name)
		return
	}
	if err := os.WriteFile(name, []byte(table.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The verdicts.
const (
	holdsVerdict  = "holds"
	failedVerdict = "FAILED"
)

// row is a line of the table.
type row struct{ dependency, fault, must, seen, verdict string }

// written is the table as text.
func written(rows []row) string {
	rows = append([]row{{"dependency", "fault", "what must hold", "what was seen", "verdict"}}, rows...)
	cells := func(r row) []string { return []string{r.dependency, r.fault, r.must, r.seen, r.verdict} }
	widths := make([]int, 5)
	for _, r := range rows {
		for i, cell := range cells(r) {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	for _, r := range rows {
		for i, cell := range cells(r) {
			fmt.Fprintf(&out, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		out.WriteString("|\n")
	}
	return out.String()
}

// group is what breaks of one dependency.
type group struct {
	*testing.T
	dependency string
	missing    bool // it could not be looked at
	mu         sync.Mutex
	rows       []row
}

// failed says whether a row has.
func (g *group) failed() bool {
	return slices.ContainsFunc(g.rows, func(r row) bool { return r.verdict == failedVerdict })
}

// check is one row while it is looked at.
type check struct {
	*testing.T
	mu   sync.Mutex
	seen []string
}

// row breaks something, looks whether what must hold does, and makes it whole again.
func (g *group) row(fault, must string, look func(*check)) {
	g.Helper()
	g.Run(fault, func(t *testing.T) {
		c := &check{T: t}
		defer func() {
			verdict := holdsVerdict
			switch {
			case t.Failed():
				verdict = failedVerdict
			case t.Skipped():
				verdict = "skipped"
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			g.rows = append(g.rows, row{fault: fault, must: must, seen: strings.Join(c.seen, "; "), verdict: verdict})
		}()
		look(c)
	})
}

// saw notes what was seen.
func (c *check) saw(format string, values ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, fmt.Sprintf(format, values...))
}

// skip leaves the row out, and says why in the table.
func (c *check) skip(because string) {
	c.Helper()
	c.saw("%s", because)
	c.Skip(because)
}

// within waits until something is so, and gives how long that took.
func (c *check) within(most time.Duration, what string, so func() bool) time.Duration {
	c.Helper()
	began := time.Now()
	for !so() {
		if time.Since(began) > most {
			c.Fatalf("not within %s: %s", most, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

// proxy runs one before a server.
func (g *group) proxy(server string) *chaos.Proxy {
	g.Helper()
	p, err := chaos.Start(strings.TrimPrefix(strings.TrimPrefix(server, "http://"), "https://"))
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(p.Close)
	return p
}

func (c *check) set(p *chaos.Proxy, f chaos.Fault) {
	c.Helper()
	if err := p.Set(f); err != nil {
		c.Fatal(err)
	}
}

// status asks for a path once, and gives the status; 0 for no answer, or none that is whole.
func status(client *http.Client, url string, fields ...string) int {
	a := ask(client, http.MethodGet, url, "", fields...)
	return a.status
}
