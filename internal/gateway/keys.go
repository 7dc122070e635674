package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Publish answers with the public keys that services verify tokens with. A problem says why not; then nothing has been
// written.
func Publish(w http.ResponseWriter, r *http.Request, s *assertion.Signer) *problem.Problem {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return problem.New(problem.MethodNotAllowed, "the keys can only be read").WithHeader("Allow", "GET, HEAD")
	}
	keys := s.Keys()
	if keys == nil {
		return problem.New(problem.Unavailable, "the gateway has no keys yet").WithHeader("Retry-After", "1")
	}
	text, tag := keys.Set()
	offer(w, r, assertion.MediaType, published, tag, text)
	return nil
}

var published = "public, max-age=" + strconv.Itoa(int(assertion.MaxAge/time.Second))

// publishes says whether keys are published at a host: where an API is served whose services are told in tokens, and no
// route of an API is written to be at this very path.
func (g *Gateway) publishes(host string, serves func(api string) bool) bool {
	signs := false
	for _, l := range g.listings {
		if g.table.Claimant(host, l.base) != l.Name || !serves(l.Name) {
			continue
		}
		if l.keyed != nil && literal(l.keyed) {
			return false
		}
		signs = signs || l.signs
	}
	return signs
}

func literal(r *catalogue.Route) bool {
	return !slices.ContainsFunc(r.Segments, func(s catalogue.Segment) bool { return s.Parameter != "" })
}

// warnOfKeys tells of routes that are where the keys of tokens are published: the one hides the other.
func (b *builder) warnOfKeys(all []listing) {
	if !slices.ContainsFunc(all, func(l listing) bool { return l.signs }) {
		return
	}
	for _, l := range all {
		if l.keyed == nil {
			continue
		}
		detail := "The route %q is not reached at %s where an API is served whose services are told who calls in tokens: the keys of these are there."
		if literal(l.keyed) {
			detail = "The route %q is at %s, where the keys of tokens are published: services cannot verify tokens by the hosts of this API."
		}
		b.diags = append(b.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Route at the place of keys",
			Detail: fmt.Sprintf(detail, l.keyed.Label, assertion.Path), Subject: l.keyed.Range.Ptr()})
	}
}
