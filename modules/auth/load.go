package auth

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// load builds the stage from c and the files that it names; nil after a mistake, which l is told.
func load(c identity.Config, l *gateway.Load) *identity.Stage {
	var methods []identity.Method
	var diags hcl.Diagnostics
	for i, m := range c.Methods {
		var method identity.Method
		var wrong hcl.Diagnostics
		switch {
		case m.Ways() != 1:
			wrong = hcl.Diagnostics{{
				Severity: hcl.DiagError, Summary: "Not one way to identify",
				Detail: fmt.Sprintf("Method %d of api_auth is one of api_key, jwt, introspection and certificate.", i+1),
			}}
		case m.APIKey != nil:
			method, wrong = apiKeys(*m.APIKey, l)
		case m.JWT != nil:
			method, wrong = tokens(*m.JWT, l)
		case m.Introspection != nil:
			method, wrong = introspecting(*m.Introspection, l)
		default:
			method, wrong = certificates(*m.Certificate, l)
		}
		diags = append(diags, wrong...)
		methods = append(methods, method)
	}
	if !diags.HasErrors() {
		s, wrong := identity.New(c, methods...)
		if diags = append(diags, wrong...); !diags.HasErrors() {
			l.Diagnostics = append(l.Diagnostics, diags...)
			l.Credentials = append(l.Credentials, s.Fields()...)
			l.Parameters = append(l.Parameters, s.Parameters()...)
			return s
		}
	}
	l.Diagnostics = append(l.Diagnostics, diags...)
	return nil
}

func apiKeys(c identity.APIKeyConfig, l *gateway.Load) (identity.Method, hcl.Diagnostics) {
	src, diags := read("key file", c.Keys, identity.MaxKeyFile, l)
	if diags.HasErrors() {
		return nil, diags
	}
	keys, diags := identity.ParseKeys(c.Keys, src)
	if diags.HasErrors() {
		return nil, diags
	}
	return identity.NewAPIKeys(c, keys)
}

// read reads a file whose contents, which may be secret, no message shows.
func read(what, path string, limit int64, l *gateway.Load) ([]byte, hcl.Diagnostics) {
	l.Read([]string{path}, nil)
	src, err := stage.Read(path, limit)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Unreadable " + what, Detail: err.Error()}}
	}
	return src, nil
}
