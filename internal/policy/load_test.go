package policy

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// files is a policies folder of a test: text by path.
type files map[string]string

func (f files) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (f files) load(t testing.TB) *Snapshot {
	t.Helper()
	snapshot, diags := Load(context.Background(), []string{f.write(t)}, Options{Limit: MaxLimit}) // on a machine however busy
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return snapshot
}

// told spells diagnostics as "file:line:col-col underlined: summary; detail".
func told(t *testing.T, dir string, diags hcl.Diagnostics) string {
	t.Helper()
	var b strings.Builder
	for _, d := range diags {
		r := d.Subject
		name := strings.TrimPrefix(r.Filename, dir+"/")
		src, _ := os.ReadFile(r.Filename)
		if r.End.Byte > len(src) || r.Start.Line != r.End.Line {
			t.Errorf("range %v is outside of the line", r)
			continue
		}
		fmt.Fprintf(&b, "%s:%d:%d [%s] %s: %s\n", name, r.Start.Line, r.Start.Column, src[r.Start.Byte:r.End.Byte], d.Summary, strings.ReplaceAll(strings.ReplaceAll(d.Detail, dir+"/", ""), notAllowed, " …"))
	}
	return b.String()
}

func TestMistakesAreToldAtTheirPlace(t *testing.T) {
	for _, c := range []struct {
		name  string
		files files
		want  string
	}{
		{"a name that input does not have", files{"a.rego": `package a

allow if input.reqest.method == "GET"
`}, `a.rego:3:16 [reqest] No such name in input: input has no "reqest". Did you mean "request"? It has api, attributes, consumer, parsed_body, parsed_path, parsed_query, request, source_principal, time, truncated_body, version.
`},
		{"a name further inside", files{"a.rego": `package a

allow if {
	"é" == "é"; input.consumer.scope == "x"
}
`}, `a.rego:4:29 [scope] No such name in input.consumer: input.consumer has no "scope". Did you mean "scopes"? It has certificate, claims, groups, id, method, name, plan, scopes.
`},
		{"names in the words of Envoy", files{"a.rego": `package a

import input.attributes.request.http as request

allow if request.headers["X-Tenant"] == "a"

deny if input.attributes.reqest.http.metod

deny if input.consumer.certificate.sans.dn[0]

deny if request.headres.a
`}, `a.rego:7:26 [reqest] No such name in input.attributes: input.attributes has no "reqest". Did you mean "request"? It has contextExtensions, destination, metadataContext, request, routeMetadataContext, source, tlsSession.
a.rego:9:41 [dn] No such name in input.consumer.certificate.sans: input.consumer.certificate.sans has no "dn". Did you mean "dns"? It has dns, email, ip, uri.
a.rego:11:17 [headres] No such name in input.attributes.request.http: input.attributes.request.http has no "headres". Did you mean "headers"? It has body, fragment, headers, host, id, method, path, protocol, query, rawBody, scheme, size.
`},
		{"header fields of Envoy in capitals", files{"a.rego": `package a

import input.attributes.request.http as request

allow if request.headers["X-Tenant"] == "a"

allow if {
	http_request := input.attributes.request.http
	http_request.headers["X-Tenant"]
}

deny if input.attributes.request.http.headers.Authorization
`}, `a.rego:5:26 ["X-Tenant"] Header field never found: Header fields are in input under their names in lower case. Did you mean "x-tenant"?
a.rego:12:47 [Authorization] Header field never found: Header fields are in input under their names in lower case. Did you mean "authorization"?
`},
		{"mistakes that hide behind others", files{"a.rego": `package a

import data.b.unused
import data.b.helper

allow if nothing

allow if input.reqest.method == "GET"

rates[name] := rate if {
	some name, _ in data.prices
	rate := lost
}

names contains name if name == missing

twice(x) := y if y == helper(z)

deny if {
	twice(input.request.path).any.thing == rates.x
	names["x"]
	circle
}

circle if round

round if circle

joined := concat(1, 2)

sent := http.send({"method": "GET"})

bad if twice(1, 2)
`, "b.rego": `package b

import data.a.deny

default allow := false

allow if deny
allow if input.request.metod == "GET"

helper(x) := upper(x)
`}, `a.rego:3:1 [import] Policy does not compile: Import data.b.unused unused.
a.rego:17:1 [twice(x) := y] Policy does not compile: Unused argument x. (hint: use _ (wildcard variable) instead).
a.rego:31:9 [http.send] Function not allowed: http.send …
a.rego:6:10 [nothing] Variable without a value: Var nothing is unsafe.
a.rego:12:2 [rate := lost] Variable without a value: Var lost is unsafe.
a.rego:15:24 [name == missing] Variable without a value: Var missing is unsafe.
a.rego:15:24 [name == missing] Variable without a value: Var name is unsafe.
a.rego:25:1 [circle if round] Rule depends on itself: Rule data.a.circle is recursive: data.a.circle -> data.a.round -> data.a.circle.
a.rego:27:1 [round if circle] Rule depends on itself: Rule data.a.round is recursive: data.a.round -> data.a.circle -> data.a.round.
a.rego:8:16 [reqest] No such name in input: input has no "reqest". Did you mean "request"? It has api, attributes, consumer, parsed_body, parsed_path, parsed_query, request, source_principal, time, truncated_body, version.
a.rego:29:11 [concat(1, 2)] Type mistake in a policy: Concat: invalid argument(s). Have: (number, number, ???) want: (delimiter: string, collection: any<array[string], set[string]>, output: string).
b.rego:8:24 [metod] No such name in input.request: input.request has no "metod". Did you mean "method"? It has address, body, headers, host, method, path, query, scheme, segments.
a.rego:17:18 [y == helper(z)] Variable without a value: Var y is unsafe.
a.rego:17:23 [helper(z)] Variable without a value: Var z is unsafe.
`},
		{"functions that reach outside", files{"a.rego": `package a

allow if http.send({"method": "GET", "url": "http://x"}).status_code == 200

host := opa.runtime().env.HOST

lucky if rand.intn("x", 6) == 5

known if net.lookup_ip_addr(input.request.host)

many := net.cidr_expand("10.0.0.0/8")

every_one if every x in [1] { count(http.send({"x": x})) == 2 }
`}, `a.rego:3:10 [http.send] Function not allowed: http.send …
a.rego:5:9 [opa.runtime] Function not allowed: opa.runtime …
a.rego:7:10 [rand.intn] Function not allowed: rand.intn …
a.rego:9:10 [net.lookup_ip_addr] Function not allowed: net.lookup_ip_addr …
a.rego:11:9 [net.cidr_expand] Function not allowed: net.cidr_expand …
a.rego:13:37 [http.send] Function not allowed: http.send …
`},
		{"a refused function in place of another", files{"a.rego": `package a

lengthy if count([1]) == 1

allow if lengthy with count as net.lookup_ip_addr
`}, `a.rego:5:32 [net.lookup_ip_addr] Function not allowed: net.lookup_ip_addr …
`},
		{"a refused function replaced", files{"a.rego": `package a

lengthy if count([1]) == 1

allow if lengthy with http.send as count
`}, `a.rego:5:23 [http.send] Function not allowed: http.send …
`},
		{"names that only look refused", files{"a.rego": `package a

import data.http

net := {"cidr": 1}

allow if http.send == net.cidr

b if http.send(1)
`}, `a.rego:9:6 [http.send(1)] Type mistake in a policy: Undefined function data.http.send.
`},
		{"refused functions and others' mistakes at once", files{"a.rego": `package a

allow if http.send({}).x

b if input.tme == 1
`}, `a.rego:3:10 [http.send] Function not allowed: http.send …
a.rego:5:12 [tme] No such name in input: input has no "tme". Did you mean "time"? It has api, attributes, consumer, parsed_body, parsed_path, parsed_query, request, source_principal, time, truncated_body, version.
`},
		{"Rego v0", files{"a.rego": `package envoy.authz

import input.attributes.request.http as http_request

default allow = false

allow {
	http_request.method == "GET"
}

deny[reason] {
	reason := "none"
}
`}, "a.rego:7:1 [allow {] Rego v0: This is Rego v0, and policies are in Rego v1 here. `caddy gateway fmt -w` rewrites the file.\n"},
		{"a mistake in what looks like Rego v0", files{"a.rego": `package a

allow {
	input.request.method ==
}
`}, "a.rego:5:1 [}] Not valid Rego: Unexpected } token.\n"},
		{"header fields in capitals", files{"a.rego": `package a

allow if input.request.headers["x-tenant"][0] == "a"

allow if {
	h := "If-Match"
	input.request.headers["If-Match"][0] == input.request.headers[h][0]
	count(input.request.headers.Accept) == 1
}
`}, `a.rego:7:24 ["If-Match"] Header field never found: Header fields are in input under their names in lower case. Did you mean "if-match"?
a.rego:8:30 [Accept] Header field never found: Header fields are in input under their names in lower case. Did you mean "accept"?
`},
		{"unused and unsafe variables, and a call of nothing", files{"a.rego": `package a

import data.b

allow if {
	x := 1
	y == 2
}

deny if nothing(1)
`}, `a.rego:3:1 [import] Policy does not compile: Import data.b unused.
a.rego:6:2 [x := 1] Policy does not compile: Assigned var x unused.
a.rego:10:9 [nothing] Type mistake in a policy: Undefined function nothing.
`},
		{"several files, one that does not parse", files{"a.rego": `package a

allow if {
	input.request.method =
}
`, "b.rego": `package b

import data.a

allow if a.f(1)

deny if input.tim
`}, `a.rego:5:1 [}] Not valid Rego: Unexpected } token.
b.rego:7:15 [tim] No such name in input: input has no "tim". Did you mean "time"? It has api, attributes, consumer, parsed_body, parsed_path, parsed_query, request, source_principal, time, truncated_body, version.
`},
		{"two files that contradict each other", files{"a.rego": "package a\n\nx := 1\n", "b.rego": "package a\n\nx(y) := y\n"}, `a.rego:3:1 [x := 1] Type mistake in a policy: Conflicting rules data.a.x found.
`},
		{"recursion", files{"a.rego": "package a\n\nallow if b\n\nb if allow\n"}, `a.rego:3:1 [allow if b] Rule depends on itself: Rule data.a.allow is recursive: data.a.allow -> data.a.b -> data.a.allow.
a.rego:5:1 [b if allow] Rule depends on itself: Rule data.a.b is recursive: data.a.b -> data.a.allow -> data.a.b.
`},
		{"no package", files{"a.rego": "allow if true\n"}, `a.rego:1:1 [allow if true] Not valid Rego: Package expected.
`},
		{"nothing but a comment", files{"a.rego": "# nothing\n"}, `a.rego:1:1 [#] Not valid Rego: Empty module.
`},
		{"broken annotation", files{"a.rego": "package a\n\n# METADATA\n# title: [\nallow if true\n"}, `a.rego:4:1 [# title: [] Not valid Rego: Yaml: line 1: did not find expected node content.
`},
		{"nothing", files{"a_test.rego": "package a\n", ".hidden.rego": "x", "readme.md": "x"}, `.:1:1 [] No policies: Expected at least one *.rego file here; without a policy every request would be denied.
`},
		{"data", files{"a.rego": "package a\n\nallow if true\n", "data.json": "[1]", "b/x.json": `{"c": 1}`, "b/y.yaml": "c: 2\nd: 3\n", "c/x.json": "{", "d.yaml": "a: [", "e.json": `{"a": {"allow": true}}`}, `c/x.json:1:2 [] Data not well formed: Expected JSON: the document ends in the middle of a value.
d.yaml:1:1 [a] Data not well formed: Expected YAML: yaml: line 1: did not find expected node content.
data.json:1:1 [] Data without names: Data at the top of the policies folder must be an object, whose members are found under data.
b/y.yaml:1:1 [] Data given twice: data.b.c is already given by b/x.json.
a.rego:3:1 [allow if true] Policy does not compile: Conflicting rule for data path a/allow found.
`},
		{"members twice", files{"a.rego": "package a\n\nallow if true\n", "b.json": "{\"ada\": [\"clerk\"],\n \"ada\": [\"admin\"]}", "c.yaml": "x:\n  ada: [clerk]\n  bob: [clerk]\n  ada: [admin]\n", "d/e.json": `{"e": ` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}"}, `b.json:2:2 ["] Data not well formed: Expected JSON: an object has two members of the same name.
c.yaml:4:1 [ ] Data not well formed: Expected YAML: yaml: line 4: mapping key "ada" already defined at line 2.
d/e.json:1:262 [[] Data not well formed: Expected JSON: objects and arrays may be nested 256 deep at most.
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := c.files.write(t)
			snapshot, diags := Load(context.Background(), []string{dir}, Options{})
			if snapshot != nil {
				t.Error("a snapshot in spite of mistakes")
			}
			if got := told(t, dir, diags); strings.ReplaceAll(got, dir, ".") != c.want {
				t.Errorf("got\n%swant\n%s", strings.ReplaceAll(got, dir, "."), c.want)
			}
		})
	}
}

// TestFunctionsOfAddresses calls what policies may call below net., which needs no network.
func TestFunctionsOfAddresses(t *testing.T) {
	q := files{"a.rego": `package a

allow if {
	net.cidr_contains("10.0.0.0/8", input.request.address)
	net.cidr_intersects("10.0.0.0/8", "10.1.0.0/16")
	net.cidr_merge(["10.0.0.0/9", "10.128.0.0/9"]) == {"10.0.0.0/8"}
	net.cidr_is_valid("10.0.0.0/8")
	net.cidr_contains_matches("10.0.0.0/8", "10.1.0.0/16") == {["10.0.0.0/8", "10.1.0.0/16"]}
}
`}.prepare(t, "data.a")
	for address, allow := range map[string]bool{"10.1.2.3": true, "192.0.2.1": false, "2001:db8::1": false} {
		if d, p := q.Decide(&exchange.Exchange{Client: netip.MustParseAddr(address)}); d.Allow != allow || p != nil && p.Cause != nil {
			t.Errorf("%s: got %v, %v; want %v", address, d.Allow, p, allow)
		}
	}
}
