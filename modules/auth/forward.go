package auth

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/forward"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// telling builds the stage that tells the service who calls; nil after a mistake, which l is told.
func (h *Handler) telling(l *gateway.Load) *forward.Stage {
	var signer *assertion.Signer
	t, diags := h.Forward.Told(hcl.Range{Filename: "api_auth forward", Start: hcl.InitialPos, End: hcl.InitialPos}, func() (*assertion.Signer, string, hcl.Diagnostics) {
		s, issuer, diags := l.Signer()
		signer = s
		return s, issuer, diags
	})
	l.Diagnostics = append(l.Diagnostics, diags...)
	if diags.HasErrors() {
		return nil
	}
	l.Told = append(l.Told, t.Names()...)
	if t.Token != nil {
		l.Signed = append(l.Signed, t.TokenField)
	}
	before := h.signer.Swap(signer)
	l.OnDiscard(func() { h.signer.Store(before) })
	return forward.New(t)
}

// told reads a forward block.
func (h *Handler) told(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("expected: forward { and its keywords, a line each")
	}
	h.Forward = &forward.Config{}
	words := stage.NewWords("forward", []string{"header", "token", "credential"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		switch word {
		case "header":
			err = h.header(d, words)
		case "token":
			if err = words.Once(d, word); err == nil {
				err = h.token(d)
			}
		case "credential":
			if err = words.Once(d, word); err == nil {
				_, err = stage.Arguments(d, 0, 0, "credential")
			}
			h.Forward.Credential = true
		}
		if err != nil {
			return err
		}
	}
	// What the block says as a whole, at its last line.
	_, diags := h.Forward.Told(stage.Here(d), nil)
	return stage.Mistake(d, "forward", diags)
}

func (h *Handler) header(d *caddyfile.Dispenser, words *stage.Words) error {
	args, err := stage.Arguments(d, 2, 2, `header <name> "<expression>"`)
	if err != nil {
		return err
	}
	if err := words.Once(d, "header "+http.CanonicalHeaderKey(args[0])); err != nil {
		return err
	}
	one := forward.HeaderConfig{Name: args[0], Value: args[1]}
	h.Forward.Headers = append(h.Forward.Headers, one)
	_, diags := (&forward.Config{Headers: []forward.HeaderConfig{one}}).Told(stage.Here(d), nil)
	return stage.Mistake(d, "header", diags)
}

// token reads a token block.
func (h *Handler) token(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("expected: token { and its keywords, a line each")
	}
	begin := *d
	c := &forward.TokenConfig{}
	h.Forward.Token = c
	words := stage.NewWords("token", []string{"header", "audience", "lifetime", "claim"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		usage, least, most := word+" <value>", 1, 1
		switch word {
		case "audience":
			usage, most = "audience <names...>, 1 to 16", assertion.MaxAudience
		case "claim":
			usage, least, most = `claim <name> "<expression>"`, 2, 2
		}
		args, err := stage.Arguments(d, least, most, usage)
		if err != nil {
			return err
		}
		what, one := word, &forward.TokenConfig{Audience: []string{"any"}}
		switch word {
		case "header":
			c.Header = args[0]
			one.Header = args[0]
		case "audience":
			c.Audience = args
		case "lifetime":
			lifetime, err := caddy.ParseDuration(args[0])
			if err != nil || lifetime <= 0 {
				return d.Errf("lifetime: expected a span of time such as 1m, not %q", args[0])
			}
			c.Lifetime = duration.Duration(lifetime)
			one.Lifetime = c.Lifetime
		case "claim":
			what += " " + args[0]
			one.Claims = []forward.ClaimConfig{{Name: args[0], Value: args[1]}}
			c.Claims = append(c.Claims, one.Claims[0])
		}
		if err := words.Once(d, what); err != nil {
			return err
		}
		_, diags := (&forward.Config{Token: one}).Told(stage.Here(d), nil)
		if err := stage.Mistake(d, word, diags); err != nil {
			return err
		}
	}
	if len(c.Audience) == 0 {
		return begin.Err("token needs audience: without one, any service could use the token at any other")
	}
	return nil
}
