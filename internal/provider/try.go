package provider

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/clienttoken"
	"github.com/wicketgate/wicketgate/internal/patience"
	"github.com/wicketgate/wicketgate/internal/tracing"
)

const (
	maxDiscarded = 16 << 10 // bytes of an answer that are read for its connection's sake
	maxRequestID = 128      // bytes of the id by which a service knows a request
)

// try asks once, and once more with another token where the one it had was refused.
func (c *Client) try(caller context.Context, q *Request, ends time.Time) (*Answer, *Failure) {
	for replayed := false; ; replayed = true {
		bound := min(c.config.Timeout, time.Until(ends))
		if bound <= 0 {
			return nil, &Failure{Kind: Late, cause: patience.ErrLate}
		}
		blank := (&http.Request{}).WithContext(caller)
		timed, waits := patience.Wait(blank, bound)
		res, token, failure := c.follow(caller, timed.Context(), waits, q) //nolint:bodyclose // whoever gets the answer closes it
		if failure != nil {
			waits.End()
			return nil, failure
		}
		body := &patience.Body{ReadCloser: res.Body, Patience: waits}
		if token != nil {
			refused := res.StatusCode == http.StatusUnauthorized
			switch {
			case replayed:
				c.tokens.Replaced(token, refused)
			case refused && c.tokens.Drop(token):
				discard(body)
				continue
			}
		}
		empty := q.Method == http.MethodHead || res.StatusCode == http.StatusNoContent || res.ContentLength == 0
		return &Answer{Status: res.StatusCode, Header: res.Header, Body: body, Empty: empty, RequestID: c.requestID(res.Header), waits: waits}, nil
	}
}

// follow asks, and goes where the answer sends it as far as that is allowed.
func (c *Client) follow(caller, ctx context.Context, waits *patience.Patience, q *Request) (*http.Response, *clienttoken.Token, *Failure) {
	u := *c.base
	u.Path, u.RawPath, u.RawQuery = "", "", c.query(q.Query)
	u.RawPath = c.base.EscapedPath() + q.Path
	u.Path, _ = url.PathUnescape(u.RawPath) // it is escaped, so it can be
	at := &u
	for hop := 0; ; hop++ {
		req := c.request(ctx, q, at)
		var token *clienttoken.Token
		if c.own(at) {
			var err error
			if token, err = c.authorize(ctx, req); err != nil {
				f := failureOf(caller, waits, err)
				if f.Kind != Gone && f.Kind != Late {
					f = &Failure{Kind: NoToken, cause: err}
				}
				return nil, nil, f
			}
		}
		try := tracing.Party(ctx, req, c.config.Name, q.Template, q.Tries, c.own(at))
		if c.signer != nil && c.own(at) { // over all that is on it, credentials too
			if err := c.signer.Sign(req, q.Body, time.Now()); err != nil {
				try.Failed(err, false)
				return nil, nil, &Failure{Kind: NoToken, cause: err}
			}
		}
		q.Tries++
		res, err := c.network.RoundTrip(req)
		if err != nil {
			try.Failed(err, waits.Late())
			return nil, nil, failureOf(caller, waits, fmt.Errorf("asking %s: %w", at.Host, err))
		}
		try.Answered(res)
		if res.StatusCode == http.StatusSwitchingProtocols {
			res.Body.Close() //nolint:errcheck // nothing more is wanted of it
			return nil, nil, &Failure{Kind: Unreachable, cause: errors.New("the service switched to a protocol that nobody asked for")}
		}
		next := c.next(q, at, res, hop)
		if next == nil {
			return res, token, nil
		}
		discard(res.Body)
		at = next
	}
}

// next is where an answer sends the request; nil where it stays.
func (c *Client) next(q *Request, at *url.URL, res *http.Response, hop int) *url.URL {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	to, err := at.Parse(res.Header.Get("Location"))
	if err != nil || hop >= c.config.Redirects || q.Method != http.MethodGet && q.Method != http.MethodHead || to.User != nil || to.Host == "" {
		return nil
	}
	// A certificate is a credential, too, and belongs to the transport.
	if !c.own(to) && (to.Scheme != "https" || len(c.config.Certificate) > 0) {
		return nil
	}
	to.Fragment = ""
	return to
}

// request makes a request. One to another host than the service's has nothing on it that could be a credential.
func (c *Client) request(ctx context.Context, q *Request, at *url.URL) *http.Request {
	to := *at
	req := (&http.Request{Method: q.Method, URL: &to, Host: to.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}}).WithContext(ctx)
	req.Header["Accept"] = []string{cmp.Or(q.Accept, "application/json")}
	req.Header["Accept-Encoding"] = []string{"identity"}
	req.Header["User-Agent"] = []string{"wicketgate"}
	if !c.own(at) {
		return req
	}
	for _, h := range c.config.Headers {
		req.Header[h.Name] = []string{h.Value}
	}
	for name, values := range q.Header {
		req.Header[name] = values
	}
	if q.Body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(q.Body)), int64(len(q.Body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(q.Body)), nil }
		req.Header["Content-Length"] = []string{strconv.Itoa(len(q.Body))}
	}
	return req
}

// query joins what every request asks for to what this one does.
func (c *Client) query(own string) string {
	var b strings.Builder
	for _, q := range c.config.Query {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(q.Name) + "=" + url.QueryEscape(q.Value))
	}
	if own != "" && b.Len() > 0 {
		b.WriteByte('&')
	}
	return b.String() + own
}

// requestID is the id by which the service knows a request, as far as it is one.
func (c *Client) requestID(h http.Header) string {
	for _, name := range c.config.RequestID {
		if id := h.Get(name); id != "" && len(id) <= maxRequestID && strings.IndexFunc(id, func(r rune) bool { return r < 0x21 || r > 0x7e }) < 0 {
			return id
		}
	}
	return ""
}

// discard ends with an answer, whose connection is kept where little of it is left.
func discard(body io.ReadCloser) {
	io.CopyN(io.Discard, body, maxDiscarded) //nolint:errcheck // nothing more is wanted of it
	body.Close()                             //nolint:errcheck // likewise
}
