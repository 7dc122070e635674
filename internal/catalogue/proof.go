package catalogue

import (
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// Possession says what tokens are bound to.
type Possession struct {
	DPoP  *DPoP    // nil: tokens bound to a key are refused
	Bound []string // one of these; empty: none is demanded
}

// DPoP is a dpop block.
type DPoP struct {
	Algorithms []string // empty: all
	Window     time.Duration
	Nonce      bool
}

// Introspection is an identity's introspection block.
type Introspection struct {
	URL            string
	Client         string
	Secret         secret.Text
	Post           bool // the secret is sent in the form
	Key            File
	Certificate    File
	CertificateKey File
	CAFile         File // empty: the system's authorities
	Issuer         string
	Audience       []string
	Scopes         []string
	Consumer       hcl.Expression // nil: the token's sub
	Plan           hcl.Expression // nil for none
	Version        hcl.Expression // nil for none
	Groups         hcl.Expression // nil: the claim groups
	Cache          time.Duration
	Timeout        time.Duration
	Possession
	Range hcl.Range
}

// Certificate is an identity's certificate block.
type Certificate struct {
	Consumer      hcl.Expression // nil: whom the certificate names
	Fingerprints  []string       // empty: all that are verified
	Issuers       []string       // empty: all
	TrustedCAFile File           // empty: those that the server trusts
	Range         hcl.Range
}

func (b *builder) possession(n *node) Possession {
	p := Possession{Bound: texts(n, "bound")}
	if d := n.one("dpop"); d != nil {
		p.DPoP = &DPoP{Algorithms: texts(d, "algorithms"), Window: take[time.Duration](d, "window"), Nonce: take[bool](d, "nonce")}
	}
	for _, bound := range p.Bound {
		if bound == "dpop" && p.DPoP == nil {
			b.d.wrong(n.place("bound"), "DPoP is off", "Tokens are to be bound by dpop, which is not accepted: write dpop {} too.")
		}
	}
	return p
}

func (b *builder) introspection(n *node) *Introspection {
	i := &Introspection{
		URL:            take[string](n, "url"),
		Client:         take[string](n, "client_id"),
		Post:           take[string](n, "client_auth") == "post",
		Key:            take[File](n, "client_key"),
		Certificate:    take[File](n, "client_certificate"),
		CertificateKey: take[File](n, "client_certificate_key"),
		CAFile:         take[File](n, "ca_file"),
		Issuer:         take[string](n, "issuer"),
		Audience:       texts(n, "audience"),
		Scopes:         texts(n, "scopes"),
		Consumer:       kept(n, "consumer"),
		Plan:           kept(n, "plan"),
		Version:        kept(n, "version"),
		Groups:         kept(n, "groups"),
		Cache:          take[time.Duration](n, "cache"),
		Timeout:        take[time.Duration](n, "timeout"),
		Possession:     b.possession(n),
		Range:          n.rng,
	}
	if t := take[target](n, "client_secret"); t.name != "" && b.secrets[t.name] != nil {
		i.Secret = b.secrets[t.name].Value
	}
	return i
}

func (b *builder) certificate(n *node) *Certificate {
	c := &Certificate{
		Consumer:      kept(n, "consumer"),
		Fingerprints:  texts(n, "fingerprints"),
		Issuers:       texts(n, "issuers"),
		TrustedCAFile: take[File](n, "trusted_ca_file"),
		Range:         n.rng,
	}
	if len(c.Fingerprints) > 0 && c.TrustedCAFile.Path != "" {
		b.d.wrong(n.place("trusted_ca_file"), "Trusted in two ways", "Certificates are known by their fingerprints or by their authority: write one of the two.")
	}
	return c
}
