// Package cors tells browsers which pages of other origins may call an API and read its answers: the CORS protocol of
// the Fetch standard (https://fetch.spec.whatwg.org/#http-cors-protocol). It keeps nobody out: a request from an origin
// that is not listed is served like any other, and its browser keeps the answer from the page.
package cors

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Config is what an API lets pages of other origins do.
type Config struct {
	// Origins are those that may, as browsers spell them (see CheckOrigin) and compared exactly; or "*" alone for all
	// of them, which goes without Credentials.
	Origins []string
	// Headers are the fields that pages may send, besides those that any page may.
	Headers []string
	// Expose are the fields of answers that pages may read, besides those that any page may.
	Expose []string
	// Credentials lets pages send the cookies and certificates of the browser, and read the answers.
	Credentials bool
	// MaxAge is how long a browser may keep what a preflight answers, in whole seconds.
	MaxAge time.Duration
}

// Policy is a Config with its fields written out. It is immutable and serves many requests at once.
type Policy struct {
	origins     map[string][]string // Access-Control-Allow-Origin by the origin; nil for any origin
	headers     []string            // nil for none
	expose      []string            // nil for none
	maxAge      []string
	credentials bool
}

// The fields of the protocol, in canonical form, and values of theirs that all answers share.
const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowMethods     = "Access-Control-Allow-Methods"
	allowHeaders     = "Access-Control-Allow-Headers"
	exposeHeaders    = "Access-Control-Expose-Headers"
	maxAge           = "Access-Control-Max-Age"
	requestMethod    = "Access-Control-Request-Method"
)

var (
	anyOrigin     = []string{"*"}
	yes           = []string{"true"}
	varyPreflight = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
)

// New makes a policy. The config has been checked: see CheckOrigin, and Config for what does not go together.
func New(c Config) *Policy {
	p := &Policy{headers: list(c.Headers), expose: list(c.Expose), credentials: c.Credentials}
	p.maxAge = []string{strconv.FormatInt(int64(c.MaxAge/time.Second), 10)}
	if slices.Equal(c.Origins, anyOrigin) {
		return p
	}
	p.origins = make(map[string][]string, len(c.Origins))
	for _, o := range c.Origins {
		p.origins[o] = []string{o}
	}
	return p
}

// list writes the names of fields once each, in order.
func list(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	canonical := make([]string, len(names))
	for i, name := range names {
		canonical[i] = http.CanonicalHeaderKey(name)
	}
	slices.Sort(canonical)
	return []string{strings.Join(slices.Compact(canonical), ", ")}
}

// Varies says whether answers depend on Origin, so that their Vary has to name it.
func (p *Policy) Varies() bool { return p.origins != nil }

// Preflight says whether a request asks, for a page, what the page may do.
func Preflight(x *exchange.Exchange) bool {
	return x.Method == http.MethodOptions && len(x.Header["Origin"]) > 0 && len(x.Header[requestMethod]) > 0
}

// AnswerPreflight sets what a preflight is answered with, methods being those of the resource, a list in one text. An
// origin that is not listed is told nothing.
func (p *Policy) AnswerPreflight(x *exchange.Exchange, methods []string) {
	x.SetAnswer("Vary", varyPreflight...)
	if !p.allow(x) {
		return
	}
	x.SetAnswer(allowMethods, methods...)
	if p.headers != nil {
		x.SetAnswer(allowHeaders, p.headers...)
	}
	x.SetAnswer(maxAge, p.maxAge...)
}

// Answer sets what every other answer to a request carries.
func (p *Policy) Answer(x *exchange.Exchange) {
	if p.allow(x) && p.expose != nil {
		x.SetAnswer(exposeHeaders, p.expose...)
	}
}

// allow sets the fields that let the request's origin read the answer, and says whether it may.
func (p *Policy) allow(x *exchange.Exchange) bool {
	origin := anyOrigin
	if p.origins != nil {
		sent := x.Header["Origin"]
		if len(sent) == 0 {
			return false
		}
		if origin = p.origins[sent[0]]; origin == nil {
			return false
		}
	}
	x.SetAnswer(allowOrigin, origin...)
	if p.credentials {
		x.SetAnswer(allowCredentials, yes...)
	}
	return true
}

// Strip takes off an answer's header what a service behind the gateway says of origins: it knows neither the gateway's
// address nor its versions, and two values of one field let nobody in.
func Strip(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
}
