package gateway

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/integration"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/route"
	"github.com/wicketgate/wicketgate/internal/tracing"
)

// Serve takes r through all stages and answers it, unless no API that serves says yes to claims it: then r is as it
// was, and nothing has been written. x, which is empty, learns all that is known of the request; client is the
// caller's address. The error is the problem that was answered, or what broke the connection.
func (g *Gateway) Serve(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, client netip.Addr, serves func(api string) bool) (claimed bool, err error) {
	defer x.End()
	// What admission takes off is taken off a copy: a request that no API claims goes on as it came.
	out := r.WithContext(exchange.NewContext(r.Context(), x))
	out.Header = maps.Clone(r.Header)
	x.Account.Begin("admit", false)
	prob := g.admit.Load().Admit(x, out, client)
	x.Times.Lap("admit", false)
	x.Account.End(prob)
	if prob != nil {
		x.Ended = "admit"
		return true, refuse(w, r, x, prob)
	}
	if x.Path.Escaped == listed && (x.Method == http.MethodGet || x.Method == http.MethodHead) && g.list(w, r, x, serves) {
		return true, nil
	}
	if g.signer != nil && x.Path.Escaped == assertion.Path && g.publishes(x.Host, serves) {
		if prob := Publish(w, r, g.signer); prob != nil {
			x.Ended = "route"
			return true, refuse(w, r, x, prob)
		}
		return true, nil
	}
	if g.about(w, x, serves) {
		return true, nil
	}
	if h := g.hooks[x.Path.Escaped]; h != nil && serves(h.Name) {
		return true, g.receive(w, r, x, h)
	}
	x.Account.Begin("route", false)
	m, prob := g.table.Match(x)
	if x.Account != nil {
		x.Account.Note(g.table.Explain(x, &m))
	}
	x.Account.End(prob)
	if m.API == nil || !serves(m.API.Name) {
		return false, nil
	}
	x.Times.Lap("route", false)
	if prob == nil && m.Status == 0 {
		prob = g.identify(x, &m)
	}
	if prob != nil {
		if x.Ended == "" {
			x.Ended = "route"
		}
		return true, refuse(w, r, x, prob)
	}
	if m.Status != 0 {
		x.PutAnswer(w.Header())
		w.WriteHeader(m.Status)
		return true, nil
	}
	to := m.Route.Value.(ways)[m.Index]
	x.MediaType, x.XMLType = m.MediaType, m.XMLType
	stages, prob := to.choose(x)
	if prob != nil {
		x.Ended = "route"
		return true, refuse(w, r, x, prob)
	}
	x.Back = stages
	if stages.Needs().Body != exchange.None {
		AwaitBody(w, r, x, 0)
	}
	if prob = stages.Handle(x); prob != nil {
		return true, refuse(w, r, x, prob)
	}
	if _, asked := to.upstream.(*integration.Route); asked {
		x.Body.Form = nil // what goes to a third party is made of the JSON
	}
	if prob := x.Body.Leave(); prob != nil {
		x.Ended = "validate"
		return true, refuse(w, r, x, prob)
	}
	for _, field := range to.drops {
		delete(x.Header, field)
	}
	for _, parameter := range g.apis[m.API.Name].parameters {
		x.Query.Drop(parameter)
	}
	g.dropKeys(x, to.keeps)
	out = tracing.Upstream(out, x)
	if err = to.forward(w, out, x); err != nil {
		x.Times.Lap("upstream", false)
		if x.Ended == "" {
			x.Ended = "upstream"
		}
		if errors.As(err, &prob) {
			return true, refuse(w, r, x, prob)
		}
		return true, err
	}
	return true, nil
}

// Unclaimed is the answer to a request that no API claims where nobody else answers it: 404, or 421 where it cannot
// mean any API here (RFC 9110, section 15.5.20).
func (g *Gateway) Unclaimed(x *exchange.Exchange) *problem.Problem {
	p := problem.New(problem.NotFound, "no API is served at this address")
	if len(g.hooks) == 0 && g.table.Misdirected(x.Host) { // webhooks are at every host
		p = problem.New(problem.Misdirected, "no API is served at this host")
	}
	x.Name(p)
	return p
}

// identify finds who calls where a credential may name the version, and takes the version from it if nothing else
// named one.
func (g *Gateway) identify(x *exchange.Exchange, m *route.Match) *problem.Problem {
	to := g.apis[m.API.Name]
	if to.open != "" && (m.Pending && x.Path.Escaped == to.open || m.Route != nil && m.Route.Pattern == describing) {
		return m.Pin(x, "", nil)
	}
	if to.identify != nil {
		if prob := to.identify.Handle(x); prob != nil {
			return prob
		}
	}
	if !m.Pending {
		return nil
	}
	version, err := pinOf(to.pin, x)
	return m.Pin(x, version, err)
}

// refuse answers with a problem: the one place through which errors leave.
func refuse(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, prob *problem.Problem) error {
	x.PutAnswer(w.Header())
	x.Name(prob)
	hurry(w, x)
	if err := prob.Write(w, r); err != nil {
		return errors.Join(prob, err)
	}
	return prob
}

// prepare makes out, the copy of the request, what the upstream gets: the very path, query, header and body that the
// stages saw.
func prepare(out *http.Request, x *exchange.Exchange) *http.Request {
	target := &url.URL{Path: x.Target, RawQuery: x.Query.Raw}
	if strings.Contains(x.Target, "%") {
		target.Path, _ = url.PathUnescape(x.Target) // canonical, so it decodes
		target.RawPath = x.Target
	}
	out.URL, out.Header, out.Trailer = target, x.Header, nil
	if !x.Body.Read || out.Method == http.MethodConnect { // a WebSocket over HTTP/2 or 3, whose body is its stream
		return out
	}
	out.ContentLength = int64(len(x.Body.Bytes))
	out.TransferEncoding = nil
	delete(out.Header, "Content-Length") // whoever sends it on writes its own
	if out.ContentLength == 0 {
		out.Body = http.NoBody
		return out
	}
	out.Body = io.NopCloser(bytes.NewReader(x.Body.Bytes))
	return out
}
