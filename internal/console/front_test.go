package console

import "testing"

// A console is guarded where no request comes to it that is not authenticated.
func TestGuarded(t *testing.T) {
	auth, page := Handler{Authenticates: true}, Handler{Console: "/console"}
	at := func(paths ...string) []Set { return []Set{{Paths: append([]string{}, paths...)}} }
	step := func(sets []Set, handlers ...Handler) Step { return Step{Sets: sets, Handlers: handlers} }
	for _, test := range []struct {
		name  string
		steps []Step
		want  bool
	}{
		{"nothing before it", []Step{step(at("/console*"), page)}, false},
		{"behind it", []Step{step(nil, page), step(nil, auth)}, false},
		{"before it, for all", []Step{step(nil, auth), step(at("/console*"), page)}, true},
		{"in the same step", []Step{step(at("/console*"), auth, page)}, true},
		{"in the same step, behind", []Step{step(nil, page, auth)}, false},
		{"for its path", []Step{step(at("/console/*"), auth), step(nil, page)}, true},
		{"for its path, in other letters", []Step{step(at("/CONSOLE*"), auth), step(nil, page)}, true},
		{"for a path above", []Step{step(at("/x", "/*"), auth), step(nil, page)}, true},
		{"for itself alone", []Step{step(at("/console"), auth), step(nil, page)}, false},
		{"for a part of it", []Step{step(at("/console/api/*"), auth), step(nil, page)}, false},
		{"for another path", []Step{step(at("/consoles/*"), auth), step(nil, page)}, false},
		{"for a pattern that looks like it", []Step{step(at("/c*e/*"), auth), step(nil, page)}, false},
		{"for no path", []Step{step(at(), auth), step(nil, page)}, false},
		{"for another kind of request", []Step{step([]Set{{Paths: []string{"/console*"}, Other: true}}, auth), step(nil, page)}, false},
		{"for all, or another kind", []Step{step([]Set{{Other: true}, {}}, auth), step(nil, page)}, true},
		{"in a group, which may be passed by", []Step{{Group: "a", Handlers: []Handler{auth}}, step(nil, page)}, false},
		{"in a group with it", []Step{{Group: "a", Handlers: []Handler{auth, page}}}, true},
		{"within a subroute", []Step{step([]Set{{Other: true}}, Handler{Steps: []Step{step(nil, auth), step(nil, page)}})}, true},
		{"in a subroute before it", []Step{step(nil, Handler{Steps: []Step{step(nil, auth)}}), step(nil, page)}, true},
		{"in a subroute that some pass", []Step{step([]Set{{Other: true}}, Handler{Steps: []Step{step(nil, auth)}}), step(nil, page)}, false},
		{"around its subroute", []Step{step(nil, auth, Handler{Steps: []Step{step(nil, page)}})}, true},
		{"two, one of them open", []Step{step(nil, Handler{Console: "/a"}), step(nil, auth), step(nil, page)}, false},
		{"hidden in another handler", []Step{step(nil, auth), step(nil, Handler{Hides: true}), step(nil, page)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, err := Guarded(test.steps)
			if (err == nil) != test.want || err == nil && n == 0 {
				t.Errorf("%d consoles, %v", n, err)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:8443": true, "localhost.": true, "127.0.0.1": true, "127.8.8.8:80": true, "::1": true, "[::1]": true, "[::1]:8443": true, "::ffff:127.0.0.1": true,
		"": false, ":8443": false, "0.0.0.0": false, "::": false, "[::]:8443": false, "10.0.0.1": false, "localhost.example.org": false, "example.org:80": false, "127.0.0.1.example.org": false, "[::1].example.org": false, "[127.0.0.1]x:80": false,
	} {
		if got := Loopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
