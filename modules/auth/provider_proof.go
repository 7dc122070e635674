package auth

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"

	"github.com/wicketgate/wicketgate/internal/identity"
)

func init() {
	caddy.RegisterModule(new(IntrospectionProvider))
	caddy.RegisterModule(new(CertificateProvider))
}

// IntrospectionProvider has Caddy's own handler authentication take tokens that their issuer is asked about.
type IntrospectionProvider struct {
	identity.IntrospectionConfig
	Settings

	prover
}

// CaddyModule returns the Caddy module information.
func (*IntrospectionProvider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.authentication.providers.api_introspection",
		New: func() caddy.Module { return new(IntrospectionProvider) },
	}
}

// Provision makes the client that asks.
func (p *IntrospectionProvider) Provision(ctx caddy.Context) error {
	return p.provision(ctx, p.Settings, identity.MethodConfig{Introspection: &p.IntrospectionConfig})
}

// CertificateProvider has Caddy's own handler authentication take client certificates.
type CertificateProvider struct {
	identity.CertificateConfig
	Settings

	prover
}

// CaddyModule returns the Caddy module information.
func (*CertificateProvider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.authentication.providers.api_certificate",
		New: func() caddy.Module { return new(CertificateProvider) },
	}
}

// Provision reads the authorities.
func (p *CertificateProvider) Provision(ctx caddy.Context) error {
	return p.provision(ctx, p.Settings, identity.MethodConfig{Certificate: &p.CertificateConfig})
}

// Interface guards
var (
	_ caddy.Provisioner       = (*IntrospectionProvider)(nil)
	_ caddyauth.Authenticator = (*IntrospectionProvider)(nil)
	_ caddy.Provisioner       = (*CertificateProvider)(nil)
	_ caddyauth.Authenticator = (*CertificateProvider)(nil)
)
