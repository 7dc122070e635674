package upstream

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// transport is Caddy's HTTP transport with the gateway's work done where it is safe: on the request after the proxy
// removed hop-by-hop fields, so that no "Connection: close, X-Consumer-Id" of a client removes what we say; and on
// the answer before anything of it is written, so that a problem can still take its place.
type transport struct {
	*reverseproxy.HTTPTransport
	probing func() bool
}

var errNotStarted = errors.New("not started")

// RoundTrip sends one try. Each try of a retried request starts from the same body.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchange.FromContext(req.Context())
	if x == nil { // an active health check
		if !t.probing() {
			return nil, errNotStarted
		}
		return t.HTTPTransport.RoundTrip(req)
	}
	for name, values := range x.Forward {
		req.Header[name] = values
	}
	if x.Body.Read {
		setBody(req, x.Body.Bytes)
	}
	if x.Back != nil && x.Back.Buffers() > 0 {
		req.Header["Accept-Encoding"] = []string{"identity"}
		// A part or a digest of the service's form says nothing of the form the caller gets.
		for _, name := range []string{"Range", "If-Range", "Want-Content-Digest", "Want-Repr-Digest"} {
			delete(req.Header, name)
		}
	}
	res, err := t.HTTPTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res, nil
	}
	if prob := back(x, res); prob != nil {
		res.Body.Close() //nolint:errcheck // nothing more is wanted of it
		return nil, prob
	}
	return res, nil
}

func setBody(req *http.Request, b []byte) {
	req.TransferEncoding, req.Trailer = nil, nil
	if len(b) == 0 {
		req.Body, req.ContentLength = nil, 0
		delete(req.Header, "Content-Length")
		return
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	req.Header["Content-Length"] = []string{strconv.Itoa(len(b))}
}

// back takes an answer through the stages of the way back and puts on what every answer of this request carries.
func back(x *exchange.Exchange, res *http.Response) *problem.Problem {
	if x.Back != nil {
		r := &exchange.Response{Status: res.StatusCode, Header: res.Header, Stream: res.Body}
		if !hasBody(x.Method, res) {
			r.Stream = nil
		}
		if x.Back.Buffers() > 0 && r.Stream != nil && coded(res.Header) {
			return problem.New(problem.BadGateway, "").Because(errors.New("the service answered in a content coding although asked for none"))
		}
		if prob := x.Back.Return(x, r); prob != nil {
			return prob
		}
		if r.Read {
			res.Body.Close() //nolint:errcheck // read to its end
			res.Body = io.NopCloser(bytes.NewReader(r.Bytes))
			res.ContentLength = int64(len(r.Bytes))
			res.TransferEncoding, res.Trailer = nil, nil
			res.Header["Content-Length"] = []string{strconv.Itoa(len(r.Bytes))}
		} else if x.Back.Buffers() > 0 && r.Stream == nil && x.Method == http.MethodHead {
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
	return nil
}

func hasBody(method string, res *http.Response) bool {
	return method != http.MethodHead && res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusNotModified && res.ContentLength != 0
}

func coded(h http.Header) bool {
	for _, v := range h["Content-Encoding"] {
		if v != "" && !strings.EqualFold(v, "identity") {
			return true
		}
	}
	return false
}
