package attacks

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/rego"
)

// guarded are routes whose policies are asked directly beside the gateway: the path that a service is asked for, the path
// that callers ask for, and the query; "" is a route that is open to all who are known, or to anybody.
var guarded = []struct {
	asked, sent, policy string
	anonymous, keys     bool // whether it is open to anybody, and whether it takes API keys
}{
	{"/files/{area}", "/files/{area}", "data.attacks.files.allow", false, true},
	{"/files/{area}/{name}", "/files/{area}/{name}", "data.attacks.files.allow", false, true},
	{"/files/{area}/{name}/{part}", "/files/{area}/{name}/{part}", "data.attacks.files.allow", false, true},
	{"/site/public", "/site/public", "", true, true},
	{"/site/public/{name}", "/site/public/{name}", "", true, true},
	{"/site/admin", "/site/admin", "data.attacks.managers.allow", false, false},
	{"/site/admin/{name}", "/site/admin/{name}", "data.attacks.managers.allow", false, false},
	{"/api/v2/orders", "/api/orders", "data.shop.orders.allow", false, true},
	{"/api/v2/orders/{id}", "/api/orders/{id}", "data.shop.orders.allow", false, true},
}

// asked are the paths that are spelled.
var asked = []string{
	"/files/public", "/files/own", "/files/private", "/files/public/a", "/files/own/acme", "/files/own/globex", "/files/own/grace", "/files/private/a", "/files/own/acme/b",
	"/files/own/globex/b", "/site/public", "/site/public/a", "/site/admin", "/site/admin/a", "/api/v2/orders", "/api/v2/orders/acme-1", "/api/v2/orders/globex-1",
}

// callers are who asks for them, as policies know them.
var callers = map[string]map[string]any{
	"acme":    {"id": "acme", "method": "api_key", "scopes": []any{}, "groups": []any{}},
	"clerk":   {"id": "ada", "method": "jwt", "claims": map[string]any{"sub": "ada", "role": "clerk"}},
	"manager": {"id": "grace", "method": "jwt", "claims": map[string]any{"sub": "grace", "role": "manager"}},
	"nobody":  nil,
}

// judge asks the policies themselves.
type judge struct {
	t       *testing.T
	queries map[string]rego.PreparedEvalQuery
	known   map[string]bool
}

func newJudge(t *testing.T, folder string) *judge {
	t.Helper()
	j := &judge{t: t, queries: map[string]rego.PreparedEvalQuery{}, known: map[string]bool{}}
	for _, route := range guarded {
		if _, ok := j.queries[route.policy]; ok || route.policy == "" {
			continue
		}
		q, err := rego.New(rego.Query(route.policy), rego.Load([]string{folder}, nil)).PrepareForEval(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		j.queries[route.policy] = q
	}
	return j
}

// match gives the parameters of a pattern that segments have, nil for none.
func match(pattern string, segments []string) map[string]any {
	parts := strings.Split(pattern[1:], "/")
	if len(parts) != len(segments) {
		return nil
	}
	found := map[string]any{}
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			found[part[1:len(part)-1]] = segments[i]
		} else if part != segments[i] {
			return nil
		}
	}
	return found
}

// verdict is what becomes of a request for a path: 404 where there is no route, 200 where the policy says so to who is known,
// 401 and 403 otherwise. The path is one that callers ask for, or one that a service is asked for.
func (j *judge) verdict(segments []string, who string, sent bool) int {
	for _, route := range guarded {
		pattern := route.asked
		if sent {
			pattern = route.sent
		}
		parameters := match(pattern, segments)
		switch {
		case parameters == nil:
			continue
		case route.anonymous:
			return http.StatusOK
		case callers[who] == nil, callers[who]["method"] == "api_key" && !route.keys:
			return http.StatusUnauthorized
		}
		key := route.policy + "\x00" + who + "\x00" + strings.Join(segments, "\x00")
		allowed, ok := j.known[key]
		if !ok {
			base, rest, _ := strings.Cut(strings.TrimPrefix(route.sent, "/"), "/")
			input := map[string]any{
				"request":  map[string]any{"method": http.MethodGet, "segments": segments},
				"consumer": callers[who],
				"api":      map[string]any{"name": base, "route": "GET /" + rest, "parameters": parameters},
			}
			result, err := j.queries[route.policy].Eval(j.t.Context(), rego.EvalInput(input))
			if err != nil {
				j.t.Fatal(err)
			}
			allowed = result.Allowed()
			j.known[key] = allowed
		}
		if allowed {
			return http.StatusOK
		}
		return http.StatusForbidden
	}
	return http.StatusNotFound
}

// literal reads a path in the one way that is not in doubt: each segment decoded once, a slash at the end left out.
func literal(written string) (segments []string, ok bool) {
	written, _, _ = strings.Cut(strings.TrimPrefix(written, "https://localhost"), "?")
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(written, "/"), "/"), "/") {
		decoded, err := url.PathUnescape(part)
		if err != nil {
			return nil, false
		}
		segments = append(segments, decoded)
	}
	return segments, true
}

// readings are what services may make of a path that they are sent: decoded again and again, parameters left out, backslashes
// for slashes, parents resolved, in small letters.
func readings(sent string) [][]string {
	var all [][]string
	add := func(text string) {
		var segments []string
		for part := range strings.SplitSeq(strings.Trim(path.Clean("/"+text), "/"), "/") {
			name, _, _ := strings.Cut(part, ";")
			segments = append(segments, strings.TrimRight(strings.TrimSpace(name), ".\x00"))
		}
		all = append(all, segments)
	}
	text := sent
	for range 3 {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			break
		}
		text = decoded
		for _, form := range []string{text, strings.ReplaceAll(text, "\\", "/"), strings.ToLower(text)} {
			add(form)
		}
	}
	return all
}

// TestSpellings asks for each path in each spelling, by each caller, and holds what the gateway does against what the policies
// say when they are asked directly: it refuses with 400, or gives the verdict of the path that was meant, and what it lets
// pass no service can read as a path that the policy denies.
func TestSpellings(t *testing.T) {
	t.Parallel()
	g := start(t)
	j := newJudge(t, filepath.Join(g.Folder, "policies"))
	watch := g.watch(t)
	asks := g.asker()
	n, refused, passed := 0, 0, 0
	for _, canonical := range asked {
		segments := strings.Split(canonical[1:], "/")
		for _, s := range spellings() {
			for _, written := range s.write(segments) {
				for who := range callers {
					n++
					before := g.service.count()
					protocol, status := asks(who, written)
					saw := g.service.since(before)
					passed += len(saw)
					read, ok := literal(written)
					want := 0 // 400 alone
					if ok {
						want = j.verdict(read, who, false)
					}
					switch {
					case status == http.StatusBadRequest, status == 0:
						refused++
						if s.name == "as it is" {
							t.Errorf("%s by %s over %s is refused as it is", written, who, protocol)
						}
					case status == http.StatusUnauthorized && who == "nobody" && want == http.StatusNotFound: // who is asked for first where a caller may be pinned to a version
					case status != want:
						t.Errorf("%s (%s) by %s over %s: got %d, and the policy says %d to %q", written, s.name, who, protocol, status, want, read)
					}
					if want := map[bool]int{true: 1}[status == 200]; len(saw) != want {
						t.Errorf("%s by %s over %s: answered %d, and the service saw %d requests", written, who, protocol, status, len(saw))
					}
					for _, sighting := range saw {
						target, _, _ := strings.Cut(sighting.target, "?")
						for _, reading := range readings(target) {
							if verdict := j.verdict(reading, who, true); verdict != http.StatusOK && verdict != http.StatusNotFound {
								t.Errorf("%s by %s: the service saw %s, which can be read as %q, to which the policy says %d", written, who, sighting.target, reading, verdict)
							}
						}
					}
				}
			}
		}
	}
	watch.allowed += passed
	watch.settle()
	t.Logf("asked %d times, refused %d, passed %d", n, refused, passed)
	if n < 8_000 || passed < 500 || refused < 1000 {
		t.Error("these are fewer than there were")
	}
}

// asker gives what asks for a path, on connections that are kept, over one protocol after the other.
func (g *gateway) asker() func(who, written string) (protocol string, status int) {
	fields := map[string]string{}
	v := g.values(g.front())
	for who := range callers {
		fields[who] = v.expand(credentials[who])
	}
	var c1 *tls.Conn
	var r1 *bufio.Reader
	var c2 *client2
	var c3 *client3
	stream := uint32(1)
	n := 0
	return func(who, written string) (string, int) {
		n++
		r := request{method: http.MethodGet, target: written}
		if name, value, ok := strings.Cut(fields[who], ": "); ok {
			r.fields = append(r.fields, field{name, value})
		}
		switch n % 3 {
		case 0:
			if c1 == nil {
				c1 = g.front().dial("http/1.1")
				r1 = bufio.NewReader(c1)
			}
			wait(c1)
			r.fields = append(r.fields, field{"Connection", "keep-alive"})
			io.WriteString(c1, r.http1(g.front().host())) //nolint:errcheck // the answer tells
			res, err := http.ReadResponse(r1, nil)
			if err != nil {
				g.t.Fatalf("%s: %v", written, err)
			}
			io.Copy(io.Discard, res.Body) //nolint:errcheck // the status is what matters
			if res.Close {
				c1.Close() //nolint:errcheck // nothing more is wanted of it
				c1 = nil
			}
			return "1", res.StatusCode
		case 1:
			if c2 == nil {
				c2 = g.front().dial2()
				g.t.Cleanup(c2.Close)
				stream = 1
			}
			wait(c2.c.(*tls.Conn)) //nolint:forcetypeassert // it was dialled as one
			c2.write(stream, r.frames(g.front().host()))
			a := c2.read(stream)
			stream += 2
			if a.end == "nothing came" {
				g.t.Errorf("%s: nothing came", written)
			}
			if a.status == 0 && !strings.HasPrefix(a.end, "reset") {
				c2.Close()
				c2 = nil
			}
			return "2", a.status
		}
		if c3 == nil {
			c3 = g.front().dial3()
			g.t.Cleanup(c3.Close)
		}
		a := c3.do(r.frames(g.front().host()))
		if a.end == "nothing came" {
			g.t.Errorf("%s: nothing came", written)
		}
		if a.status == 0 && !strings.HasPrefix(a.end, "reset") {
			c3 = nil
		}
		return "3", a.status
	}
}

// wait has the next answer of a connection take as long as the first might: all of them together take longer.
func wait(c *tls.Conn) {
	c.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the answer tells
}
