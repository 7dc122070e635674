// Package casetest tries request cases on a gateway: each request goes through the gateway's own stages, and only what
// is around them is the test's: the network behind it records and answers what the case says, counts begin at zero, and
// the case may say who calls.
//
// rig.go stands in the place of the world, try.go sends, judge.go and compare.go hold what happened against what the
// case expects.
package casetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/limit"
)

// Rig is what a gateway on trial is built with: its network, its counters, what it keeps by idempotency keys, and a word in its ways
// to identify callers. All of them belong to the request that asks them, so that the rig itself holds nothing.
type Rig struct{}

const (
	// maxKeys bounds the keys that one case's counters keep, and its idempotency keys.
	maxKeys = 1000
	// maxBody bounds a body that the recording upstream takes, and an answer's: 16 MiB, twice what a stage may hold.
	maxBody = 16 << 20
	// maxArrivals bounds the requests that reach the upstream for one of the caller's.
	maxArrivals = 100
)

// errOutside is what the rig answers to what no case asked for.
var errOutside = errors.New("this is no request of a case")

// sending is one sending of a step's request.
type sending struct {
	caller  *exchange.Consumer // nil where the request's own fields say who calls
	by      string             // the identity in which the caller is known; "" for the first that is asked
	taken   *catalogue.Identity
	counter limit.Counter
	kept    *answers // by idempotency keys
	events  *events
	signed  bool // the call is signed by its sender
	asked   bool // whether it is
	now     time.Time
	answers []*catalogue.Answer
	arrived []arrival
}

// arrival is a request that reached the upstream.
type arrival struct {
	to             string // scheme and host, or the host alone where the transport would choose the scheme
	method, target string
	header         http.Header
	body           []byte
}

type sendingKey struct{}

func sendingOf(ctx context.Context) *sending {
	if ctx == nil {
		return nil
	}
	s, _ := ctx.Value(sendingKey{}).(*sending)
	return s
}

// RoundTrip implements http.RoundTripper: it notes what reaches the upstream and answers as the case says.
func (Rig) RoundTrip(r *http.Request) (*http.Response, error) {
	s := sendingOf(r.Context())
	if s == nil {
		return nil, errOutside
	}
	if len(s.arrived) == maxArrivals {
		return nil, fmt.Errorf("more than %d requests reach the upstream", maxArrivals)
	}
	a := arrival{to: r.URL.Host, method: r.Method, target: r.URL.RequestURI(), header: r.Header.Clone()}
	if r.URL.Scheme != "" {
		a.to = r.URL.Scheme + "://" + a.to
	}
	if r.Body != nil {
		var err error
		a.body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
		if len(a.body) > maxBody {
			return nil, fmt.Errorf("the body has more than %d bytes", maxBody)
		}
	}
	s.arrived = append(s.arrived, a)
	if len(s.answers) == 0 {
		return answer(r, &catalogue.Answer{Status: http.StatusNoContent}), nil
	}
	said := s.answers[min(len(s.arrived), len(s.answers))-1]
	if said.Down {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("the case says that the upstream is down")}
	}
	return answer(r, said), nil
}

// answer makes the answer that a case describes.
func answer(r *http.Request, a *catalogue.Answer) *http.Response {
	res := &http.Response{
		Status: strconv.Itoa(a.Status) + " " + http.StatusText(a.Status), StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: fields(a.Headers), Body: http.NoBody, Request: r,
	}
	if a.Body == nil {
		return res
	}
	if a.Body.JSON && res.Header["Content-Type"] == nil {
		res.Header["Content-Type"] = []string{"application/json"}
	}
	res.ContentLength = int64(len(a.Body.Bytes))
	res.Header["Content-Length"] = []string{strconv.Itoa(len(a.Body.Bytes))}
	if r.Method != http.MethodHead {
		res.Body = io.NopCloser(bytes.NewReader(a.Body.Bytes))
	}
	return res
}

func fields(from []catalogue.Field) http.Header {
	h := make(http.Header, len(from)+2)
	for _, f := range from {
		h[f.Name] = append(h[f.Name], f.Values...)
	}
	return h
}

// Take implements limit.Counter with the counts of the case.
func (Rig) Take(ctx context.Context, now time.Time, charges []limit.Charge, states []limit.State) (bool, error) {
	s := sendingOf(ctx)
	if s == nil {
		return false, errOutside
	}
	return s.counter.Take(ctx, now, charges, states)
}

// Return implements limit.Counter.
func (Rig) Return(ctx context.Context, charges []limit.Charge) {
	if s := sendingOf(ctx); s != nil {
		s.counter.Return(ctx, charges)
	}
}

// Method gives a way to identify oneself that takes the case's word for who calls, where the case has one; everything
// else is left to m.
func (Rig) Method(of *catalogue.Identity, m identity.Method) identity.Method {
	t := &told{m, of}
	switch m := m.(type) {
	case identity.Sharing:
		return &toldSharing{t, m}
	case identity.Ambient:
		return &toldAmbient{t}
	}
	return t
}

// told is a way to identify oneself that may be told who calls.
type told struct {
	identity.Method
	of *catalogue.Identity
}

// Unwrap gives the way that credentials are left to.
func (t *told) Unwrap() identity.Method { return t.Method }

// Present implements identity.Method. The first identity that is asked and fits takes the caller as its own.
func (t *told) Present(x *exchange.Exchange) bool {
	s := sendingOf(x.Context)
	if s == nil || s.caller == nil {
		return t.Method.Present(x)
	}
	if s.taken == nil && (s.by == "" || s.by == t.of.Name) {
		s.taken = t.of
	}
	return s.taken == t.of || t.Method.Present(x)
}

// toldSharing is told, of a way whose field others may read too.
type toldSharing struct {
	*told
	sharing identity.Sharing
}

// Likely implements identity.Sharing: of the caller that a case tells, only one way is to answer for.
func (t *toldSharing) Likely(x *exchange.Exchange) identity.Likelihood {
	if s := sendingOf(x.Context); s != nil && s.caller != nil && s.taken == t.of {
		return identity.Certain
	}
	return t.sharing.Likely(x)
}

// toldAmbient is told, of a way that reads nothing of the request.
type toldAmbient struct{ *told }

// Ambient implements identity.Ambient.
func (*toldAmbient) Ambient() {}

// Authenticate implements identity.Method.
func (t *told) Authenticate(x *exchange.Exchange) (*exchange.Consumer, *identity.Refusal) {
	s := sendingOf(x.Context)
	if s == nil || s.caller == nil || s.taken != t.of {
		return t.Method.Authenticate(x)
	}
	c := *s.caller
	switch {
	case t.of.JWT != nil:
		c.Method = "jwt"
	case t.of.Introspection != nil:
		c.Method = "introspection"
	case t.of.Certificate != nil:
		c.Method = "certificate"
	default:
		c.Method = "api_key"
	}
	return &c, nil
}

// consumer is the caller of a case as identification would have found it; nil where the case names none.
func consumer(as *catalogue.Caller) (*exchange.Consumer, error) {
	if as == nil {
		return nil, nil
	}
	c := &exchange.Consumer{ID: as.Consumer, Name: as.Name, Scopes: as.Scopes, Groups: as.Groups, Version: as.Version, Plan: as.Plan}
	if c.Name == "" {
		c.Name = c.ID
	}
	if as.Claims == nil {
		return c, nil
	}
	claims, err := jsonspan.Decode(as.Claims)
	if err != nil {
		return nil, err
	}
	c.Claims, _ = claims.(map[string]any) // it was found to be an object
	scopes, groups := identity.Granted(c.Claims)
	if c.Scopes == nil {
		c.Scopes = scopes
	}
	if c.Groups == nil {
		c.Groups = groups
	}
	return c, nil
}

// Interface guards
var (
	_ http.RoundTripper = Rig{}
	_ limit.Counter     = Rig{}
	_ identity.Method   = (*told)(nil)
	_ identity.Sharing  = (*toldSharing)(nil)
	_ identity.Ambient  = (*toldAmbient)(nil)
)
