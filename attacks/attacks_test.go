package attacks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAttacks carries out the table, group by group, and looks after each whether the gateway is what it was.
func TestAttacks(t *testing.T) {
	g := start(t)
	g.within(patience, "a good request passes", func() bool {
		return g.http1(g.good().http1(g), "GET", 1)[0].status == 200
	})
	for _, group := range groups {
		t.Run(group, func(t *testing.T) {
			watch := g.watch(t)
			for _, a := range read(t, group) {
				for _, protocol := range a.over() {
					t.Run(a.name+"/"+protocol, func(t *testing.T) { watch.attack(t, a, protocol) })
				}
			}
			watch.settle()
		})
	}
}

// good is a request that passes.
func (g *gateway) good() request {
	return (&values{g: g}).parse("GET /api/v2/orders/acme-1", credentials["acme"])
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
	return &watch{g: g, t: t, goroutines: g.goroutines(), allowed: g.service.count(), logged: len(g.said())}
}

// attack carries out a case over a protocol.
func (w *watch) attack(t *testing.T, a attack, protocol string) {
	g := w.g
	w.g.t = t
	defer func() { w.g.t = w.t }()
	before := g.service.count()
	expected := a.expected(protocol)
	answers := g.send(t, a, protocol, len(expected))
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
		if strings.Contains(answer.body, g.folder) {
			t.Errorf("%s: the answer names a folder: %s", a.where(), answer.body)
		}
	}
	saw := g.service.since(before)
	w.allowed += w.compare(t, a, saw)
}

// compare holds what the service saw against what it may see, and gives how many requests that are.
func (w *watch) compare(t *testing.T, a attack, saw []sighting) int {
	var want, got []string
	if cell := a.cells["service"]; cell != "" && cell != "-" {
		for one := range strings.SplitSeq(cell, "⇒") {
			want = append(want, (&values{g: w.g}).expand(strings.TrimSpace(one)))
		}
	}
	for _, s := range saw {
		got = append(got, s.told(w.g))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: the service saw\n\t%s\nand may see\n\t%s", a.where(), strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	return len(want)
}

// send sends a case.
func (g *gateway) send(t *testing.T, a attack, protocol string, answers int) []answer {
	v := &values{g: g}
	as, ok := a.cells["as"]
	if !ok || as == "" {
		as = "acme"
	}
	credential, ok := credentials[as]
	if !ok {
		t.Fatalf("%s: nobody is called %s", a.where(), as)
	}
	switch {
	case a.cells["bytes"] != "":
		var sent strings.Builder
		for i, line := range lines(a.cells["bytes"]) {
			if i > 0 {
				sent.WriteString("\r\n")
			}
			sent.WriteString(v.expand(line))
		}
		method, _, _ := strings.Cut(sent.String(), " ")
		return g.http1(sent.String(), method, answers)
	case a.cells["frames"] != "":
		return g.framed(protocol, v.frames(a.cells["frames"], credential))
	}
	r := v.parse(a.cells["request"], credential)
	if protocol == "1" {
		return g.http1(r.http1(g), r.method, answers)
	}
	return g.framed(protocol, r.frames(g))
}

// framed sends frames over HTTP/2 or HTTP/3.
func (g *gateway) framed(protocol string, frames []frame) []answer {
	if protocol == "3" {
		return g.http3(frames)
	}
	return g.http2(frames)
}

// differs says how an answer differs from what it should be, "" where it does not. One of 400 and more is a problem of the
// type that is named, or where none is named Go's server's, which answers what is no HTTP before anything else sees it. How
// that says so is its own affair where "refused" stands: by a 400, or by an end of the stream or the connection.
func (a answer) differs(want string) string {
	word, rest, _ := strings.Cut(want, " ")
	if word == "refused" && (a.status == 0 || a.status == 400 && a.header.Get("Content-Type") != "application/problem+json") && a.end != "nothing came" {
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
		if a.header.Get("Content-Type") == "application/problem+json" {
			return "it is a problem, of a type that is not named"
		}
	case a.status >= 400:
		if a.header.Get("Content-Type") != "application/problem+json" {
			return "it is no problem"
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
	w.g.alive()
	if a := w.g.http1(w.g.good().http1(w.g), "GET", 1)[0]; a.status != 200 {
		w.t.Errorf("after all of it, a good request gets %v", a)
	}
	w.allowed++
	// Connections that were broken off, and what answers nobody any more, end a moment later.
	const more = 20
	now := 0
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if now = w.g.goroutines(); now <= w.goroutines+more || time.Now().After(end) {
			break
		}
	}
	if now > w.goroutines+more {
		w.t.Errorf("there were %d goroutines, and are %d:\n%.20000s", w.goroutines, now, w.g.asked("/debug/pprof/goroutine?debug=1"))
	}
	if n := w.g.service.count(); n != w.allowed {
		w.t.Errorf("%d requests reached the service, and %d were to", n, w.allowed)
	}
	texts := map[string][]byte{"the log": w.g.said()[w.logged:]}
	for _, path := range []string{"/config/", "/api_gateway/status", "/metrics"} {
		texts[path] = w.g.asked(path)
	}
	for where, text := range texts {
		for _, shown := range w.g.secrets.in(text) {
			w.t.Errorf("%s shows %s", where, shown)
		}
	}
}
