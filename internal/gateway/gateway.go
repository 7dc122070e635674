// Package gateway puts the stages together: it builds, from a catalogue, the policies and the engines, an immutable
// Gateway, and takes requests through it. It knows HTTP as the standard library does, and nothing of the server.
package gateway

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/drift"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/forward"
	"github.com/wicketgate/wicketgate/internal/idempotency"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/integration"
	"github.com/wicketgate/wicketgate/internal/introspection"
	"github.com/wicketgate/wicketgate/internal/issuer"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/route"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// Config is what a Gateway is built from.
type Config struct {
	Catalogue *catalogue.Catalogue
	Broken    bool              // the catalogue has mistakes; it is only searched for more
	Sources   map[string][]byte // the catalogue's files, for the expressions in them
	Policies  *policy.Snapshot  // nil where there are none
	// PoliciesBroken says that there are policies, but with mistakes that have been told.
	PoliciesBroken bool
	Counter        limit.Counter
	// QuotaUsed gives who is told how much of a quota is used, and by whom, with each request that is counted; nil for nobody.
	// fields are those of the header that the key is made of, which may be a credential.
	QuotaUsed func(limit, quota string, fields []string, window time.Duration) func(key string, share float64)
	Upstream  func(*catalogue.Upstream) (Upstream, error)

	// Integration gives what asks a third party; nil in a gateway that never serves.
	Integration func(*catalogue.Integration) (integration.Sender, error)

	// IssuerKeys gives the keys of an issuer that are fetched. authorities are those of its servers in PEM, nil for the
	// system's.
	IssuerKeys func(c issuer.Config, authorities []byte) (identity.KeySource, error)

	Signing forward.Signing // asked if a service is told in tokens who calls; nil in a gateway that never serves

	// Report is told what validation would have refused where it refuses nothing.
	Report validate.Report

	// Drift keeps what is found in the answers of services; nil in a gateway that never serves.
	Drift *drift.Recorder

	// Introspection gives a client of an introspection endpoint, which all that ask for the same share.
	Introspection func(introspection.Config) (identity.Introspector, error)

	Store webhook.Store // where webhooks' events are kept; nil in a gateway that never serves

	// Signed says of a test's call to a webhook that it is signed by its sender; nil in every gateway that serves.
	Signed func(context.Context) bool

	Once *idempotency.Keeper // where answers are kept by callers' keys; nil in a gateway that never serves

	// Method puts another in the place of a way to identify oneself; nil in every gateway that serves. Tests say with
	// it who calls.
	Method func(*catalogue.Identity, identity.Method) identity.Method
}

// Upstream sends requests on.
type Upstream interface {
	// Forward sends r, which carries x in its context, and writes the answer to w once x.Back has seen it. It returns
	// a *problem.Problem as long as nothing was written, so that it can be answered; any other error means that the
	// caller is gone.
	Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error
}

// Gateway is everything that a request needs, ready. It never changes but for what Reserve adds, and serves many requests
// at once.
type Gateway struct {
	admit atomic.Pointer[admit.Admit] // the same but for Reserve
	table *route.Table
	apis  map[string]*api
	hooks map[string]*hook // by path
	goals map[string]goal  // by the names of webhooks and subscribers

	credentials []string
	keyed       []string // those and Authorization
	parameters  []string
	told        []string // fields in which services are told who calls

	signer *assertion.Signer // nil where no service is told in tokens

	listings []listing // in the catalogue's order

	drifting []drift.Key
}

// Drifting lists the routes whose answers are held against schemas.
func (g *Gateway) Drifting() []drift.Key { return g.drifting }

// Credentials lists the fields in which callers send credentials, but for Authorization.
func (g *Gateway) Credentials() []string { return g.credentials }

// Parameters lists the query parameters in which callers send credentials.
func (g *Gateway) Parameters() []string { return g.parameters }

// Template is the path of a request's route with the parameters in it and all that stands before it, "" without a route.
func (g *Gateway) Template(x *exchange.Exchange) string {
	_, path, ok := strings.Cut(x.Route, " ")
	to := g.apis[x.API]
	if !ok || to == nil { // none, or a webhook's, which has nothing before it
		return path
	}
	var b strings.Builder
	for _, segment := range to.base {
		b.WriteString("/" + segment)
	}
	if x.Selected == "path" {
		b.WriteString("/" + x.Version)
	}
	return b.String() + path
}

// api is what requests to an API need before their route is known.
type api struct {
	// identify finds who calls where the version may depend on it; nil where it cannot, and the ways do so themselves.
	identify *pipeline.Pipeline
	// pin is the version of a caller whose request names none; nil where a credential names none.
	pin *rule.Program
	// parameters are those of the query in which callers of the API send credentials. No service gets them, not even of a
	// route that asks for another credential or for none.
	parameters []string
	// resource is what is published for clients that want tokens; nil where none are taken.
	resource *identity.Resource
	base     []string // segments of the base path
	// descriptions are of the API's versions, by their index; of the only one on an API without versions.
	descriptions []*description
	// open is the path at which anyone may read the description of the default version, whoever calls; "" for none.
	open string
}

// ways are the ways through the gateway of one route: one for each version of the API that has it, by the version's
// index, or the only one on an API without versions.
type ways []*way

// way is where a request goes once its route and version are known.
type way struct {
	stages   *pipeline.Pipeline
	xml      *pipeline.Pipeline // the same for answers in XML; nil where they are not offered
	merge    *merging           // nil where what comes up goes on as it is
	once     *once              // nil where idempotency keys say nothing
	upstream Upstream
	keeps    []string // fields of the credentials that go on
	drops    []string // fields of those that do not
}
