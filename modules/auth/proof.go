package auth

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/introspection"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/secret"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// introspecting makes the method that has an issuer asked for its tokens.
func introspecting(c identity.IntrospectionConfig, l *gateway.Load) (identity.Method, hcl.Diagnostics) {
	wrong := func(detail string) (identity.Method, hcl.Diagnostics) {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Unusable introspection", Detail: "Tokens cannot be asked for: " + detail + "."}}
	}
	client := introspection.Config{URL: c.URL, Client: c.Client, Post: c.Post, Audience: c.Issuer, Timeout: time.Duration(c.Timeout), Cache: time.Duration(c.Cache)}
	if c.Secret != "" {
		if !placeholder(c.Secret) {
			return wrong("the client's secret is written in the configuration, and not where it is: {env.…} or {file.…}")
		}
		text, err := caddy.NewReplacer().ReplaceOrErr(c.Secret, true, true)
		if err != nil {
			return wrong("the client's secret is not there: " + err.Error())
		}
		client.Secret = secret.New(text)
	}
	for _, f := range []struct {
		what, path string
		limit      int64
		to         *[]byte
	}{
		{"client key", c.Key, identity.MaxClientFile, &client.Key},
		{"client certificate", c.Certificate, identity.MaxClientFile, &client.Certificate},
		{"key of a client certificate", c.CertificateKey, identity.MaxClientFile, &client.CertificateKey},
		{"file of authorities", c.CAFile, identity.MaxAuthorities, &client.CA},
	} {
		if f.path == "" {
			continue
		}
		src, diags := read(f.what, f.path, f.limit, l)
		if diags.HasErrors() {
			return nil, diags
		}
		if int64(len(src)) > f.limit {
			return wrong("the " + f.what + " " + f.path + " is too long")
		}
		*f.to = src
	}
	computed, diags := computedOf(identity.JWTConfig{Consumer: c.Consumer, Plan: c.Plan, Version: c.Version, Groups: c.Groups})
	if diags.HasErrors() {
		return nil, diags
	}
	asks, err := l.Introspection(client)
	if err != nil {
		return wrong(err.Error())
	}
	return identity.NewIntrospected(c, asks, computed)
}

// certificates makes the method that takes client certificates.
func certificates(c identity.CertificateConfig, l *gateway.Load) (identity.Method, hcl.Diagnostics) {
	var authorities []byte
	if c.TrustedCAFile != "" {
		var diags hcl.Diagnostics
		if authorities, diags = read("file of authorities", c.TrustedCAFile, identity.MaxCAFile, l); diags.HasErrors() {
			return nil, diags
		}
	}
	var consumer func(*exchange.Exchange) (string, error)
	if c.Consumer != "" {
		p, diags := certified(c.Consumer, hcl.Range{Filename: "api_auth consumer", Start: hcl.InitialPos, End: hcl.InitialPos})
		if diags.HasErrors() {
			return nil, diags
		}
		consumer = p.String
	}
	return identity.NewCertificates(c, authorities, consumer)
}

// certified makes the expression for a certificate's consumer ready.
func certified(expression string, at hcl.Range) (*rule.Program, hcl.Diagnostics) {
	return rule.CompileText(expression, at, rule.Environment{Roots: rule.Certificate}, rule.String)
}
