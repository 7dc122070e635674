package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/patience"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/tracing"
)

// transport is Caddy's HTTP transport with the gateway's work done where it is safe: on the request after the proxy
// removed hop-by-hop fields, so that no "Connection: close, X-Consumer-Id" of a client removes what we say; and on
// the answer before anything of it is written, so that a problem can still take its place.
type transport struct {
	*reverseproxy.HTTPTransport
	name    string            // of the upstream
	network http.RoundTripper // sends a try: HTTPTransport, unless a test listens in its place
	timeout time.Duration     // for an answer that stages read, as far as they do before it goes out, and then for each read
	probing func() bool
	retried func()
}

var errNotStarted = errors.New("not started")

// RoundTrip sends one try. Each try of a retried request starts from the same body.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.roundTrip(req)
	leaseOf(req).tell(req.Context(), res, err)
	return res, err
}

func (t *transport) roundTrip(req *http.Request) (*http.Response, error) {
	x := exchange.FromContext(req.Context())
	if x == nil { // an active health check
		if !t.probing() {
			return nil, errNotStarted
		}
		return t.network.RoundTrip(req)
	}
	x.Refused, x.Ended = nil, "" // of the try before
	if x.Trying(); x.Tries > 1 {
		t.retried()
	}
	for name, values := range x.Forward {
		req.Header[name] = values
	}
	if x.Body.Read {
		setBody(req, x.Body.Bytes)
	}
	reads := x.Back != nil && x.Back.Reads(x).Body
	caller := req.Context()
	var waits *patience.Patience
	if reads {
		form.AskWhole(req.Header)
		for _, name := range []string{"Upgrade", "Connection"} { // nor can another protocol be changed
			delete(req.Header, name)
		}
		req, waits = patience.Wait(req, t.timeout)
	}
	if tracing.Recorded(req.Context()) {
		t.SetScheme(req) // for the address; otherwise Caddy does it in time
	}
	try := tracing.Service(req, x, t.name)
	res, err := t.network.RoundTrip(req)
	if err == nil {
		x.Reached(res.StatusCode)
		try.Answered(res)
	} else if !unconnected(err) {
		x.Reached(0)
	}
	if err != nil {
		try.Failed(err, waits.Late())
		if waits.Late() {
			err = patience.ErrLate
		}
		waits.End()
		return nil, err
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		if !reads && req.Header["Upgrade"] != nil {
			return res, nil
		}
		x.Refused = x.Unfit(errors.New("the service switched to a protocol that nobody asked for"))
	} else {
		if reads {
			res.Body = &patience.Body{ReadCloser: res.Body, Patience: waits}
		}
		res, x.Refused = back(x, res)
	}
	if x.Refused == nil {
		waits.EachRead()
		return res, nil
	}
	res.Body.Close() //nolint:errcheck // nothing more is wanted of it
	waits.End()
	if gone := caller.Err(); errors.Is(gone, context.Canceled) { // and with the caller the answer
		x.Refused = nil
		return nil, gone
	}
	return refused(res), nil
}

// unconnected says that nothing was sent, for there was no connection.
func unconnected(err error) bool {
	var dial reverseproxy.DialError
	var network *net.OpError
	return errors.As(err, &dial) || errors.As(err, &network) && network.Op == "dial"
}

// refusedField marks an answer that a problem takes the place of. It is no field's name, so no service can send it.
const refusedField = ":refused"

// refused is what the proxy is told of an answer that a problem takes the place of: its status, by which it may be
// retried, and nothing else. An error would have the proxy believe that the server is down.
func refused(res *http.Response) *http.Response {
	status := res.StatusCode
	if status == http.StatusSwitchingProtocols {
		status = http.StatusBadGateway
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: res.Proto, ProtoMajor: res.ProtoMajor, ProtoMinor: res.ProtoMinor,
		Header: http.Header{refusedField: {"true"}}, Body: http.NoBody, Request: res.Request,
	}
}

// whenRefused has the proxy hand over where a problem takes the answer's place, and write nothing.
func whenRefused() []caddyhttp.ResponseHandler {
	return []caddyhttp.ResponseHandler{{Match: &caddyhttp.ResponseMatcher{Headers: http.Header{refusedField: {"true"}}}}}
}

// refuse is whom the proxy hands over to.
var refuse = caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
	return exchange.FromContext(r.Context()).Refused
})

// replayable lets a request be sent again only if its body can be: one that streamed past is gone.
type replayable struct{}

// Match implements caddyhttp.RequestMatcher.
func (replayable) Match(r *http.Request) bool {
	x := exchange.FromContext(r.Context())
	return x != nil && (x.Body.Read || x.Body.Length == 0)
}

// MatchWithError implements caddyhttp.RequestMatcherWithError.
func (m replayable) MatchWithError(r *http.Request) (bool, error) { return m.Match(r), nil }

func setBody(req *http.Request, b []byte) {
	req.TransferEncoding, req.Trailer = nil, nil
	delete(req.Header, "Expect") // the caller's wait is over
	if len(b) == 0 {
		req.Body, req.ContentLength = nil, 0
		delete(req.Header, "Content-Length")
		return
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	req.Header["Content-Length"] = []string{strconv.Itoa(len(b))}
}

// back takes an answer through the stages of the way back and puts on what every answer of this request carries. The
// answer it gives is another where its body arrives while it goes out: the trailer fields that come last are the
// service's, and would be put on the one that the transport made.
func back(x *exchange.Exchange, res *http.Response) (*http.Response, *problem.Problem) {
	if x.Back != nil {
		reads := x.Back.Reads(x).Body
		r := &exchange.Response{Status: res.StatusCode, Header: res.Header, Stream: res.Body}
		if !hasBody(x.Method, res) {
			r.Stream = nil
		}
		if reads && r.Stream != nil && form.Coded(res.Header) {
			return res, x.Unfit(errors.New("the service answered in a content coding although asked for none"))
		}
		if prob := x.Back.Return(x, r); prob != nil {
			return res, prob
		}
		if x.Owed() {
			return res, x.Unfit(errors.New("no stage has hidden what the policy wants hidden"))
		}
		switch {
		case r.Read:
			res.Body.Close() //nolint:errcheck // read to its end
			res.Body = io.NopCloser(bytes.NewReader(r.Bytes))
			res.ContentLength = int64(len(r.Bytes))
			res.TransferEncoding, res.Trailer = nil, nil
			res.Header["Content-Length"] = []string{strconv.Itoa(len(r.Bytes))}
		case r.Replaced:
			other := *res
			other.Body, other.ContentLength, other.TransferEncoding, other.Trailer = r.Stream, -1, nil, nil
			delete(res.Header, "Content-Length")
			res = &other
		case r.Stream != nil:
			res.Body = r.Stream
		case reads && (x.Method == http.MethodHead || r.Status == http.StatusNotModified):
			delete(res.Header, "Content-Length") // the service's, of a form the caller does not get
		}
		res.StatusCode = r.Status
	}
	for name, values := range x.Answer {
		if name == "Vary" || name == "Link" {
			res.Header[name] = append(res.Header[name], values...)
			continue
		}
		res.Header[name] = values
	}
	return res, nil
}

func hasBody(method string, res *http.Response) bool {
	return method != http.MethodHead && res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusNotModified && res.ContentLength != 0
}
