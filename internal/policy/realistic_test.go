package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

const realisticQuery = "data.bench.documents.decision"

// realisticPaths are the policy of BenchmarkRealistic, the packages of the library that it is built on, and its data:
// always the same 1,000 roles, 10,000 users and 2,000 tenants.
func realisticPaths(tb testing.TB) []string {
	tb.Helper()
	actions := []string{"list", "read", "create", "replace", "delete"}
	roles, inherits := map[string]any{}, map[string]any{}
	for i := range 1000 {
		name := fmt.Sprintf("role-%d", i)
		permissions := make([]any, 0, 12)
		for j := range 10 {
			permissions = append(permissions, fmt.Sprintf("things-%d:%s", (i*7+j)%300, actions[j%len(actions)]))
		}
		if i%5 == 0 { // those at the ends of inheritance
			permissions = append(permissions, "documents:list", "documents:read:own", "documents:replace:own")
		}
		if i%50 == 0 {
			permissions = append(permissions, "documents:read", "documents:create")
		}
		roles[name] = permissions
		if i%5 != 0 {
			inherits[name] = []any{fmt.Sprintf("role-%d", i-1)}
		}
	}
	users := map[string]any{}
	for i := range 10000 {
		users[fmt.Sprintf("user-%d", i)] = map[string]any{
			"tenant": fmt.Sprintf("tenant-%d", i%2000),
			"roles":  []any{fmt.Sprintf("role-%d", i%1000), fmt.Sprintf("role-%d", (i*13+5)%1000), fmt.Sprintf("role-%d", (i*31+7)%1000)},
		}
	}
	below := map[string]any{}
	for i := range 400 { // each has four below it
		name := fmt.Sprintf("tenant-%d", i)
		children := make([]any, 0, 4)
		for j := 1; j < 5; j++ {
			children = append(children, fmt.Sprintf("tenant-%d", i+400*j))
		}
		below[name] = children
	}
	scopes := map[string]any{}
	for route, scope := range map[string]string{"GET": "documents.read", "POST": "documents.write", "PUT": "documents.write", "DELETE": "documents.write"} {
		scopes[route+" /tenants/{tenant}/documents"] = []any{scope}
		scopes[route+" /tenants/{tenant}/documents/{id}"] = []any{scope}
	}
	weekly := map[string]any{}
	for _, day := range []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"} {
		weekly[day] = []any{[]any{"07:00", "12:30"}, []any{"13:00", "19:00"}}
	}
	data, err := json.Marshal(map[string]any{"bench": map[string]any{
		"roles": roles, "inherits": inherits, "users": users, "tenants": below, "scopes": scopes,
		"networks": []any{"10.0.0.0/8", "172.16.0.0/12", "192.0.2.0/24", "2001:db8::/32"},
		"fields": map[string]any{
			"/data/*/author/email": []any{"people.read"}, "/author/email": []any{"people.read"},
			"/data/*/costs": []any{"accounts.read", "accounts"}, "/costs": []any{"accounts.read", "accounts"}, "/title": []any{"documents.read"},
		},
		"office": map[string]any{
			"zone": "Europe/Berlin", "weekly": weekly,
			"holidays": []any{"2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-10-03", "2026-12-25", "2026-12-26"},
		},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "data.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	paths := []string{"testdata/bench", path}
	for _, name := range []string{"networks", "obligations", "ownership", "roles", "scopes", "tenants", "windows"} {
		paths = append(paths, filepath.Join("../../policies/wicketgate", name, name+".rego"))
	}
	return paths
}

// realisticRequests are the questions of BenchmarkRealistic and whether they are allowed, with most of what requests
// carry and policies do not read.
func realisticRequests() (requests []exchange.Exchange, allow []bool) {
	noon := time.Date(2026, 11, 27, 11, 0, 0, 0, time.UTC) // a Friday
	line := `{"kind": "section", "title": "Terms of delivery", "level": 2, "words": 311, "reviewed": true, "by": ["ada", "lin"]}`
	document := `{"title": "Contract", "language": "de", "tags": ["draft", "legal"], "sections": [` + strings.Repeat(line+", ", 9) + line + `]}`
	for _, c := range []struct {
		route        string
		user, tenant int
		id           string
		at           time.Time
		allow        bool
	}{
		{"GET /tenants/{tenant}/documents", 10, 10, "", noon, true},
		{"GET /tenants/{tenant}/documents/{id}", 10, 410, "user-10-77", noon, true},
		{"GET /tenants/{tenant}/documents/{id}", 50, 50, "user-4-77", noon, true},
		{"PUT /tenants/{tenant}/documents/{id}", 2010, 10, "user-2010-77", noon, true},
		{"POST /tenants/{tenant}/documents", 100, 100, "", noon, true},
		{"PUT /tenants/{tenant}/documents/{id}", 2010, 10, "user-2010-77", noon.Add(10 * time.Hour), false},
		{"GET /tenants/{tenant}/documents/{id}", 10, 11, "user-10-77", noon, false},
		{"DELETE /tenants/{tenant}/documents/{id}", 10, 10, "user-10-77", noon, false},
	} {
		user, tenant := fmt.Sprintf("user-%d", c.user), fmt.Sprintf("tenant-%d", c.tenant)
		method, _, _ := strings.Cut(c.route, " ")
		var body exchange.Body
		if method == "POST" || method == "PUT" {
			body = exchange.Body{Bytes: []byte(document), Read: true, Valid: true}
		}
		requests = append(requests, exchange.Exchange{
			Time: c.at, Method: method, Body: body, Scheme: "https", Host: "api.example.com", Client: netip.MustParseAddr("192.0.2.77"),
			Path: exchange.Path{Escaped: "/tenants/" + tenant + "/documents/" + c.id, Segments: []string{"tenants", tenant, "documents", c.id}},
			Header: http.Header{
				"Accept": {"application/json"}, "Accept-Encoding": {"gzip, br"}, "Accept-Language": {"de, en;q=0.8"},
				"Authorization": {"Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"}, "Cache-Control": {"no-cache"}, "Origin": {"https://app.example.com"},
				"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "User-Agent": {"documents/3.1 (linux; amd64)"},
			},
			API: "documents", Version: "v3", Route: c.route,
			Parameters: []exchange.Parameter{{Name: "tenant", Value: tenant}, {Name: "id", Value: c.id}},
			Consumer: &exchange.Consumer{
				ID: user, Name: user, Method: "jwt", Scopes: []string{"openid", "documents.read", "documents.write"}, Groups: []string{"staff", "berlin"},
				Claims: map[string]any{
					"iss": "https://id.example.com", "sub": user, "aud": []any{"documents"}, "azp": "app", "jti": "f3f1c7", "email": user + "@example.com",
					"iat": json.Number("1795777200"), "exp": json.Number("1795780800"), "scope": "openid documents.read documents.write",
				},
			},
		})
		allow = append(allow, c.allow)
	}
	return requests, allow
}

// opaDecisions asks OPA itself, with all of input as maps, as a program does that embeds it. A store that is optimized
// for reads holds data as the values that policies compute with, and not as maps.
func opaDecisions(tb testing.TB, paths []string, optimized bool) func(input map[string]any) (bool, error) {
	tb.Helper()
	found, err := loader.NewFileLoader().All(paths)
	if err != nil {
		tb.Fatal(err)
	}
	options := []func(*rego.Rego){
		rego.Query(realisticQuery), rego.StrictBuiltinErrors(true),
		rego.Store(inmem.NewFromObjectWithOpts(found.Documents, inmem.OptReturnASTValuesOnRead(optimized))),
	}
	for _, module := range found.Modules {
		options = append(options, rego.ParsedModule(module.Parsed))
	}
	prepared, err := rego.New(options...).PrepareForEval(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return func(input map[string]any) (bool, error) {
		results, err := prepared.Eval(context.Background(), rego.EvalInput(input))
		if err != nil || len(results) != 1 {
			return false, fmt.Errorf("%d results: %w", len(results), err)
		}
		answer, _ := results[0].Expressions[0].Value.(map[string]any)
		return answer["allow"] == true, nil
	}
}

// opaInput is the input document of an exchange, in full: who asks OPA does not know what a policy reads.
func opaInput(x *exchange.Exchange) map[string]any {
	lists := func(m map[string][]string) map[string]any {
		out := map[string]any{}
		for name, values := range m {
			out[name] = list(values)
		}
		return out
	}
	parameters := map[string]any{}
	for _, p := range x.Parameters {
		parameters[p.Name] = p.Value
	}
	request := map[string]any{
		"method": x.Method, "path": x.Path.Escaped, "segments": list(x.Path.Segments), "query": map[string]any{}, "headers": lists(x.Header),
		"host": x.Host, "scheme": x.Scheme, "address": x.Client.String(),
	}
	if len(x.Body.Bytes) > 0 {
		var body any
		if err := util.UnmarshalJSON(x.Body.Bytes, &body); err != nil {
			panic(err) // it is the benchmark's own
		}
		request["body"] = body
	}
	return map[string]any{
		"request": request,
		"api":     map[string]any{"name": x.API, "version": x.Version, "route": x.Route, "parameters": parameters},
		"consumer": map[string]any{
			"id": x.Consumer.ID, "name": x.Consumer.Name, "method": x.Consumer.Method, "claims": x.Consumer.Claims,
			"scopes": list(x.Consumer.Scopes), "groups": list(x.Consumer.Groups),
		},
		"time": x.Time.UnixNano(),
	}
}

func list(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// TestRealistic holds that the benchmark measures decisions, and the same ones on either side.
func TestRealistic(t *testing.T) {
	paths := realisticPaths(t)
	ask, q := opaDecisions(t, paths, true), realistic(t, paths, -1)
	requests, allow := realisticRequests()
	for i := range requests {
		x := requests[i]
		if d, p := q.Decide(&x); d == nil || d.Allow != allow[i] || p != nil && p.Cause != nil {
			t.Errorf("request %d: got %v, %v; want %v", i, d, p, allow[i])
		} else if (d.Obligations != nil) != allow[i] {
			t.Errorf("request %d: obligations %v", i, d.Obligations)
		}
		if got, err := ask(opaInput(&x)); got != allow[i] || err != nil {
			t.Errorf("request %d: OPA says %v, %v; want %v", i, got, err, allow[i])
		}
	}
}

func realistic(tb testing.TB, paths []string, cache int) *Query {
	tb.Helper()
	snapshot, diags := Load(context.Background(), paths, Options{Limit: MaxLimit, Cache: cache})
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	q, diags := snapshot.Prepare(realisticQuery, here)
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	return q
}

// BenchmarkRealisticAtOnce asks from as many goroutines as there are processors: go test -bench AtOnce -cpu 1,2,4 shows
// what more of them bring.
func BenchmarkRealisticAtOnce(b *testing.B) {
	paths := realisticPaths(b)
	requests, allow := realisticRequests()
	for name, cache := range map[string]int{"evaluated": -1, "remembered": DefaultCache} {
		b.Run(name, func(b *testing.B) {
			q := realistic(b, paths, cache)
			b.ReportAllocs()
			b.ResetTimer() // making the policies is no part of it
			b.RunParallel(func(pb *testing.PB) {
				mine := slices.Clone(requests)
				for i := 0; pb.Next(); i = (i + 1) % len(mine) {
					if d, p := q.Decide(&mine[i]); d == nil || d.Allow != allow[i] {
						b.Error(p)
						return
					}
				}
			})
		})
	}
}

// BenchmarkRealistic compares a decision of ours, evaluated and remembered from an equal request, with what it costs to
// ask OPA the same of all of input: with the store that OPA has by default, which converts what policies read of data,
// and with the one optimized for reads. One operation is one decision, of the questions in turn.
func BenchmarkRealistic(b *testing.B) {
	paths := realisticPaths(b)
	requests, allow := realisticRequests()
	for name, cache := range map[string]int{"ours": -1, "ours remembered": DefaultCache} {
		b.Run(name, func(b *testing.B) {
			q := realistic(b, paths, cache)
			b.ReportAllocs()
			for i := 0; b.Loop(); i = (i + 1) % len(requests) {
				x := &requests[i]
				if d, p := q.Decide(x); d == nil || d.Allow != allow[i] {
					b.Fatal(p)
				}
			}
		})
	}
	for _, c := range []struct {
		name      string
		optimized bool
	}{{"opa", false}, {"opa with the store optimized", true}} {
		b.Run(c.name, func(b *testing.B) {
			ask := opaDecisions(b, paths, c.optimized)
			b.ReportAllocs()
			for i := 0; b.Loop(); i = (i + 1) % len(requests) {
				if got, err := ask(opaInput(&requests[i])); err != nil || got != allow[i] {
					b.Fatal(got, err)
				}
			}
		})
	}
}
