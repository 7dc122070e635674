package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// traced is how long the execution trace is, which has some megabytes a second.
const traced = 2 * time.Second

// profiles has a gateway under load be looked at in five ways, one after the other, and tells what each request takes.
func profiles(g *gateway, o options) ([]row, error) {
	if o.admin == "" {
		return nil, errors.New("say where the admin endpoint is")
	}
	clients, err := g.open(atOnce, get)
	if err != nil {
		return nil, err
	}
	var asked, failed atomic.Int64
	var over atomic.Bool
	var all sync.WaitGroup
	defer func() {
		over.Store(true)
		all.Wait()
		shut(clients)
	}()
	for _, c := range clients {
		all.Go(func() {
			for !over.Load() {
				if c.ask() != nil {
					failed.Add(1)
					time.Sleep(pause)
				}
				asked.Add(1)
			}
		})
	}
	time.Sleep(settle)
	kept := filepath.Join(os.Getenv("WORK"), "profiles")
	if err := os.MkdirAll(kept, 0o755); err != nil { //nolint:gosec // beside what else was measured
		return nil, err
	}
	look := func(what string, during time.Duration) (profile []byte, requests float64, err error) {
		before := asked.Load()
		profile, err = fetch(o.admin, fmt.Sprintf("/debug/pprof/%s?seconds=%.0f", what, during.Seconds()))
		requests = float64(asked.Load() - before)
		if err == nil {
			err = os.WriteFile(filepath.Join(kept, what), profile, 0o600)
		}
		return profile, requests, err
	}
	got := map[string][]stack{}
	requests := map[string]float64{}
	for _, what := range []string{"profile", "allocs", "block", "mutex"} {
		profile, n, err := look(what, o.during)
		if err != nil {
			return nil, err
		}
		if got[what], err = readProfile(profile); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		requests[what] = n
	}
	trace, n, err := look("trace", traced)
	if err != nil {
		return nil, err
	}
	over.Store(true)
	sched, err := tool(trace, "trace", "-pprof=sched")
	if err != nil {
		return nil, err
	}
	if got["sched"], err = readProfile(sched); err != nil {
		return nil, fmt.Errorf("sched: %w", err)
	}
	text, err := tool(trace, "trace", "-d=parsed")
	if err != nil {
		return nil, err
	}
	gc, err := parsePhases(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if n := failed.Load(); n > 0 {
		fmt.Fprintf(os.Stderr, "%d of %d requests failed\n", n, asked.Load())
	}
	tellWork(got["profile"], got["allocs"], requests["profile"], requests["allocs"])
	tellWaits("Waiting (block profile)", got["block"], requests["block"])
	tellWaits("Waiting for locks (mutex profile)", got["mutex"], requests["mutex"])
	tellWaits("Waiting for a processor (execution trace)", got["sched"], n)
	fmt.Printf("\nGarbage collection (execution trace): %d cycles in %.1f s; marking %.1f %% of the time; helping %.2f µs a request; all stopped %.3f %% of the time, at most %.0f µs\n",
		gc.cycles, gc.whole.Seconds(), gc.share(gc.mark), float64(gc.assist.Nanoseconds())/1000/n, gc.share(gc.stopped), float64(gc.longest.Nanoseconds())/1000)
	return nil, nil
}

// shown is how many rows a table has.
const shown = 24

// work is what is done at one place for a request.
type work struct {
	name                       string
	cpu, calls, objects, bytes float64
}

// tellWork tells processor's time and allocations by packages.
func tellWork(cpu, allocs []stack, asked, askedAllocs float64) {
	at := map[string]*work{}
	get := func(s stack) *work {
		_, pkg := s.place()
		if at[pkg] == nil {
			at[pkg] = &work{name: pkg}
		}
		return at[pkg]
	}
	all := work{name: "all"}
	for _, s := range cpu {
		w, took := get(s), float64(s.values[1])/1000/asked // ns
		w.cpu, all.cpu = w.cpu+took, all.cpu+took
		if s.calls() {
			w.calls, all.calls = w.calls+took, all.calls+took
		}
	}
	for _, s := range allocs {
		w, objects, bytes := get(s), float64(s.values[0])/askedAllocs, float64(s.values[1])/askedAllocs
		w.objects, w.bytes, all.objects, all.bytes = w.objects+objects, w.bytes+bytes, all.objects+objects, all.bytes+bytes
	}
	rows := make([]work, 0, len(at))
	for _, w := range at {
		rows = append(rows, *w)
	}
	slices.SortFunc(rows, func(a, b work) int { return cmp.Or(cmp.Compare(b.cpu, a.cpu), strings.Compare(a.name, b.name)) })
	others := work{name: "others"}
	for len(rows) > shown {
		w := rows[len(rows)-1]
		rows = rows[:len(rows)-1]
		others = work{"others", others.cpu + w.cpu, others.calls + w.calls, others.objects + w.objects, others.bytes + w.bytes}
	}
	fmt.Print("| package | µs of CPU per request | % | of that in system calls | allocations | bytes |\n|---|---|---|---|---|---|\n")
	for _, w := range append(rows, others, all) {
		fmt.Printf("| `%s` | %.1f | %.1f | %.1f | %.1f | %.0f |\n", w.name, w.cpu, 100*w.cpu/all.cpu, w.calls, w.objects, w.bytes)
	}
}

// sites is how many places of waiting are told.
const sites = 10

// tellWaits tells how often and how long is waited for a request, and where.
func tellWaits(what string, stacks []stack, asked float64) {
	type wait struct {
		name         string
		times, taken float64
	}
	at := map[string]*wait{}
	var all wait
	for _, s := range stacks {
		name, _ := s.place()
		if at[name] == nil {
			at[name] = &wait{name: name}
		}
		times, taken := float64(s.values[0])/asked, float64(s.values[1])/1000/asked
		at[name].times, at[name].taken = at[name].times+times, at[name].taken+taken
		all.times, all.taken = all.times+times, all.taken+taken
	}
	rows := make([]*wait, 0, len(at))
	for _, w := range at {
		rows = append(rows, w)
	}
	slices.SortFunc(rows, func(a, b *wait) int { return cmp.Or(cmp.Compare(b.taken, a.taken), strings.Compare(a.name, b.name)) })
	fmt.Printf("\n%s: %.2f times and %.2f µs a request\n\n| at | times | µs |\n|---|---|---|\n", what, all.times, all.taken)
	for _, w := range rows[:min(sites, len(rows))] {
		fmt.Printf("| `%s` | %.3f | %.2f |\n", w.name, w.times, w.taken)
	}
}

// phases are the parts of a trace in which garbage is collected.
type phases struct {
	whole, mark, assist, stopped, longest time.Duration
	cycles                                int
}

func (p phases) share(of time.Duration) float64 { return 100 * float64(of) / float64(max(p.whole, 1)) }

var (
	reTime  = regexp.MustCompile(` Time=(\d+)`)
	reRange = regexp.MustCompile(` Range(Begin|End) Time=\d+ Name="([^"]+)" Scope=(\S+)`)
)

// parsePhases reads what go tool trace -d=parsed prints.
func parsePhases(text io.Reader) (phases, error) {
	var p phases
	var first, now int64
	open := map[string]int64{}
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := reTime.FindSubmatch(lines.Bytes())
		if m == nil {
			continue
		}
		now, _ = strconv.ParseInt(string(m[1]), 10, 64) // digits, of a clock
		if first == 0 {
			first = now
		}
		m = reRange.FindSubmatch(lines.Bytes())
		if m == nil {
			continue
		}
		name := string(m[2])
		key := name + string(m[3])
		if string(m[1]) == "Begin" {
			open[key] = now
			continue
		}
		began, seen := open[key]
		if !seen {
			began = first // before the trace did
		}
		delete(open, key)
		took := time.Duration(now - began)
		switch {
		case name == "GC concurrent mark phase":
			p.cycles, p.mark = p.cycles+1, p.mark+took
		case name == "GC mark assist":
			p.assist += took
		case strings.HasPrefix(name, "stop-the-world (GC"):
			p.stopped, p.longest = p.stopped+took, max(p.longest, took)
		}
	}
	p.whole = time.Duration(now - first)
	return p, lines.Err()
}
