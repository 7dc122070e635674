package catalogue

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// Integration is an integration block: a third party's service.
type Integration struct {
	Name           string
	URL            string // without a slash at its end
	Timeout        time.Duration
	Deadline       time.Duration
	DialTimeout    time.Duration
	Headers        []Constant // in written order, names in canonical form
	Query          []Constant // in written order
	Redirects      int
	Concurrent     int
	AllowPrivate   bool
	CAFile         File // Path is "" for the system's authorities
	Certificate    File // Path is "" for none
	CertificateKey File
	RequestID      []string // in canonical form
	Problems       string   // what types of problems begin with
	Auth           *Auth    // nil for none
	Sign           *Sign    // nil for none
	Retry          *IntegrationRetry
	Idempotency    *SentKey // nil: no key is sent
	Breaker        *Breaker // nil for none
	Errors         []*ProviderError
	Range          hcl.Range
}

// Constant is a name and its constant value.
type Constant struct{ Name, Value string }

// Auth is an auth block: the credentials of an integration.
type Auth struct {
	Kind       string // "bearer", "basic", "header", "query", "oauth2_client_credentials"
	Name       string // basic: the user's; header, query: of the field or parameter; oauth2: of the client
	Secret     secret.Text
	Prefix     string
	TokenURL   string
	Post       bool // the client's secret is sent in the form
	Scopes     []string
	Parameters []Constant
	Range      hcl.Range
}

// Sign is a sign block.
type Sign struct {
	Kind       string // "hmac" or "message"
	Key        secret.Text
	Header     string // in canonical form
	Hash       string
	Encoding   string
	Prefix     string
	Over       []string
	Separator  string
	Timestamp  string // in canonical form; "" for none
	Algorithm  string
	KeyID      string
	Components []string
	Expires    time.Duration
	Range      hcl.Range
}

// IntegrationRetry says when a request may be sent to an integration again.
type IntegrationRetry struct {
	Attempts int
	On       []string
	Max      time.Duration
}

// SentKey is an integration's idempotency block.
type SentKey struct {
	Header string // in canonical form
	Key    hcl.Expression
}

// Breaker is a breaker block.
type Breaker struct {
	Failures int
	Within   time.Duration
	OpenFor  time.Duration
	Range    hcl.Range
}

// ProviderError is an error block: what a third party's error is to callers.
type ProviderError struct {
	Name   string
	When   hcl.Expression
	Status int
	Title  string
	Detail string         // where Quotes is nil
	Quotes hcl.Expression // the detail where it quotes the answer
	Range  hcl.Range
}

// Calling is how a route asks an integration.
type Calling struct {
	Integration *Integration
	Send        Send
	Encode      string // "json", "form" or "xml"
	Root        string // of XML
	Headers     []Computed
	Query       []Computed
	Request     []Shaping
	Decode      string // of the answer: "json", "form" or "xml"
	AnswerRoot  string // of XML; "" for any
	Lists       []string
	Unwrap      string // the path of the member that is the answer; "" for the whole
	Passed      []string
	Status      int // of the answer; 0 for the integration's
	Page        *Page
	Answer      []Shaping
	Range       hcl.Range
}

// Computed is a name with an expression.
type Computed struct {
	Name  string
	Value hcl.Expression
	Range hcl.Range
}

// Shaping is one thing that is done to a body: an operation, or Set where that is not nil.
type Shaping struct {
	Operation
	Set hcl.Expression
}

// Page is a page block.
type Page struct {
	Parameter string
	Next      hcl.Expression
	Previous  hcl.Expression
	Link      string
	Range     hcl.Range
}

var (
	xmlNamePattern   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)
	printablePattern = regexp.MustCompile(`^[\x20-\x7e]{1,256}$`)
	componentPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
)

func xmlName(s string) bool   { return xmlNamePattern.MatchString(s) }
func printable(s string) bool { return printablePattern.MatchString(s) }

func component(s string) bool {
	switch s {
	case "@method", "@target-uri", "@authority", "@scheme", "@path", "@query":
		return true
	}
	return componentPattern.MatchString(s)
}

func integrationURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && webURL(s) && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && !strings.ContainsAny(s, "{}*") &&
		(u.Path == "" || basePath(strings.TrimSuffix(u.EscapedPath(), "/")) || u.Path == "/")
}

func (b *builder) integration(n *node) *Integration {
	i := &Integration{
		Name: n.label, URL: strings.TrimSuffix(take[string](n, "url"), "/"), Timeout: take[time.Duration](n, "timeout"),
		Deadline: take[time.Duration](n, "deadline"), DialTimeout: take[time.Duration](n, "dial_timeout"),
		Headers: b.constants(n, "headers", true), Query: b.constants(n, "query", false), Redirects: int(take[int64](n, "redirects")), Concurrent: int(take[int64](n, "concurrent")),
		AllowPrivate: take[bool](n, "allow_private"), CAFile: take[File](n, "ca_file"), Certificate: take[File](n, "certificate"),
		CertificateKey: take[File](n, "certificate_key"), Problems: take[string](n, "problems"), Range: n.rng,
	}
	if i.Problems == "" {
		i.Problems = "urn:problem:" + i.Name + ":"
	}
	for _, name := range texts(n, "request_id") {
		i.RequestID = append(i.RequestID, http.CanonicalHeaderKey(name))
	}
	if a := n.one("auth"); a != nil {
		i.Auth = b.auth(a)
	}
	if s := n.one("sign"); s != nil {
		i.Sign = b.sign(s)
	}
	if r := n.one("retry"); r != nil {
		i.Retry = &IntegrationRetry{Attempts: int(take[int64](r, "attempts")), On: texts(r, "on"), Max: take[time.Duration](r, "max")}
	}
	if k := n.one("idempotency"); k != nil {
		i.Idempotency = &SentKey{Header: http.CanonicalHeaderKey(take[string](k, "header")), Key: kept(k, "key")}
	}
	if k := n.one("breaker"); k != nil {
		i.Breaker = breakerOf(k)
	}
	for _, e := range n.all("error") {
		if when := kept(e, "when"); when != nil {
			detail := take[quoted](e, "detail")
			i.Errors = append(i.Errors, &ProviderError{Name: e.label, When: when, Status: int(take[int64](e, "status")), Title: take[string](e, "title"),
				Detail: detail.text, Quotes: detail.quotes, Range: e.rng})
		}
	}
	return i
}

func breakerOf(n *node) *Breaker {
	return &Breaker{Failures: int(take[int64](n, "failures")), Within: take[time.Duration](n, "within"), OpenFor: take[time.Duration](n, "open_for"), Range: n.rng}
}

func (b *builder) auth(n *node) *Auth {
	a := &Auth{Kind: n.label, Prefix: take[string](n, "prefix"), TokenURL: take[string](n, "token_url"), Post: take[string](n, "client_auth") == "post",
		Scopes: texts(n, "scopes"), Parameters: b.constants(n, "parameters", false), Range: n.rng}
	switch n.label {
	case "bearer":
		a.Secret = b.value(n, "token")
	case "basic":
		a.Name, a.Secret = take[string](n, "username"), b.value(n, "password")
	case "header":
		a.Name, a.Secret = http.CanonicalHeaderKey(take[string](n, "name")), b.value(n, "value")
	case "query":
		a.Name, a.Secret = take[string](n, "name"), b.value(n, "value")
	case "oauth2_client_credentials":
		a.Name, a.Secret = take[string](n, "client_id"), b.value(n, "client_secret")
	}
	return a
}

// value gives the secret that an attribute names.
func (b *builder) value(n *node, name string) secret.Text {
	if s := b.secrets[take[target](n, name).name]; s != nil {
		return s.Value
	}
	return secret.Text{}
}

func (b *builder) sign(n *node) *Sign {
	s := &Sign{Kind: n.label, Key: b.value(n, "key"), Hash: take[string](n, "hash"), Encoding: take[string](n, "encoding"), Prefix: take[string](n, "prefix"),
		Over: texts(n, "over"), Separator: take[string](n, "separator"), Algorithm: take[string](n, "algorithm"), KeyID: take[string](n, "key_id"),
		Components: texts(n, "components"), Expires: take[time.Duration](n, "expires"), Range: n.rng}
	if name := take[string](n, "header"); name != "" {
		s.Header = http.CanonicalHeaderKey(name)
	}
	if name := take[string](n, "timestamp"); name != "" {
		s.Timestamp = http.CanonicalHeaderKey(name)
	}
	if s.Over == nil {
		s.Over = []string{"body"}
	}
	if !n.written("separator") {
		s.Separator = "\n"
	}
	if s.Components == nil {
		s.Components = []string{"@method", "@target-uri", "content-digest"}
	}
	return s
}

// constants gives the members of an object of texts: header fields, or parameters.
func (b *builder) constants(n *node, name string, header bool) []Constant {
	var pairs []Constant
	for _, m := range take[constant](n, name).members {
		p := Constant{m.name, m.value.text}
		if !header {
			if err := checkParameterName(p.Name); err != nil {
				b.d.wrong(n.place(name), "Unsuitable name", "%q: %s.", p.Name, err)
			}
		} else if err := checkFieldName(p.Name); err != nil || !httpguts.ValidHeaderFieldValue(p.Value) {
			b.d.wrong(n.place(name), "Unsuitable header field", "%q is no name of a header field that can be sent, or its value has characters that no field may have.", p.Name)
		} else {
			p.Name = http.CanonicalHeaderKey(p.Name)
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// calling gives how a route asks an integration; nil for one that asks none, and after a mistake.
func (s *scopedAPI) calling(n *node) *Calling {
	i := s.integrations[take[target](n, "integration").name]
	if i == nil {
		return nil
	}
	c := &Calling{Integration: i, Send: take[Send](n, "send"), Encode: take[string](n, "encode"), Root: "request", Range: n.rng}
	c.Encode, c.Decode = cmp.Or(c.Encode, "json"), cmp.Or(take[string](n, "decode"), "json")
	if q := n.one("request"); q != nil {
		c.Headers, c.Query, c.Request = computedOf(q, "headers"), computedOf(q, "query"), s.steps(q)
		for i := range c.Headers {
			c.Headers[i].Name = http.CanonicalHeaderKey(c.Headers[i].Name)
		}
		if root := take[string](q, "root"); root != "" {
			c.Root = root
		}
	}
	if a := n.one("answer"); a != nil {
		c.AnswerRoot, c.Lists = take[string](a, "root"), texts(a, "lists")
		c.Unwrap, c.Status, c.Answer = take[string](a, "member"), int(take[int64](a, "status")), s.steps(a)
		for _, name := range texts(a, "headers") {
			c.Passed = append(c.Passed, http.CanonicalHeaderKey(name))
		}
		if p := a.one("page"); p != nil {
			c.Page = &Page{Parameter: take[string](p, "parameter"), Next: kept(p, "next"), Previous: kept(p, "previous"), Link: take[string](p, "link"), Range: p.rng}
		}
	}
	return c
}

func computedOf(n *node, name string) []Computed {
	var all []Computed
	for _, m := range take[[]computedMember](n, name) {
		all = append(all, Computed{m.name, m.value, m.rng})
	}
	return all
}

// steps gives what is done to a body, in written order.
func (s *scopedAPI) steps(n *node) []Shaping {
	var steps []Shaping
	for _, b := range n.blocks {
		if b.mistaken || b.spec.name == "page" {
			continue
		}
		if b.spec.name == "set" {
			steps = append(steps, Shaping{Operation: Operation{Path: b.label, PathRange: b.named, Range: b.rng}, Set: kept(b, "value")})
			continue
		}
		steps = append(steps, Shaping{Operation: operationOf(operations[b.spec.name], b)})
	}
	return steps
}
