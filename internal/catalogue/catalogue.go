// Package catalogue reads what is served: the API owner's HCL files. It decodes them by one table (table.go), checks
// them, resolves their references, and tells every mistake of a load at once, each at its place. It runs nothing: what
// an expression or a change means is compiled elsewhere, from what this package keeps of it.
package catalogue

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/secret"
)

// Catalogue is what is served.
type Catalogue struct {
	Secrets    []*Secret
	Identities []*Identity
	Limits     []*Limit
	Upstreams  []*Upstream
	// Integrations are third parties' services, in written order.
	Integrations []*Integration
	APIs         []*API // in the order of the files, and in them as written
	Subscribers  []*Subscriber
	Webhooks     []*Webhook

	// Files are all files and folders whose change can change the catalogue: those loaded, the folders looked
	// through, and what the files name (schemas, keys, certificates, secrets). They are listed even after a
	// failed load, so that mending any of them is noticed.
	Files []string
}

// File is a file that the catalogue names. It existed when the catalogue was loaded.
type File struct {
	Path  string    // absolute, or relative to the process's folder as the catalogue's own files were
	Range hcl.Range // the expression that names it
}

// Secret is a secret block.
type Secret struct {
	Name  string
	Value secret.Text
	Range hcl.Range
}

// Identity is an identity block: one way in which callers say who they are. One of the four is set.
type Identity struct {
	Name   string
	JWT    *JWT
	APIKey *APIKey

	Introspection *Introspection
	Certificate   *Certificate

	Range hcl.Range
}

// JWT is an identity's jwt block.
type JWT struct {
	Issuer     string
	Keys       File           // a JSON Web Key Set; empty: it is fetched
	JWKS       string         // where it is fetched; "" with no Keys: it is discovered
	CAFile     File           // the authorities of the issuer's servers; empty: the system's
	MaxStale   time.Duration  // how long fetched keys are good that nobody confirms; 0 for the default
	Audience   []string       // one of them must be in the token
	Algorithms []string       // empty: those the keys state
	Consumer   hcl.Expression // nil: the token's sub
	Plan       hcl.Expression // nil for none
	Version    hcl.Expression // nil for none
	Groups     hcl.Expression // nil: the claim groups
	Leeway     time.Duration
	Required   []string // claims
	Type       string   // "at+jwt"; "": other types will do too
	Scopes     []string // all of them must be granted
	Possession
	Range hcl.Range
}

// APIKey is an identity's api_key block.
type APIKey struct {
	Header string // in canonical form
	Bearer bool   // the key may be a bearer token too
	Query  string // the query parameter it may come in too, "" for none
	Keys   File
	Range  hcl.Range
}

// Limit is a limit block: quotas that are counted together.
type Limit struct {
	Name       string
	Key        hcl.Expression // nil: the consumer, else the client's address
	Cost       hcl.Expression // nil: 1
	Quotas     []Quota        // in written order
	Concurrent int64          // 0: any number
	Plans      []Plan         // in written order
	Hidden     bool
	Range      hcl.Range
}

// Plan is what is different for the consumers of a plan.
type Plan struct {
	Name       string
	Quotas     []Quota // in written order
	Concurrent int64   // 0: that of the limit
	Range      hcl.Range
}

// Quota is one allowance of a limit.
type Quota struct {
	Name     string
	Requests int64
	Window   time.Duration // whole seconds
	Range    hcl.Range
}

// Upstream is an upstream block: a service behind the gateway.
type Upstream struct {
	Name        string
	Servers     []string // scheme://host[:port], all of one scheme
	CAFile      File     // Path is "" for the system's authorities
	Timeout     time.Duration
	DialTimeout time.Duration
	Retry       *Retry   // nil: no request is sent twice
	Health      *Health  // nil: no probes
	Breaker     *Breaker // of each server; nil for none
	Range       hcl.Range
}

// Retry says when a request may be sent to an upstream again.
type Retry struct {
	Attempts int      // all together, the first included
	On       []string // "connect", or a status
	Range    hcl.Range
}

// Health says how an upstream's servers are probed.
type Health struct {
	Path     string
	Interval time.Duration
	Range    hcl.Range
}

// maxMistakes is how many diagnostics one load tells; a file of another language has one on each line.
const maxMistakes = 500

// Load reads the catalogue from files, folders (their *.hcl files, not those of folders in them) and globs, whose files
// are merged in that order. Files named *.case.hcl are test cases and left out. variables are the values of variable
// blocks. The sources are the contents of the files by the names that the diagnostics use.
//
// Where the diagnostics have errors, the catalogue is what could be understood of the files. It may be looked at for
// more mistakes, but must not be served.
func Load(paths []string, variables map[string]string) (*Catalogue, map[string][]byte, hcl.Diagnostics) {
	return load(paths, variables, time.Now())
}

func load(paths []string, variables map[string]string, now time.Time) (*Catalogue, map[string][]byte, hcl.Diagnostics) {
	files, watched, diags := find(paths)
	d := &decoder{language: &language, outermost: outermost, files: make(map[string]bool), sources: make(map[string][]byte), diags: diags}
	for _, path := range watched {
		d.files[path] = true
	}
	var bodies []*hclsyntax.Body
	for _, path := range files {
		if body := d.parse(path); body != nil {
			bodies = append(bodies, body)
		}
	}
	d.partial = d.diags.HasErrors()
	d.scope = newScope(d, bodies, variables)
	root := d.root(bodies)
	d.link(root)
	c := d.build(root)
	d.check(c, root, now)
	c.Files = d.watched()

	diags = diagnostic.Sort(d.diags)
	if len(diags) > maxMistakes {
		diags = append(diags[:maxMistakes:maxMistakes], &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Too many mistakes",
			Detail:   "There are more mistakes than are shown here.",
		})
	}
	return c, d.sources, diags
}
