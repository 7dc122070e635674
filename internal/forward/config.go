package forward

import (
	"fmt"
	"net/http"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// Config is what the service is told of who calls.
type Config struct {
	// Headers are header fields with the expressions that give their values, at most 16. Default: none.
	Headers []HeaderConfig `json:"headers,omitempty"`

	// Credential lets the caller's own credential go on to the service. Default: it ends at the gateway.
	Credential bool `json:"credential,omitempty"`
}

// HeaderConfig is a header field that the service is told something in.
type HeaderConfig struct {
	// Name is the field's name: letters, digits and hyphens, at most 64, none that HTTP or the gateway uses itself.
	Name string `json:"name"`

	// Value is an expression over consumer, claims, client, api and request. Null, an empty text, and what an anonymous
	// caller or a credential without that claim does not have, leave the field out.
	Value string `json:"value"`
}

// Default is the field in which the service is told the consumer's id where nothing else is configured.
const Default = "X-Consumer-Id"

// MaxHeaders is how many header fields a service may be told something in.
const MaxHeaders = 16

// Roots are what the values of fields are computed from: what the gateway found out itself. What else the client wrote
// is in the request as it is, and nothing of it can come to pass for the gateway's word.
const Roots = rule.Consumer | rule.Claims | rule.Client | rule.API | rule.Request

// ValidName says whether a service may be told something in a header field of this name.
func ValidName(name string) bool {
	// Remote-User is what the programs of a web server are told of who calls (RFC 3875, section 4.1.11). No client's
	// passes.
	return admit.Free(name) || http.CanonicalHeaderKey(name) == "Remote-User"
}

// Told makes ready what a configuration says, which is nil where it says nothing. at is its place.
func (c *Config) Told(at hcl.Range) (Told, hcl.Diagnostics) {
	if c == nil {
		return Plain(), nil
	}
	var t Told
	var diags hcl.Diagnostics
	wrong := func(summary, detail string, args ...any) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)})
	}
	if len(c.Headers) > MaxHeaders {
		wrong("Too many header fields", "A service is told something in at most %d header fields.", MaxHeaders)
	}
	seen := make(map[string]bool)
	for _, h := range c.Headers {
		name := http.CanonicalHeaderKey(h.Name)
		switch {
		case !ValidName(h.Name):
			wrong("Invalid header field", "A service is told something in a header field of letters, digits and hyphens, none that HTTP or the gateway uses itself, and not in %q.", h.Name)
		case seen[name]:
			wrong("Duplicate header field", "The header field %s is named twice.", name)
		}
		seen[name] = true
		p, more := rule.CompileText(h.Value, at, rule.Environment{Roots: Roots}, rule.Any)
		diags = append(diags, more...)
		t.Fields = append(t.Fields, Field{Name: name, Value: p})
	}
	return t, diags
}
