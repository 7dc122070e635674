package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/identity"
)

// metadata is what is published about an API for clients that want tokens (RFC 9728); nil where a route of an API is
// where the document would be.
func (b *builder) metadata(from *catalogue.API) *identity.MetadataConfig {
	path := identity.MetadataPath(from.BasePath)
	if slices.ContainsFunc(b.Catalogue.APIs, func(a *catalogue.API) bool { return at(a, path) != nil }) {
		return nil
	}
	return &identity.MetadataConfig{Path: from.BasePath, Name: from.Name}
}

// publish makes an API's resource, of all ways to identify that it names at any level.
func (b *builder) publish(to *api, from *catalogue.API) {
	if from.BasePath != "/" {
		to.base = strings.Split(from.BasePath[1:], "/")
	}
	if c := b.metadata(from); c != nil {
		resource, diags := identity.NewResource(*c, b.methodsOf(from)...)
		b.add(diags)
		to.resource = resource
	}
}

// about answers a request for the document about an API, that serves says yes to. It does not, and writes nothing, where
// there is none.
func (g *Gateway) about(w http.ResponseWriter, x *exchange.Exchange, serves func(api string) bool) bool {
	below, ok := strings.CutPrefix(x.Path.Escaped, identity.MetadataPath(""))
	if !ok || below != "" && below[0] != '/' {
		return false
	}
	base := x.Path.Segments[2:] // behind those of the well-known place
	name := g.table.Claimant(x.Host, base)
	to := g.apis[name]
	if to == nil || !serves(name) || !slices.Equal(to.base, base) || !to.resource.Asked(x) {
		return false
	}
	to.resource.Serve(w, x)
	return true
}
