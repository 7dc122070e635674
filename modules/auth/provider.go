package auth

import (
	"errors"
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/forward"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(new(KeyProvider))
	caddy.RegisterModule(new(TokenProvider))
}

// Settings are what the providers have in common.
type Settings struct {
	// What the challenges of a 401 call the protected space. Default: "api".
	Realm string `json:"realm,omitempty"`

	// Whether the credential goes on to the handlers to come and the service. Default: off, it ends here.
	Forward bool `json:"forward,omitempty"`
}

// KeyProvider has Caddy's own handler authentication take API keys.
type KeyProvider struct {
	identity.APIKeyConfig
	Settings

	prover
}

// CaddyModule returns the Caddy module information.
func (*KeyProvider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.authentication.providers.api_key",
		New: func() caddy.Module { return new(KeyProvider) },
	}
}

// Provision reads the keys.
func (p *KeyProvider) Provision(ctx caddy.Context) error {
	return p.provision(ctx, p.Settings, identity.MethodConfig{APIKey: &p.APIKeyConfig})
}

// TokenProvider has Caddy's own handler authentication take JSON Web Tokens.
type TokenProvider struct {
	identity.JWTConfig
	Settings

	prover
}

// CaddyModule returns the Caddy module information.
func (*TokenProvider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.authentication.providers.api_jwt",
		New: func() caddy.Module { return new(TokenProvider) },
	}
}

// Provision reads the keys of the issuer.
func (p *TokenProvider) Provision(ctx caddy.Context) error {
	return p.provision(ctx, p.Settings, identity.MethodConfig{JWT: &p.JWTConfig})
}

// prover is a way to identify oneself within Caddy's own handler. Its files are watched.
type prover struct {
	app     *gateway.App
	config  identity.Config
	current atomic.Pointer[identity.Stage]
	logger  *zap.Logger
}

func (p *prover) provision(ctx caddy.Context, s Settings, method identity.MethodConfig) error {
	app, err := ctx.App("api_gateway")
	if err != nil {
		return err
	}
	p.app, p.logger = app.(*gateway.App), ctx.Logger()
	p.config = identity.Config{Methods: []identity.MethodConfig{method}, Realm: s.Realm, Forward: &forward.Config{Credential: s.Forward}}
	return p.app.Use(p)
}

// Load implements gateway.Part.
func (p *prover) Load(l *gateway.Load) (commit func()) {
	next := load(p.config, l)
	return func() { p.current.Store(next) }
}

// Authenticate implements caddyauth.Authenticator. A request without a credential, or with one that is not valid, is not
// authenticated; Caddy's handler answers it 401 with the challenge that is put on w. A request that is ambiguous, and a
// credential that cannot be judged, are errors, which end in the same way.
func (p *prover) Authenticate(w http.ResponseWriter, r *http.Request) (caddyauth.User, bool, error) {
	x, prob := stage.Look(p.app, r)
	if prob != nil {
		return caddyauth.User{}, false, prob
	}
	x.Consumer = nil // whom others found is theirs to tell
	if prob := p.current.Load().Handle(x); prob != nil {
		maps.Copy(w.Header(), prob.Header)
		if prob.StatusCode() >= http.StatusInternalServerError {
			return caddyauth.User{}, false, prob
		}
		p.logger.Debug("not authenticated", zap.String("id", x.ID), zap.Error(prob))
		return caddyauth.User{}, false, nil
	}
	if x.Consumer == nil { // no configuration allows it
		return caddyauth.User{}, false, errors.New("nobody was found")
	}
	stage.Identified(r, x, p.current.Load())
	return caddyauth.User{ID: x.Consumer.ID, Metadata: identity.UserFacts(x.Consumer)}, true, nil
}

// Interface guards
var (
	_ caddy.Provisioner       = (*KeyProvider)(nil)
	_ caddyauth.Authenticator = (*KeyProvider)(nil)
	_ caddy.Provisioner       = (*TokenProvider)(nil)
	_ caddyauth.Authenticator = (*TokenProvider)(nil)
	_ gateway.Part            = (*prover)(nil)
)
