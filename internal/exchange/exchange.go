// Package exchange is the one value that carries all that is known of a request on its way through the gateway. Each
// stage reads what those before it found and adds its own finding; nobody reaches back.
package exchange

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/problem"
)

// Exchange is one request, the answer it will get, and everything the stages found out between the two. It belongs
// to the goroutine that serves the request.
type Exchange struct {
	Context context.Context // ends when the client goes away
	ID      string          // names this request in logs, problems and decisions: a UUID
	Time    time.Time       // when the request arrived; every stage uses this clock

	// What admit found: the request in its one canonical form. The upstream gets this very form.
	Method string
	Scheme string      // "http" or "https"
	Host   string      // lower case, without port and trailing dot
	Port   string      // what follows the host: ":8443", "" where the caller wrote none
	Path   Path        // canonical
	Query  Query       // well formed, undecoded until someone asks
	Header http.Header // without hop-by-hop fields and forged identity

	// Address is what the client asked for, "https://api.example/v1/orders", where a proxy in front or a directive
	// before may have changed what the fields above say of it; "" where nobody asks or they say the same.
	Address string

	Peer   string     // the other end of the connection, "192.0.2.7:41000": the caller or a proxy
	Client netip.Addr // the caller's address as Caddy's trusted proxies tell it, without zone
	TLS    *tls.ConnectionState
	Proto  string // "HTTP/2.0"

	// What route found.
	API        string      // label of the api block
	Version    string      // label of the caller's version, "" on an API without versions
	Selected   string      // how the version was chosen: "path", "host", "header", "media type", "query", "pin", "default"
	Route      string      // the pattern, "GET /orders/{id}"
	Parameters []Parameter // of the pattern, in its order
	Target     string      // the escaped canonical path that the upstream is asked for, without the version; its query is Query's

	// Typed is what validation found the parameters that the route declares to say, a JSON object by place and name:
	// {"query":{"limit":10}}; nil until then, and where the route declares none.
	Typed []byte

	// Unknown are query parameters that the route does not declare and that are reported; at most 8.
	Unknown []string

	// MediaType is what the answer's content is called where the caller asked for it by a version's media type; ""
	// otherwise.
	MediaType string

	// XMLType is the same for an answer in XML; where the answer is to be XML, what its content is called.
	XMLType string

	// What identify found; nil when anonymous.
	Consumer *Consumer

	// The body, read at most once, and only if some stage of this route needs it.
	Body Body

	// What authorize decided; nil on a public route, and until then.
	Decision *Decision

	// Denied is how the request will end once it has been charged to its quotas, on a route where that is done behind
	// the decision.
	Denied *problem.Problem

	// Exceeded names the limits for which the request was refused.
	Exceeded []string

	// Unmet names the rules that the request does not meet, those included that only report it, until they are counted.
	Unmet []string

	// Ended is the stage that ended the request's way with a problem, "" as long as none did.
	Ended string

	// Problem is what the request ended with: what its caller was told, or because of which the answer broke off; nil for
	// none, and until then.
	Problem *problem.Problem

	// Once is what is known of a request with an idempotency key, on a route that looks at it; nil otherwise.
	Once *Once

	// Sent says that the request may have reached who answers it: a service, or a third party. Said is the status of the
	// answer to the last try, 0 where none came.
	Sent bool
	Said int

	// Tries counts how often a service was asked since the request was last forwarded to it.
	Tries int

	// Back is who works on the upstream's answer; nil lets it pass as it is.
	Back Back

	// Received is what a third party has answered, while expressions look at it; nil otherwise.
	Received *Received

	// Provider is the id by which a third party knows the request, "" for none: printable ASCII, at most 128 bytes.
	Provider string

	// Refused is the problem that takes the place of the upstream's last answer; nil where that stands.
	Refused *problem.Problem

	// Broken is why the answer broke off after a part of it had gone out; nil where it did not, or the caller left.
	Broken *problem.Problem

	// Challenge is what a sender of webhooks wants to hear in the answer; "" where it asked nothing.
	Challenge string

	// Recorded says that the request is in a trace that somebody records. Unrecorded says that one which nobody does begins with it,
	// and that Header tells of that but not Context.
	Recorded, Unrecorded bool

	// Times is how the request's time went by, where that is asked for.
	Times Timeline

	// Account is what the stages tell of the request's way, where that is to be explained; nil otherwise.
	Account *Account

	// Fields that every answer to this request carries, problems included: lifecycle, quotas, Vary.
	Answer http.Header

	// Fields that the upstream is told, put on after everything the client sent has been taken off: who calls.
	Forward http.Header

	// Room for what most requests have, so that it costs no allocations of its own.
	parameters [4]Parameter
	values     [4]string // each of one field of Answer
	used       int       // of values
	decision   Decision

	obliged []*Obliged // by one policy of a route; of a Caddyfile, by as many as the request passes

	ends []func() // what is to be done at the end: at most one of each stage
}

// Back takes an answer back through the stages of a route.
type Back interface {
	// Reads is what is read of the body of the answer to x.
	Reads(x *Exchange) Reads
	// Return changes the answer; a problem takes its place.
	Return(x *Exchange, r *Response) *problem.Problem
}

// Path is a request path in its one canonical form.
type Path struct {
	Escaped  string   // each segment encoded anew; no trailing slash but of "/", and where the service is sent one
	Segments []string // decoded, none empty; nil for "/"
}

// Parameter is a variable of the route's pattern and the decoded segment that filled it.
type Parameter struct {
	Name, Value string
}

// Query is a query string known to be well formed, decoded when first asked for.
type Query struct {
	Raw    string
	Hidden []string // parameters that were dropped, which nobody may see any more
	values url.Values
}

// Values decodes the query once. The caller must not change the result.
func (q *Query) Values() url.Values {
	if q.values == nil {
		q.values, _ = url.ParseQuery(q.Raw) // admit refused whatever does not parse
	}
	return q.values
}

// Drop takes a parameter with a credential off, however its name is spelt, and leaves the rest of the query as it is.
func (q *Query) Drop(name string) {
	if q.Raw == "" || q.Values()[name] == nil {
		return
	}
	var kept []string
	for part := range strings.SplitSeq(q.Raw, "&") {
		written, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(written); err != nil || decoded != name {
			kept = append(kept, part)
		}
	}
	q.Replace(strings.Join(kept, "&"))
	q.Hidden = append(q.Hidden, name)
}

// Replace puts another raw query in place of the present one.
func (q *Query) Replace(raw string) { *q = Query{Raw: raw, Hidden: q.Hidden} }

// Consumer is who calls, and how that is known.
type Consumer struct {
	ID      string         // who is counted and pinned
	Name    string         // for people; ID where nothing better is known
	Method  string         // "api_key", "jwt", "introspection", "user" (Caddy's own authentication), "certificate"
	Claims  map[string]any // of a token; nil otherwise. Never changed once set.
	Scopes  []string
	Groups  []string
	Version string    // the version this consumer is pinned to, "" for none
	Plan    string    // the name of the consumer's plan of quotas, "" for none
	Expires time.Time // when the credential ends; zero for never
}

// Parameter gives the value of a variable of the route's pattern, "" if there is none of that name.
func (x *Exchange) Parameter(name string) string {
	for i := range x.Parameters {
		if x.Parameters[i].Name == name {
			return x.Parameters[i].Value
		}
	}
	return ""
}

// SetAnswer sets a field that every answer to this request carries. name is in canonical form. The values may be those
// of a verdict, which requests share: what is added to them has no room there.
func (x *Exchange) SetAnswer(name string, values ...string) {
	if x.Answer == nil {
		x.Answer = make(http.Header, 8)
	}
	x.Answer[name] = slices.Clip(values)
}

// AddAnswer adds to a list-valued field that every answer to this request carries. name is in canonical form.
func (x *Exchange) AddAnswer(name string, values ...string) {
	if x.Answer == nil {
		x.Answer = make(http.Header, 8)
	}
	before := x.Answer[name]
	if before == nil && len(values) == 1 && x.used < len(x.values) {
		before = x.values[x.used : x.used : x.used+1]
		x.used++
	}
	x.Answer[name] = append(before, values...)
}

// PutAnswer puts the fields that every answer carries on the header of one, in the place of those of the same name. The
// values are the header's own: Caddy's header handler replaces texts in them where they are, and those of Answer may be
// the ones that all requests share.
func (x *Exchange) PutAnswer(h http.Header) {
	n := 0
	for _, values := range x.Answer {
		n += len(values)
	}
	room := make([]string, 0, n)
	for name, values := range x.Answer {
		from := len(room)
		room = append(room, values...)
		h[name] = room[from:len(room):len(room)]
	}
}

// NewParameters gives room for the parameters of a request, in the place of those it had.
func (x *Exchange) NewParameters(n int) []Parameter {
	if n <= len(x.parameters) {
		x.Parameters = x.parameters[:n:n]
	} else {
		x.Parameters = make([]Parameter, n)
	}
	return x.Parameters
}

// SetForward sets a field that the upstream is told, whatever the client sent under that name. name is in canonical
// form.
func (x *Exchange) SetForward(name, value string) {
	if x.Forward == nil {
		x.Forward = make(http.Header, 4)
	}
	x.Forward[name] = []string{value}
}

// AtEnd has f run when the request has been served, whatever became of it.
func (x *Exchange) AtEnd(f func()) { x.ends = append(x.ends, f) }

// End says that the request has been served: its answer has ended, or broken off. Whoever made x calls it.
func (x *Exchange) End() {
	for _, f := range x.ends {
		f()
	}
	x.ends = nil
}

type contextKey struct{}

// NewContext returns a context that carries x, so that the handlers of one request share one exchange.
func NewContext(ctx context.Context, x *Exchange) context.Context {
	return context.WithValue(ctx, contextKey{}, x)
}

// FromContext gives the exchange that ctx carries, or nil.
func FromContext(ctx context.Context) *Exchange {
	x, _ := ctx.Value(contextKey{}).(*Exchange)
	return x
}
