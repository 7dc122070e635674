package modules_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/otlptest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	caller  = "00f067aa0ba902b7"
)

// kinds are the spans of a trace of a kind.
func kinds(all []otlptest.Span, kind string) []otlptest.Span {
	return slices.DeleteFunc(slices.Clone(all), func(s otlptest.Span) bool { return s.Kind != kind })
}

// TestTracesOfEvents has a traced event stored while its service is away, restarts the gateway, and has it delivered then: the
// attempt is a span of the same trace, below the one that stored it and linked to it, and the service is told of it. Of two
// subscribers each has spans of its own.
func TestTracesOfEvents(t *testing.T) {
	r := otlptest.Start(t)
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0") // what no caller has begun is not recorded
	l := listen(t)
	l.answers(func(told) int { return 503 })
	dir := t.TempDir()
	t.Setenv("STRIPE_HOOK", stripeSecret)
	t.Setenv("SIGN_HOOK", signSecret)
	gatewaytest.Write(t, filepath.Join(dir, "hooks.hcl"), `
variable "shop" {}
secret "stripe" { env = "STRIPE_HOOK" }
secret "sign" { env = "SIGN_HOOK" }
upstream "shop" { servers = [var.shop] }
webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" { secrets = [secret.stripe] }
  deliver {
    to   = upstream.shop
    path = "/stripe"
  }
}
subscriber "one" {
  to   = upstream.shop
  path = "/one"
  sign = secret.sign
}
subscriber "two" {
  to   = upstream.shop
  path = "/two"
  sign = secret.sign
}
api "events" {
  identify  = [anonymous]
  authorize = public
  object "event" { schema = "event.json" }
  route "POST /publish" {
    accepts = object.event
    publish { to = [subscriber.one, subscriber.two] }
  }
}
`)
	gatewaytest.Write(t, filepath.Join(dir, "event.json"), `{"type": "object"}`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	api_gateway {
		catalogue hooks.hcl
		variable shop `+l.URL+`
		ledger embedded {
			folder ledger
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_tracing {
		span "{http.request.method}"
	}
	api_gateway
}
`)
	parent := "Traceparent: 00-" + traceID + "-" + caller + "-01"
	var first []otlptest.Span
	t.Run("stored", func(t *testing.T) {
		g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
		accepted(t, g, func() gatewaytest.Answer { return stripe(g, `{"id":"evt_0","type":"paid"}`, time.Now()) })
		body, at := `{"id":"evt_1","type":"paid","secret":"SECRET"}`, time.Now().Unix()
		if a := g.Do("POST", "/hooks/stripe", body, parent, "Tracestate: them=1",
			fmt.Sprintf("Stripe-Signature: t=%d,v1=%s", at, signature(stripeSecret, fmt.Sprintf("%d.%s", at, body)))); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if a := g.Do("POST", "/publish", `{"x":"SECRET"}`, parent, "Content-Type: application/json"); a.Status != 202 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		first = r.Await(traceID, func(all []otlptest.Span) bool {
			return len(kinds(all, "producer")) == 3 && len(kinds(all, "consumer")) >= 3 && len(kinds(all, "server")) >= 2
		})
		for _, s := range kinds(first, "consumer") {
			if !s.Error || s.Attributes["error.type"] != "503" {
				t.Errorf("the attempt failed, and its span is %+v", s)
			}
		}
	})
	l.answers(nil)
	t.Run("delivered after a restart", func(t *testing.T) {
		gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
		all := r.Await(traceID, func(all []otlptest.Span) bool {
			return len(slices.DeleteFunc(kinds(all, "consumer"), func(s otlptest.Span) bool { return s.Error })) == 3
		})
		heard := slices.DeleteFunc(l.heard(), func(h told) bool { return !strings.Contains(h.header.Get("Traceparent"), traceID) })
		for _, name := range []string{"stripe", "one", "two"} {
			send, there := otlptest.Named(all, "producer", "send "+name)
			if !there || send.Attributes["messaging.system"] != "wicketgate" || send.Attributes["messaging.destination.name"] != name || send.Attributes["messaging.operation.type"] != "send" || send.Attributes["messaging.message.id"] == "" {
				t.Fatalf("%s was stored in %+v", name, send)
			}
			if !slices.ContainsFunc(all, func(s otlptest.Span) bool { return s.ID == send.Parent && (s.Kind == "server" || s.Name == "upstream") }) {
				t.Errorf("%s was stored below none of %+v", name, all)
			}
			i := slices.IndexFunc(all, func(s otlptest.Span) bool { return s.Kind == "consumer" && s.Name == "process "+name && !s.Error })
			process := all[i]
			if process.Parent != send.ID || !slices.Equal(process.Links, []string{send.ID}) || process.Attributes["messaging.operation.type"] != "process" || process.Attributes["messaging.message.id"] != send.Attributes["messaging.message.id"] {
				t.Errorf("%s was delivered in %+v, and stored in %+v", name, process, send)
			}
			try := slices.IndexFunc(all, func(s otlptest.Span) bool { return s.Kind == "client" && s.Parent == process.ID })
			told := slices.IndexFunc(heard, func(h told) bool { return strings.HasPrefix(h.path, "/"+name) })
			if try < 0 || told < 0 || heard[told].header.Get("Traceparent") != "00-"+traceID+"-"+all[try].ID+"-01" || len(heard[told].header["Traceparent"]) != 1 {
				t.Fatalf("%s was told %+v; the spans are %+v", name, heard, all)
			}
			if state := heard[told].header.Get("Tracestate"); (state == "them=1") != (name == "stripe") {
				t.Errorf("%s was told the state %q", name, state)
			}
		}
	})
	if strings.Contains(string(r.Raw()), "SECRET") {
		t.Error("a query or a body is in a span")
	}
	if len(r.Traces()) != 1 {
		t.Errorf("there are other traces: %q", r.Traces())
	}
}

// TestTracesAlone looks at the spans of stages that stand alone in a Caddyfile.
func TestTracesAlone(t *testing.T) {
	r := otlptest.Start(t)
	_, line := apiKey(t, "acme")
	g, s, _ := alone(t, map[string]string{"partners.keys": line}, "", `
	tracing
	api_auth {
		key X-API-Key partners.keys
		anonymous
	}
	api_validate {
		body json
	}
	api_transform {
		response {
			drop secret
		}
	}
	{PROXY}`)
	s.text(http.StatusOK, "application/json", `{"a":1,"secret":2}`)
	ask := func(trace, body string) gatewaytest.Answer {
		return g.Do("POST", "/x", body, "Content-Type: application/json", "Traceparent: 00-"+trace+"-"+caller+"-01")
	}
	if a := ask(traceID, `{"b":1}`); a.Status != 200 || strings.Contains(a.Body, "secret") {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	served := func(all []otlptest.Span) bool { return len(kinds(all, "server")) == 1 }
	all := r.Await(traceID, served)
	server := kinds(all, "server")[0]
	for _, name := range []string{"identify", "validate", "change back"} {
		if one, there := otlptest.Named(all, "internal", name); !there || one.Parent != server.ID || one.Start.Before(server.Start) || one.End.After(server.End) {
			t.Errorf("%s: %+v; the spans are %+v", name, one, all)
		}
	}
	other := "5" + traceID[1:]
	if a := ask(other, `{`); a.Status != 400 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	server = kinds(r.Await(other, served), "server")[0]
	if server.Attributes["wicketgate.problem"] != "invalid-body" || server.Attributes["wicketgate.stage"] == "" || server.Error {
		t.Errorf("refused: %+v", server)
	}
}

// TestTracesThatBeginHere has traces begin at the gateway: all are recorded, none is, and it is as the caller says. Handlers and
// the upstream are told of those that are not recorded, too.
func TestTracesThatBeginHere(t *testing.T) {
	r := otlptest.Start(t)
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	for _, ratio := range []string{"1", "0"} {
		t.Run(ratio, func(t *testing.T) {
			t.Setenv("OTEL_TRACES_SAMPLER_ARG", ratio)
			g, s, _ := alone(t, map[string]string{}, "", `
	api_tracing {
		span "{http.request.method} {http.vars.trace_id}"
		span_attributes {
			acme.team orders
		}
	}
	header Trace {http.vars.trace_id}
	{PROXY}`)
			told := make(chan http.Header, 1)
			s.answers(func(_ http.ResponseWriter, r *http.Request) { told <- r.Header })
			a := g.Do("GET", "/x", "", "Tracestate: them=1", "Baggage: who=me")
			id, field := a.Header.Get("Trace"), (<-told)
			parent := field.Get("Traceparent")
			if a.Status != 200 || len(id) != 32 || !strings.HasPrefix(parent, "00-"+id+"-") || !strings.HasSuffix(parent, "-0"+ratio) || field.Get("Tracestate") != "" || field.Get("Baggage") != "who=me" {
				t.Fatalf("%d, the trace %s; the upstream was told %v", a.Status, id, field)
			}
			if ratio == "1" {
				all := r.Await(id, func(all []otlptest.Span) bool { return len(all) == 1 })
				if s := all[0]; s.Kind != "server" || s.Parent != "" || s.Attributes["acme.team"] != "orders" || parent[36:52] != s.ID {
					t.Errorf("the span is %+v, and the upstream was told %s", s, parent)
				}
				return
			}
			if a := g.Do("GET", "/x", "", "Traceparent: 00-"+traceID+"-"+caller+"-01", "Tracestate: them=1"); a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			field = <-told
			all := r.Await(traceID, func(all []otlptest.Span) bool { return len(all) == 1 })
			if s := all[0]; s.Parent != caller || field.Get("Traceparent") != "00-"+traceID+"-"+s.ID+"-01" || field.Get("Tracestate") != "them=1" {
				t.Errorf("the span is %+v, and the upstream was told %v", s, field)
			}
			if all := r.Spans(id); len(all) > 0 { // it was asked before
				t.Errorf("what was not to be recorded has the spans %+v", all)
			}
		})
	}
}

// TestExampleTraces runs the example of monitoring as its page says for those who have a collector.
func TestExampleTraces(t *testing.T) {
	r := otlptest.Start(t)
	for name, value := range map[string]string{"TRACES": "traced", "ACCESS_LOG": "discard", "DATA": t.TempDir(), "ADMIN": "off",
		"METRICS_PORT": strconv.Itoa(gatewaytest.FreePort(t)), "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"} {
		t.Setenv(name, value)
	}
	g := gatewaytest.Start(t, monitoring+"Caddyfile")
	shopTraffic(t, g)()
	if a := g.Do("GET", "/api/v2/nothing", "", "Traceparent: 00-"+traceID+"-"+caller+"-01"); a.Status != 404 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	r.Await(traceID, func(all []otlptest.Span) bool { return len(kinds(all, "server")) == 1 })
	if all := r.Traces(); len(all) != 1 {
		t.Errorf("there are other traces: %q", all)
	}
}
