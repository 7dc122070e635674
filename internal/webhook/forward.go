package webhook

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/ledger"
)

// received begins the names under which a sender's own fields of Standard Webhooks go on, whose places ours take.
const received = "Received-"

// Request makes the request with which an event goes to a service: the bytes and the header fields as they came, and
// beside them webhook-id, which is the same each time, webhook-timestamp and, where there is a signer,
// webhook-signature.
func Request(ctx context.Context, e *ledger.Event, path string, signer *Signer, now time.Time) (*http.Request, *exchange.Exchange) {
	x := &exchange.Exchange{ID: e.ID, Time: now, Method: http.MethodPost, Scheme: "https", Target: path, Header: make(http.Header, len(e.Header)+4)}
	for name, values := range e.Header {
		if strings.HasPrefix(name, "Webhook-") {
			name = received + name
		}
		x.Header[name] = values
	}
	e.Trace.Put(x.Header)
	x.SetForward("Webhook-Id", e.ID)
	x.SetForward("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	if signer != nil {
		x.SetForward("Webhook-Signature", signer.Sign(e.ID, now, e.Body))
	}
	x.Body = exchange.Body{Read: true, Bytes: e.Body, Length: int64(len(e.Body)), Received: len(e.Body)}
	ctx = exchange.NewContext(ctx, x)
	x.Context = ctx
	target, query, _ := strings.Cut(path, "?")
	if query == "" {
		query = e.Query
	} else if e.Query != "" {
		query += "&" + e.Query
	}
	at := &url.URL{Path: target, RawQuery: query}
	if unescaped, err := url.PathUnescape(target); err == nil && unescaped != target {
		at.Path, at.RawPath = unescaped, target
	}
	r := &http.Request{Method: http.MethodPost, URL: at, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: x.Header, Body: http.NoBody}
	return r.WithContext(ctx), x
}
