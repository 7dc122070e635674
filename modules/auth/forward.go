package auth

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/forward"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// telling builds the stage that tells the service who calls; nil after a mistake, which l is told.
func telling(c *forward.Config, l *gateway.Load) *forward.Stage {
	t, diags := c.Told(hcl.Range{Filename: "api_auth forward", Start: hcl.InitialPos, End: hcl.InitialPos})
	l.Diagnostics = append(l.Diagnostics, diags...)
	if diags.HasErrors() {
		return nil
	}
	l.Told = append(l.Told, t.Names()...)
	return forward.New(t)
}

// told reads a forward block.
func (h *Handler) told(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("expected: forward { and its keywords, a line each")
	}
	h.Forward = &forward.Config{}
	words := stage.NewWords("forward", []string{"header", "credential"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		switch word {
		case "header":
			err = h.header(d, words)
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
	return nil
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
	if len(h.Forward.Headers) > forward.MaxHeaders {
		return d.Errf("forward: a service is told something in at most %d header fields", forward.MaxHeaders)
	}
	_, diags := (&forward.Config{Headers: []forward.HeaderConfig{one}}).Told(stage.Here(d))
	return stage.Mistake(d, "header", diags)
}
