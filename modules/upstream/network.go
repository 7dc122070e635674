package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/wicketgate/wicketgate/internal/http1"
	"github.com/wicketgate/wicketgate/internal/proxy"
)

// network is what an upstream's servers are asked through: Caddy's HTTP transport, and for most requests to servers without
// TLS a client that costs less.
type network struct {
	*reverseproxy.HTTPTransport
	plain *http1.Transport  // nil for none
	trial http.RoundTripper // is asked in the place of the network; nil for none
}

// plainly makes the client for servers without TLS. There is none where the environment names a proxy in front of them.
func plainly(t *reverseproxy.HTTPTransport, timeout time.Duration, servers []*url.URL) *http1.Transport {
	for _, address := range servers {
		if address.Scheme != "http" {
			return nil
		}
		if t.Transport.Proxy == nil {
			continue
		}
		if by, err := t.Transport.Proxy(&http.Request{URL: address, Header: http.Header{}}); by != nil || err != nil {
			return nil
		}
	}
	return &http1.Transport{
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			return t.Transport.DialContext(ctx, "tcp", address)
		},
		Timeout: timeout, MaxHeader: maxResponseHeader, MaxIdle: idleConnections, IdleFor: idleFor,
	}
}

// Send implements proxy.Network.
func (n *network) Send(r *http.Request, informed http1.Informed) (*http.Response, error) {
	switch {
	case n.trial != nil:
		return n.trial.RoundTrip(r)
	case n.plain != nil && http1.Takes(r):
		res, err := n.plain.RoundTrip(r, informed)
		return res, unconnected(err)
	case informed == nil:
		res, err := n.RoundTrip(r)
		return res, unconnected(err)
	}
	// net/http may tell of such an answer after RoundTrip has returned, when the header is somebody else's.
	var mu sync.Mutex
	answered := false
	trace := &httptrace.ClientTrace{Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
		mu.Lock()
		defer mu.Unlock()
		if !answered {
			informed(status, header)
		}
		return nil
	}}
	res, err := n.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	mu.Lock()
	answered = true
	mu.Unlock()
	return res, unconnected(err)
}

// unconnected says of an error of Caddy's that there was no connection.
func unconnected(err error) error {
	var dial reverseproxy.DialError
	if errors.As(err, &dial) {
		return fmt.Errorf("%w: %w", proxy.ErrUnconnected, err)
	}
	return err
}

// close ends idle connections.
func (n *network) close() error {
	if n.plain != nil {
		n.plain.Close()
	}
	return n.Cleanup()
}
