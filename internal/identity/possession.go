package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/compact"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/dpop"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Possession says how who sends a token proves to be who it was issued to. What a token itself says it is bound to
// is checked whatever is configured: a certificate of its holder's (cnf.x5t#S256; RFC 8705, section 3), which need not
// be verified, since only having its key counts; or a key of its holder's (cnf.jkt; RFC 9449), for which DPoP must be
// on. A token that is bound to something else is refused.
type Possession struct {
	// DPoP accepts tokens that are bound to a key, which come in Authorization with the scheme DPoP beside a proof in
	// the field DPoP. Default: off, and such tokens are refused.
	DPoP *dpop.Config `json:"dpop,omitempty"`

	// Bound demands that a token is bound to one of these, 1 or 2: "dpop", "certificate". Default: tokens need not be
	// bound.
	Bound []string `json:"bound,omitempty"`
}

// Bindings are what a token can be bound to.
var Bindings = []string{boundDPoP, boundCertificate}

const (
	boundDPoP        = "dpop"
	boundCertificate = "certificate"
)

// Check tells what is wrong with c.
func (c Possession) Check() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range c.Bound {
		switch {
		case !slices.Contains(Bindings, b):
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown binding",
				Detail: fmt.Sprintf("A token is bound to one of %s, and %q is neither.%s", strings.Join(Bindings, " and "), b, diagnostic.DidYouMean(b, Bindings))})
		case b == boundDPoP && c.DPoP == nil:
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "DPoP is off",
				Detail: "Tokens are to be bound by dpop, which is not accepted: write dpop too."})
		}
	}
	if c.DPoP != nil {
		diags = append(diags, c.DPoP.Check()...)
	}
	return diags
}

// possession is a Possession at work.
type possession struct {
	proofs *dpop.Verifier // nil where DPoP is off
	bound  []string
}

func newPossession(c Possession) (*possession, hcl.Diagnostics) {
	if diags := c.Check(); diags.HasErrors() {
		return nil, diags
	}
	p := &possession{bound: c.Bound}
	if c.DPoP == nil {
		return p, nil
	}
	var diags hcl.Diagnostics
	p.proofs, diags = dpop.New(*c.DPoP, dpop.Process)
	return p, diags
}

// tokenFields are those that carry tokens and proofs. A proof is of no use to anybody else, wherever it was sent.
var tokenFields = []string{authorization, dpop.Field}

// sentToken is a token as it was sent.
type sentToken struct {
	text string
	dpop bool // with the scheme DPoP rather than Bearer
}

// scheme is that of the challenge for what is wrong with the token.
func (t sentToken) scheme() string {
	if t.dpop {
		return schemeDPoP
	}
	return schemeBearer
}

const (
	schemeBearer = "Bearer"
	schemeDPoP   = "DPoP"
)

// token reads the token of a request that carries one.
func (p *possession) token(x *exchange.Exchange) (sentToken, *Refusal) {
	values := x.Header[authorization]
	if len(values) != 1 {
		return sentToken{}, &Refusal{Malformed: true, Detail: "the Authorization field was sent more than once"}
	}
	scheme, text, ok := strings.Cut(values[0], " ")
	t := sentToken{text: strings.TrimLeft(text, " ")}
	switch {
	case strings.EqualFold(scheme, schemeBearer):
	case p.proofs != nil && strings.EqualFold(scheme, schemeDPoP):
		t.dpop = true
	default:
		return sentToken{}, &Refusal{Detail: "the credentials are not a bearer token"}
	}
	if !ok || t.text == "" || strings.ContainsAny(t.text, " ,\t") {
		return sentToken{}, &Refusal{Malformed: true, Detail: "the Authorization field is not one bearer token", Scheme: t.scheme()}
	}
	return t, nil
}

// refused is a refusal of the token, which the challenge of its scheme tells; nil for none.
func (t sentToken) refused(r *Refusal) *Refusal {
	if r != nil {
		r.Scheme = t.scheme()
	}
	return r
}

// confirmation is what a token is bound to (RFC 7800, section 3.1).
type confirmation struct {
	key         string // cnf.jkt
	certificate string // cnf.x5t#S256
}

func confirmationOf(claims map[string]any) (c confirmation, err error) {
	value, ok := claims["cnf"]
	if !ok {
		return c, nil
	}
	cnf, ok := value.(map[string]any)
	if !ok {
		return c, errors.New("its cnf is not an object")
	}
	for name, to := range map[string]*string{"jkt": &c.key, "x5t#S256": &c.certificate} {
		value, ok := cnf[name]
		if !ok {
			continue
		}
		if *to, ok = value.(string); !ok || *to == "" {
			return c, fmt.Errorf("its cnf.%s is not a hash", name)
		}
	}
	if c == (confirmation{}) {
		return c, errors.New("it is bound to something that cannot be checked here")
	}
	return c, nil
}

// check says why a token, with claims that were proven, is not its sender's. The proof is looked at last: it counts as
// sent only if all else is well.
func (p *possession) check(x *exchange.Exchange, t sentToken, claims map[string]any) *Refusal {
	refuse := func(detail string, cause error) *Refusal {
		return &Refusal{Detail: detail, Cause: cause}
	}
	c, err := confirmationOf(claims)
	if err != nil {
		return refuse(invalidToken, err)
	}
	switch {
	case c.key != "" && !t.dpop:
		return refuse("the token is bound to a key and does not come with a proof of it", nil)
	case c.key == "" && t.dpop:
		return refuse("the token is not bound to a key", nil)
	case c.certificate != "" && !presents(x, c.certificate):
		return refuse("the token is bound to another client certificate", nil)
	case len(p.bound) > 0 && !(c.key != "" && slices.Contains(p.bound, boundDPoP) || c.certificate != "" && slices.Contains(p.bound, boundCertificate)):
		return refuse("the token is not bound to its holder", nil)
	case !t.dpop:
		return nil
	}
	proofs := x.Header[dpop.Field]
	if len(proofs) != 1 {
		r := refuse("the request does not carry one DPoP proof", nil)
		r.Code = "invalid_dpop_proof"
		return r
	}
	err = p.proofs.Verify(proofs[0], dpop.Request{Method: x.Method, Address: addressOf(x), Token: t.text, Thumbprint: c.key, Time: x.Time})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, dpop.ErrKey):
		return refuse("the token is bound to another key", err)
	case errors.Is(err, dpop.ErrFull):
		r := refuse("no more DPoP proofs can be taken at present", err)
		r.Unavailable = true
		return r
	case errors.Is(err, dpop.ErrNonce):
		r := refuse("the DPoP proof needs a nonce of this gateway", err)
		r.Code, r.Nonce = "use_dpop_nonce", p.proofs.Nonce(x.Time)
		return r
	}
	r := refuse("the DPoP proof is not valid", err)
	r.Code = "invalid_dpop_proof"
	return r
}

// presents says whether the client has proven, when it connected, to have the key of the certificate with a hash.
func presents(x *exchange.Exchange, thumbprint string) bool {
	if x.TLS == nil || len(x.TLS.PeerCertificates) == 0 {
		return false
	}
	sum := sha256.Sum256(x.TLS.PeerCertificates[0].Raw)
	return subtle.ConstantTimeCompare([]byte(compact.Base64.EncodeToString(sum[:])), []byte(thumbprint)) == 1
}

// addressOf is what the client asked for, without the query.
func addressOf(x *exchange.Exchange) string {
	if x.Address != "" {
		return x.Address
	}
	return x.Scheme + "://" + x.Host + x.Port + x.Path.Escaped
}

// challenge is the challenge of RFC 6750, section 3, that of RFC 9449, section 7.1, or both. The error, if there is
// one, stands with the scheme that the token was sent with.
func (p *possession) challenge(space Space, r *Refusal) string {
	var all []string
	add := func(scheme string, tells bool, params ...string) {
		var wrong []string
		if tells {
			wrong = []string{"error", r.code(), "error_description", r.Detail, "scope", r.Scope}
		}
		params = slices.Concat([]string{"realm", space.Realm}, wrong, params, []string{"resource_metadata", space.Metadata})
		all = append(all, challenge(scheme, params...))
	}
	bearer := p.proofs == nil || !slices.Equal(p.bound, []string{boundDPoP})
	if bearer {
		add(schemeBearer, r != nil && r.Scheme != schemeDPoP)
	}
	if p.proofs != nil {
		add(schemeDPoP, r != nil && (r.Scheme == schemeDPoP || !bearer), "algs", strings.Join(p.proofs.Algorithms(), " "))
	}
	return strings.Join(all, ", ")
}
