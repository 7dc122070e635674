package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/http1"
	"github.com/wicketgate/wicketgate/internal/patience"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/tracing"
)

// Network sends a request and gives the answer, as http.RoundTripper does. informed hears answers with a status of 1xx that
// come before; it may be nil.
type Network interface {
	Send(r *http.Request, informed http1.Informed) (*http.Response, error)
}

// Try sends one try to the server of a lease. It does the gateway's work where it is safe: on the request after hop-by-hop
// fields were removed, so that no "Connection: close, X-Consumer-Id" of a client removes what we say; and on the answer
// before anything of it is written, so that a problem can still take its place: x.Refused, and the answer's body is then
// closed. Each try of a retried request starts from the same body. An error that is a problem is of a body that its caller broke off.
func (p *Proxy) Try(r *http.Request, x *exchange.Exchange, lease *Lease, informed http1.Informed) (*http.Response, error) {
	if _, ours := r.Body.(*incoming); !ours && !x.Body.Read && r.Body != nil && r.Body != http.NoBody { // one that Caddy's proxy sends
		r.Body = newIncoming(r)
	}
	res, err := p.try(r, x, informed)
	if err != nil {
		if prob := brokenOff(r); prob != nil {
			if err = r.Context().Err(); err == nil { // else the caller is gone, and told nothing
				err = prob
			}
		}
	}
	lease.tell(r.Context(), res, err)
	return res, err
}

func (p *Proxy) try(r *http.Request, x *exchange.Exchange, informed http1.Informed) (*http.Response, error) {
	x.Refused, x.Ended = nil, "" // of the try before
	if x.Trying(); x.Tries > 1 {
		p.Retried()
	}
	if r.URL.Scheme = "http"; p.Secure {
		r.URL.Scheme = "https"
	}
	for name, values := range x.Forward {
		r.Header[name] = values
	}
	if x.Body.Read {
		setBody(r, x.Body.Bytes)
	}
	reads := x.Back != nil && x.Back.Reads(x).Body
	caller := r.Context()
	var waits *patience.Patience
	if reads {
		form.AskWhole(r.Header)
		for _, name := range []string{"Upgrade", "Connection"} { // nor can another protocol be changed
			delete(r.Header, name)
		}
		r, waits = patience.Wait(r, p.Timeout)
	}
	try := tracing.Service(r, x, p.Name)
	res, err := p.network.Send(r, informed)
	if err == nil {
		x.Reached(res.StatusCode)
		try.Answered(res)
	} else if !Unconnected(err) {
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
		if !reads && r.Header["Upgrade"] != nil {
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
	return res, nil
}

func setBody(r *http.Request, b []byte) {
	r.TransferEncoding, r.Trailer = nil, nil
	delete(r.Header, "Expect") // the caller's wait is over
	if len(b) == 0 {
		r.Body, r.ContentLength = nil, 0
		delete(r.Header, "Content-Length")
		return
	}
	r.Body, r.ContentLength = http1.NewBody(b), int64(len(b))
	r.Header["Content-Length"] = []string{strconv.Itoa(len(b))}
}

// back takes an answer through the stages of the way back and puts on what every answer of this request carries. The
// answer it gives is another where its body arrives while it goes out: the trailer fields that come last are the
// service's, and would be put on the one that the network made.
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
			res.Body = &whole{Reader: *bytes.NewReader(r.Bytes), all: r.Bytes}
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

// whole is a body that is at hand.
type whole struct {
	bytes.Reader
	all []byte
}

var _ io.ReadCloser = (*whole)(nil)

// Close implements io.Closer.
func (*whole) Close() error { return nil }

func hasBody(method string, res *http.Response) bool {
	return method != http.MethodHead && res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusNotModified && res.ContentLength != 0
}
