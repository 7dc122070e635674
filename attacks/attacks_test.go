package attacks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/processtest"
)

// TestAttacks carries out the table, group by group, and looks after each whether the gateway is what it was.
func TestAttacks(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.Within(patience, "a good request passes", func() bool {
		return g.asksGood().status == 200
	})
	for _, group := range groups {
		if group != "redis" {
			t.Run(group, func(t *testing.T) { g.carryOut(t, read(t, group)) })
		}
	}
}

// TestAttacksWithoutRedis carries out the page of the table that is about gateways whose Redis is away, and on those that count
// for themselves then also what is tried on limits where memory counts.
func TestAttacksWithoutRedis(t *testing.T) {
	t.Parallel()
	nobody := processtest.FreePort(t)
	for _, fallback := range []string{"local", "deny"} {
		t.Run(fallback, func(t *testing.T) {
			t.Parallel()
			g := start(t, fmt.Sprintf("COUNTERS=counters redis redis://127.0.0.1:%d {\non_error %s\nnodes 1\n}", nobody, fallback))
			g.good = "GET /told" // which nobody counts
			all := read(t, "redis")
			if fallback == "local" {
				all = append(all, read(t, "limits")...)
			}
			g.carryOut(t, slices.DeleteFunc(all, func(a attack) bool {
				return a.page == "redis" && a.cells["on_error"] != fallback || a.page == "limits" && !slices.Contains([]string{"Who is counted", "What it costs", "How many at once"}, a.section)
			}))
		})
	}
}

// carryOut carries out cases, and looks whether the gateway is what it was.
func (g *gateway) carryOut(t *testing.T, all []attack) {
	watch := g.watch(t)
	for _, a := range all {
		for _, protocol := range a.over() {
			t.Run(strings.TrimPrefix(a.section+": ", ": ")+a.name+"/"+protocol, func(t *testing.T) { watch.attack(t, a, protocol) })
		}
	}
	watch.settle()
}

// asksGood sends a request that passes, over HTTP/1.1.
func (g *gateway) asksGood() answer {
	front := g.front()
	return front.http1(g.values(front).parse(g.good, credentials["acme"]).http1(front.host()), 1)[0]
}

// watch looks at what a group does to the gateway.
type watch struct {
	g          *gateway
	t          *testing.T
	goroutines int
	allowed    int // requests that the service may have seen
	logged     int // bytes of the log that have been looked at
}

func (g *gateway) watch(t *testing.T) *watch {
	return &watch{g: g, t: t, goroutines: g.Goroutines(), allowed: g.service.count(), logged: len(g.Log())}
}

// attack carries out a case over a protocol.
func (w *watch) attack(t *testing.T, a attack, protocol string) {
	g := w.g
	w.g.t = t
	defer func() { w.g.t = w.t }()
	before, asked := g.service.count(), g.third.count()
	expected := a.expected(protocol)
	to := g.front()
	if who := a.cells["certificate"]; who != "" {
		to.port = g.devices
		if who != "none" {
			shown := g.shown(who)
			to.certificate = &shown
		}
	}
	v := g.values(to)
	answers := g.send(t, a, v, to, protocol, len(expected))
	for i, want := range expected {
		if i >= len(answers) {
			t.Errorf("%s: answer %d did not come, which should be %s", a.where(), i+1, want)
			break
		}
		if why := answers[i].differs(want); why != "" {
			t.Errorf("%s: answer %d: got %v, want %s: %s", a.where(), i+1, answers[i], want, why)
		}
	}
	for _, answer := range answers {
		for _, shown := range g.secrets.in(fmt.Appendf(nil, "%v", answer)) {
			t.Errorf("%s: the answer shows %s", a.where(), shown)
		}
		if strings.Contains(answer.body, g.Folder) {
			t.Errorf("%s: the answer names a folder: %s", a.where(), answer.body)
		}
	}
	w.allowed += w.compare(t, a, v, "service", g.service, before)
	w.compare(t, a, v, "party", g.third, asked)
}

// compare holds what a service saw against what a column says that it may see, and gives how many requests that are. What it
// may see it must see, too: events are delivered a moment after their senders were answered.
func (w *watch) compare(t *testing.T, a attack, v *values, column string, s *service, before int) int {
	var want, got []string
	if cell := a.cells[column]; cell != "" && cell != "-" {
		for one := range strings.SplitSeq(cell, "⇒") {
			times := 1
			if n, rest, ok := strings.Cut(one, "×"); ok && !strings.Contains(n, "«") {
				times, one = integer(strings.TrimSpace(n)), rest
			}
			want = append(want, slices.Repeat([]string{v.expand(strings.TrimSpace(one))}, times)...)
		}
	}
	for end := time.Now().Add(patience); s.count()-before < len(want) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	for _, sighting := range s.since(before) {
		if sighting.target != "/introspect" { // whose answer the case tells
			got = append(got, sighting.told(v.host))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: the %s saw\n\t%s\nand may see\n\t%s", a.where(), column, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	return len(want)
}

// send sends a case.
func (g *gateway) send(t *testing.T, a attack, v *values, to door, protocol string, answers int) []answer {
	credential, ok := credentials[a.as()]
	if !ok {
		t.Fatalf("%s: nobody is called %s", a.where(), a.as())
	}
	if a.hasToken() {
		credential = "Authorization: Bearer " + v.token(v.expand(a.cells["header"]), v.expand(a.cells["claims"]), v.expand(a.cells["signed"]))
	}
	if cell := a.cells["bytes"]; cell != "" {
		var sent []string
		for _, line := range lines(cell) {
			sent = append(sent, v.expand(line))
		}
		return to.http1(strings.Join(sent, "\r\n"), answers)
	}
	if cell := a.cells["frames"]; cell != "" {
		return to.framed(protocol, v.frames(cell, credential))
	}
	if cell := a.cells["talk"]; cell != "" {
		name, argument, _ := strings.Cut(cell, " ")
		talk, ok := conversations[name]
		if !ok {
			t.Fatalf("%s: there is no conversation %s", a.where(), name)
		}
		return talk(to, v, v.expand(argument))
	}
	cell := a.cells["request"]
	if cell == "" {
		cell = "GET /api/v2/orders"
	}
	r := v.parse(cell, credential)
	if protocol == "1" {
		return to.http1(r.http1(to.host()), answers)
	}
	return to.framed(protocol, r.frames(to.host()))
}

// framed sends frames over HTTP/2 or HTTP/3.
func (d door) framed(protocol string, frames []frame) []answer {
	if protocol == "3" {
		return d.http3(frames)
	}
	return d.http2(frames)
}

// differs says how an answer differs from what it should be, "" where it does not. One of 400 and more is a problem of the
// type that is named, or where none is named Go's server's, which answers what is no HTTP before anything else sees it. How
// that says so is its own affair where "refused" stands: by a 400, or by an end of the stream or the connection.
func (a answer) differs(want string) string {
	var how string
	for want := range strings.SplitSeq(want, " or ") {
		if how = a.differsFrom(want); how == "" {
			return ""
		}
	}
	return how
}

// differsFrom is the same of one of several that are good.
func (a answer) differsFrom(want string) string {
	word, rest, _ := strings.Cut(want, " ")
	if word == "refused" && (a.status == 0 || (a.status == 400 || a.status == 431) && a.header.Get("Content-Type") != "application/problem+json") && a.end != "nothing came" {
		return ""
	}
	if a.end != "" || a.status == 0 {
		if a.end != want && (rest != "" || !strings.HasPrefix(a.end, want+" ")) {
			return "it is another end"
		}
		return ""
	}
	switch {
	case fmt.Sprint(a.status) != word:
		return "it is another status"
	case a.status >= 400 && rest == "":
		if a.header.Get("Content-Type") == "application/problem+json" && a.body != "" {
			return "it is a problem, of a type that is not named"
		}
	case a.status >= 400:
		if a.header.Get("Content-Type") != "application/problem+json" {
			return "it is no problem"
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") == "" {
			return "browsers may take it for a page, or caches keep it"
		}
		if !strings.Contains(a.body, "#"+rest+`","title"`) {
			return "it is a problem of another type"
		}
	}
	return ""
}

// settle looks whether the gateway is what it was before the group.
func (w *watch) settle() {
	w.g.t = w.t
	w.g.Alive()
	if a := w.g.asksGood(); a.status != 200 {
		w.t.Errorf("after all of it, a good request gets %v", a)
	}
	w.allowed++
	// Connections that were broken off, and what answers nobody any more, end a moment later.
	const more = 20
	now := 0
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if now = w.g.Goroutines(); now <= w.goroutines+more || time.Now().After(end) {
			break
		}
	}
	if now > w.goroutines+more {
		w.t.Errorf("there were %d goroutines, and are %d:\n%.20000s", w.goroutines, now, w.g.asked("/debug/pprof/goroutine?debug=1"))
	}
	if n := w.g.service.count(); n != w.allowed {
		w.t.Errorf("%d requests reached the service, and %d were to", n, w.allowed)
	}
	log := w.g.Log()[w.logged:]
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) {
			w.t.Errorf("a line of the log is no JSON: %q", line)
		}
	}
	texts := map[string][]byte{"the log": []byte(log)}
	for _, path := range []string{"/config/", "/api_gateway/status", "/metrics"} {
		texts[path] = w.g.asked(path)
	}
	for where, text := range texts {
		for _, shown := range w.g.secrets.in(text) {
			w.t.Errorf("%s shows %s", where, shown)
		}
	}
}
