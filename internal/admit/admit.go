// Package admit is the first stage of a request. It turns what a client sent into the one canonical form that every
// later stage reads and the upstream gets, takes off whatever could pass for the gateway's own word, and ends with
// 400 everything that two parties could read in two ways.
package admit

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// The bounds that hold where a Config says nothing.
const (
	DefaultMaxURL        = 8 << 10
	DefaultMaxParameters = 256
	DefaultMaxFields     = 100
	DefaultMaxHeader     = 16 << 10
)

// Config bounds a request's head and names the header fields that stages own. Its zero value holds the defaults.
type Config struct {
	// MaxURL is the largest path with query, in bytes as sent; default 8192. More is answered 414.
	MaxURL int
	// MaxParameters is the largest number of query parameters; default 256. More is answered 414.
	MaxParameters int
	// MaxFields is the largest number of header field lines; default 100. More is answered 431.
	MaxFields int
	// MaxHeader is the largest size of all header fields together, in bytes, counting each as "name: value" and its
	// line end; default 16384. More is answered 431.
	MaxHeader int

	// Reserved are fields that the gateway itself writes towards the upstream, beyond the table of this package:
	// a client's are taken off, and names that fold onto one are refused. At most a few dozen.
	Reserved []string
	// Credentials are fields, besides Authorization, in which callers send credentials: never taken off here,
	// refused when sent more than once, and names that fold onto one are refused.
	Credentials []string

	// Now tells the time a request arrived; default time.Now.
	Now func() time.Time
}

// Admit is the stage. It is immutable and serves many requests at once.
type Admit struct {
	config Config
	names  map[string]kind
}

// New makes the stage.
func New(config Config) *Admit {
	or := func(n *int, standard int) {
		if *n <= 0 {
			*n = standard
		}
	}
	or(&config.MaxURL, DefaultMaxURL)
	or(&config.MaxParameters, DefaultMaxParameters)
	or(&config.MaxFields, DefaultMaxFields)
	or(&config.MaxHeader, DefaultMaxHeader)
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Admit{config: config, names: tabulate(config.Reserved, config.Credentials)}
}

// allowed answers TRACE and CONNECT, which no resource behind the gateway supports.
const allowed = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"

// Admit fills x with what r says, in canonical form. client is the caller's address as the server's trusted proxies
// tell it. x.ID, x.Time and x.Context stay what they are where the caller has set them.
//
// The fields taken off are taken off r.Header itself, which x.Header shares, and r.Trailer is dropped: nothing that
// was not judged can travel on. A problem says why the request ends here; x then holds what was found until there.
func (a *Admit) Admit(x *exchange.Exchange, r *http.Request, client netip.Addr) *problem.Problem {
	if x.Context == nil {
		x.Context = r.Context()
	}
	if x.Time.IsZero() {
		x.Time = a.config.Now()
	}
	if x.ID == "" {
		x.ID = uuid.NewString()
	}
	x.Method, x.Proto, x.TLS, x.Scheme = r.Method, r.Proto, r.TLS, "http"
	if r.TLS != nil {
		x.Scheme = "https"
	}
	x.Peer, x.Client = r.RemoteAddr, client.Unmap().WithZone("")
	x.Header = r.Header
	x.Body = exchange.Body{Stream: r.Body, Length: r.ContentLength}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 { // Caddy wraps what has no body, too
		x.Body = exchange.Body{}
	}

	switch {
	case r.Method == http.MethodConnect && extendedConnect(r):
		// RFC 8441: the handshake that HTTP/1.1 writes as a GET. Routes and policies see one spelling.
		// The stream is the socket and no message body, so no stage may read it.
		x.Method, x.Body = http.MethodGet, exchange.Body{}
	case r.Method == http.MethodConnect, r.Method == http.MethodTrace:
		return problem.New(problem.MethodNotAllowed, r.Method+" is not supported").WithHeader("Allow", allowed)
	}
	if p := a.target(x, r.URL); p != nil {
		return p
	}
	host, p := Host(r.Host)
	if p != nil {
		return p
	}
	x.Host, x.Port = host, portOf(r.Host)
	if len(r.TransferEncoding) > 0 && r.Header["Content-Length"] != nil || r.Header["Transfer-Encoding"] != nil {
		return problem.New(problem.BadRequest, "the length of the body is told in two ways")
	}
	// HTTP/2 has a request end with its head whatever length that names, and net/http does not compare the two
	// (RFC 9113, section 8.1.1).
	if length := r.Header["Content-Length"]; length != nil && r.ProtoMajor > 1 && r.ContentLength == 0 && strings.Trim(length[0], "0") != "" {
		return problem.New(problem.BadRequest, "the body is not as long as Content-Length says")
	}
	r.Trailer = nil
	return a.fields(r)
}

// target judges the bytes of the request's target: its form, its size, its path, its query.
func (a *Admit) target(x *exchange.Exchange, u *url.URL) *problem.Problem {
	if u.Opaque != "" || u.User != nil || u.Path == "*" {
		return problem.New(problem.BadRequest, "the request's target is not the path of a resource")
	}
	escaped := sent(u)
	if len(escaped)+1+len(u.RawQuery) > a.config.MaxURL {
		return problem.New(problem.URITooLong, "path and query may have at most "+strconv.Itoa(a.config.MaxURL)+" bytes")
	}
	path, p := Path(escaped, x.Path.Segments[:0])
	if p != nil {
		return p
	}
	x.Path = path
	if p := checkQuery(u.RawQuery, a.config.MaxParameters); p != nil {
		return p
	}
	x.Query.Replace(u.RawQuery)
	return nil
}

// sent gives the path in the very bytes that were sent. url.URL keeps them in RawPath where they differ from its own
// way of writing the path; EscapedPath would already mend what has to be judged here ("/a\b", "/a#b"). A RawPath that
// does not spell Path is the remains of a rewrite and says nothing.
func sent(u *url.URL) string {
	if u.RawPath != "" {
		if path, err := url.PathUnescape(u.RawPath); err == nil && path == u.Path {
			return u.RawPath
		}
	}
	return u.EscapedPath()
}

// extendedConnect says whether r opens a WebSocket over HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220). net/http hands over
// the pseudo-header :protocol as a field, quic-go as r.Proto.
func extendedConnect(r *http.Request) bool {
	switch r.ProtoMajor {
	case 2:
		protocol := r.Header[protocolField]
		return len(protocol) == 1 && strings.EqualFold(protocol[0], "websocket")
	case 3:
		return strings.EqualFold(r.Proto, "websocket")
	}
	return false
}
