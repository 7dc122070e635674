package identity

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/dpop"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

const (
	defaultRealm = "api"
	maxMethods   = 8
)

// Stage finds out who calls. The one credential that a request carries decides: a wrong one is a 401 even where no
// credential at all would do, and two are a 400, for who could say which of the two identities the caller meant
// (RFC 6750, section 3.1, says so of two tokens; here it goes for any two credentials). A certificate of the connection
// decides only where the request carries nothing of its own: it may be there to prove that a token is its caller's.
type Stage struct {
	methods    []Method
	contested  [][]string // by method: those of its fields that another one reads too
	fields     []string   // taken off every request
	parameters []string   // taken off the query of every request
	needs      exchange.Needs
	anonymous  bool
	realm      string
	resource   *Resource // nil where no metadata is published
	keeps      bool      // a credential in a header field goes on to the service
}

// New makes the stage of a route from its methods, in the order of c.Methods.
func New(c Config, methods ...Method) (*Stage, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	wrong := func(summary, detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
	}
	s := &Stage{methods: methods, anonymous: c.Anonymous, realm: c.Realm}
	if s.realm == "" {
		s.realm = defaultRealm
	}
	if c.Metadata != nil {
		var mistakes hcl.Diagnostics
		s.resource, mistakes = NewResource(*c.Metadata, methods...)
		diags = append(diags, mistakes...)
	}
	s.keeps = c.Forward != nil && c.Forward.Credential
	if len(methods) == 0 || len(methods) > maxMethods {
		wrong("Wrong number of ways to identify", "A route that asks who calls names 1 to 8 ways to say so.")
	}
	if !quotable(s.realm) {
		wrong("Invalid realm", "A realm is printable ASCII without quotes and backslashes.")
	}
	s.contested = make([][]string, len(methods))
	owners := make(map[string]int) // of a field: the first method that reads it
	for i, m := range methods {
		for _, f := range m.Fields() {
			if first, taken := owners[f]; taken {
				if !shares(m) || !shares(methods[first]) || keyed(m) && keyed(methods[first]) {
					wrong("Two credentials in one field", "Two ways to identify read the field "+f+"; nobody could say which of them a request means.")
				}
				s.contested[i] = append(s.contested[i], f)
				if !slices.Contains(s.contested[first], f) {
					s.contested[first] = append(s.contested[first], f)
				}
				continue
			}
			owners[f] = i
			s.fields = append(s.fields, f)
			s.needs.Header = append(s.needs.Header, f)
		}
		for _, p := range m.Parameters() {
			if slices.Contains(s.parameters, p) {
				wrong("Two credentials in one parameter", "Two ways to identify read the query parameter "+p+"; nobody could say which of them a request means.")
			}
			s.parameters, s.needs.Query = append(s.parameters, p), true
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return s, nil
}

// Fields lists the header fields in which callers send credentials.
func (s *Stage) Fields() []string { return s.fields }

// Resource is the protected resource whose metadata is published; nil where none is.
func (s *Stage) Resource() *Resource { return s.resource }

// Parameters lists the query parameters in which callers send credentials.
func (s *Stage) Parameters() []string { return s.parameters }

// quotable says whether s may stand in a quoted string without escapes.
func quotable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Name implements pipeline.Stage.
func (s *Stage) Name() string { return "identify" }

// Needs implements pipeline.Stage.
func (s *Stage) Needs() exchange.Needs { return s.needs }

// Handle implements pipeline.Stage: it sets the consumer, and takes the credential off the request unless that goes on.
func (s *Stage) Handle(x *exchange.Exchange) *problem.Problem {
	used, twice := s.used(x)
	if twice {
		return s.refuse(x, used, &Refusal{Malformed: true, Detail: twoCredentials})
	}
	var consumer *exchange.Consumer
	if used != nil {
		var r *Refusal
		if consumer, r = used.Authenticate(x); r != nil {
			return s.refuse(x, used, r)
		}
		if consumer == nil || !validID(consumer.ID) {
			return s.refuse(x, used, &Refusal{Detail: "the credential names no consumer", Cause: errors.New("the consumer's id is empty or not printable ASCII")})
		}
	} else if !s.anonymous {
		return s.refuse(x, nil, &Refusal{Detail: "the request carries no credentials"})
	}
	if !s.keeps {
		for _, f := range s.fields {
			delete(x.Header, f)
		}
	}
	s.drop(x)
	x.Consumer = consumer
	return nil
}

// drop takes credentials off the query.
func (s *Stage) drop(x *exchange.Exchange) {
	for _, p := range s.parameters {
		x.Query.Drop(p)
	}
}

// twoCredentials is what the sender of more than one is told.
const twoCredentials = "the request carries two credentials; send one"

// keyed says whether a method takes API keys as bearer tokens: two of them cannot tell their keys apart.
func keyed(m Method) bool {
	_, ok := m.(*bearerKeys)
	return ok
}

// shares says whether a method can tell its credentials from others in the same field.
func shares(m Method) bool {
	_, ok := m.(Sharing)
	return ok
}

// used is the method whose credential the request carries, nil for none; twice says that it carries more than one. Of
// the methods that read one field, the likeliest answers for what is in it, and the first among equals: even what is
// no credential of any of them is never taken for none.
func (s *Stage) used(x *exchange.Exchange) (used Method, twice bool) {
	var ambient, likeliest Method
	var most Likelihood
	for i, m := range s.methods {
		if !m.Present(x) {
			continue
		}
		if _, ok := m.(Ambient); ok {
			if ambient == nil {
				ambient = m
			}
			continue
		}
		if s.contested[i] != nil && !s.apart(i, x) {
			if l := m.(Sharing).Likely(x); likeliest == nil || l > most {
				likeliest, most = m, l
			}
			continue
		}
		if used != nil {
			return used, true
		}
		used = m
	}
	switch {
	case likeliest != nil:
		return likeliest, used != nil
	case used != nil:
		return used, false
	}
	return ambient, false
}

// apart says whether a credential of a method that shares a field came in another place, which only it reads.
func (s *Stage) apart(i int, x *exchange.Exchange) bool {
	for _, f := range s.methods[i].Fields() {
		if f != dpop.Field && len(x.Header[f]) > 0 && !slices.Contains(s.contested[i], f) { // a proof is not a credential of its own
			return true
		}
	}
	return slices.ContainsFunc(s.methods[i].Parameters(), func(p string) bool { return x.Query.Values()[p] != nil })
}

// retryAfter is when a credential that could not be judged is worth another try, in seconds.
const retryAfter = "5"

// refuse is the 401, or the 400 of a malformed request, with a challenge of every method (RFC 9110, section 11.6.1).
// Only that of the method used says what was wrong, and none does where there was no credential (RFC 6750, section 3.1).
// A credential in the query is taken off all the same: what is refused here may be good elsewhere, and logs tell addresses.
func (s *Stage) refuse(x *exchange.Exchange, used Method, r *Refusal) *problem.Problem {
	s.drop(x)
	if r.Unavailable {
		return problem.New(problem.ReducedCapacity, r.Detail).WithHeader("Retry-After", retryAfter).Because(r.Cause)
	}
	space := Space{Realm: s.realm}
	if s.resource != nil {
		space.Metadata = s.resource.address(x)
	}
	challenges := make([]string, len(s.methods))
	for i, m := range s.methods {
		var why *Refusal
		if m == used {
			why = r
		}
		challenges[i] = m.Challenge(space, why)
	}
	t := problem.Unauthorized
	switch {
	case r.Malformed:
		t = problem.BadRequest
	case r.Scope != "":
		t = problem.Forbidden
	}
	p := problem.New(t, r.Detail).WithHeader("WWW-Authenticate", challenges...).Because(r.Cause)
	if r.Nonce != "" {
		p.WithHeader(dpop.NonceField, r.Nonce).WithHeader("Cache-Control", "no-store")
	}
	return p
}

// challenge writes a scheme and its parameters, given as names and values in turn; a parameter without value is left out.
func challenge(scheme string, params ...string) string {
	var b strings.Builder
	b.WriteString(scheme)
	sep := " "
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] == "" {
			continue
		}
		b.WriteString(sep + params[i] + `="` + params[i+1] + `"`)
		sep = ", "
	}
	return b.String()
}

var _ pipeline.Stage = (*Stage)(nil)
