package casetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/delivery"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/report"
)

// Gateway is what cases are tried on: one that was built with a Rig.
type Gateway interface {
	// Serve takes r through all stages, answers it to w, and tells of it in x. The problem is the one that was answered,
	// nil for none; the error, what else ended the answer.
	Serve(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) (*problem.Problem, error)
	// Deliver makes one attempt to deliver an event that was kept.
	Deliver(ctx context.Context, e *ledger.Event) delivery.Result
}

// Try tries a case on g, which serves the catalogue c.
func Try(ctx context.Context, g Gateway, c *catalogue.Catalogue, test *catalogue.Case) report.Result {
	began := time.Now()
	res := report.Result{Kind: report.Case, Group: test.Range.Filename, Name: test.Name, Range: test.Range, Outcome: report.Passed}
	begins := sending{counter: limit.NewMemory(maxKeys), kept: &answers{all: map[string]keptAnswer{}}, events: newEvents()}
	for _, step := range test.Steps {
		failures := try(ctx, g, c, begins, step)
		if step.Name != "" {
			for _, d := range failures {
				d.Summary = fmt.Sprintf("Step %q: %s", step.Name, d.Summary)
			}
		}
		res.Failures = append(res.Failures, failures...)
	}
	if len(res.Failures) > 0 {
		res.Outcome = report.Failed
	}
	res.Took = time.Since(began)
	return res
}

func try(ctx context.Context, g Gateway, c *catalogue.Catalogue, with sending, step *catalogue.Step) hcl.Diagnostics {
	caller, err := consumer(step.As)
	if err != nil {
		return hcl.Diagnostics{fault(step.As.Range, "Unusable claims", "The claims cannot be those of a token: %v.", err)}
	}
	if d := knownIdentity(c, step.As); d != nil {
		return hcl.Diagnostics{d}
	}
	var seen *seen
	now := step.At
	if now.IsZero() {
		now = time.Now()
	}
	for range step.Request.Times {
		s := &sending{caller: caller, counter: with.counter, kept: with.kept, events: with.events, signed: step.Request.Signed, now: now, answers: step.Upstream}
		if step.As != nil {
			s.by = step.As.Identity
		}
		if seen, err = send(ctx, g, c, step, s, nil); err != nil {
			return hcl.Diagnostics{fault(step.Request.Range, "Request not sent", "The request cannot be sent: %v.", err)}
		}
	}
	return seen.judge(step)
}

// knownIdentity looks whether the identity that a case names is there.
func knownIdentity(c *catalogue.Catalogue, as *catalogue.Caller) *hcl.Diagnostic {
	if as == nil || as.Identity == "" {
		return nil
	}
	var names []string
	for _, i := range c.Identities {
		if i.Name == as.Identity {
			return nil
		}
		names = append(names, i.Name)
	}
	return fault(as.IdentityRange, "Unknown identity", "The catalogue has no identity %q.%s", as.Identity, diagnostic.DidYouMean(as.Identity, names))
}

// seen is what came of sending a request.
type seen struct {
	*sending
	x    *exchange.Exchange
	prob *problem.Problem
	err  error // what ended the answer besides a problem
	w    *writer
}

// send sends a step's request once; account is where the stages tell of it, nil for nowhere.
func send(ctx context.Context, g Gateway, c *catalogue.Catalogue, step *catalogue.Step, s *sending, account *exchange.Account) (*seen, error) {
	r, err := request(ctx, c, &step.Request, s)
	if err != nil {
		return nil, err
	}
	got := &seen{sending: s, x: &exchange.Exchange{Time: step.At, Account: account}, w: &writer{header: make(http.Header)}}
	func() {
		defer func() {
			switch e := recover(); {
			case e == nil:
			case e == http.ErrAbortHandler: //nolint:errorlint // it is this very value that ends an answer
				got.err = errors.New("the answer broke off")
			default:
				got.err = fmt.Errorf("panic: %v", e)
			}
		}()
		got.prob, got.err = g.Serve(got.w, r, got.x)
	}()
	s.deliver(r.Context(), g)
	if got.err == nil {
		got.err = got.w.failed
	}
	if got.x.Broken != nil {
		got.prob = got.x.Broken
	}
	return got, nil
}

// request makes the request as a server would have read it.
func request(ctx context.Context, c *catalogue.Catalogue, from *catalogue.Request, s *sending) (*http.Request, error) {
	target, err := url.ParseRequestURI(from.Target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: from.Method, URL: target, RequestURI: from.Target, Proto: "HTTP/2.0", ProtoMajor: 2, Header: fields(from.Headers),
		Host: from.Host, RemoteAddr: net.JoinHostPort(from.Address.String(), "54321"), TLS: &tls.ConnectionState{HandshakeComplete: true},
		Body: http.NoBody,
	}
	if r.Host == "" {
		r.Host = host(c, from.Target)
	}
	if b := from.Body; b != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b.Bytes)), int64(len(b.Bytes))
		if b.JSON && r.Header["Content-Type"] == nil {
			r.Header["Content-Type"] = []string{"application/json"}
		}
	}
	return r.WithContext(context.WithValue(ctx, sendingKey{}, s)), nil
}

// host is the first host of the API with the longest base path that a target begins with; localhost where there is none.
func host(c *catalogue.Catalogue, target string) string {
	path, _, _ := strings.Cut(target, "?")
	host, longest := "localhost", -1
	for _, a := range c.APIs {
		base := strings.TrimSuffix(a.BasePath, "/")
		if len(a.Hosts) > 0 && len(base) > longest && (path == base || strings.HasPrefix(path, base+"/")) {
			host, longest = a.Hosts[0], len(base)
		}
	}
	return host
}

// writer keeps an answer.
type writer struct {
	header http.Header
	status int // 0 until it is known
	body   bytes.Buffer
	failed error
}

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(b) > maxBody {
		w.failed = fmt.Errorf("the answer has more than %d bytes", maxBody)
		return 0, w.failed
	}
	return w.body.Write(b)
}

// Flush implements http.Flusher: there is nobody to wait for.
func (w *writer) Flush() {}
