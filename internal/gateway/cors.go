package gateway

import (
	"slices"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/cors"
	"github.com/wicketgate/wicketgate/internal/route"
)

// read are the fields of requests that the gateway itself, or a service of any API, understands: besides those of one
// API, which pages may send too.
var read = []string{
	"Accept", "Content-Type", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
	"Range", "Traceparent", "Tracestate",
}

// wrote are the fields of answers that the gateway itself writes, or changes.
var wrote = []string{
	"Allow", "Accept-Patch", "Accept-Post", "Content-Location", "Content-Range", "Deprecation", "Etag", "Idempotent-Replayed", "Idempotent-Stored", "Link", "Location", "Ratelimit", "Ratelimit-Policy",
	"Retry-After", "Sunset", "Www-Authenticate",
}

// cors builds what pages of other origins may do with an API, whose routes are built; nil where nothing is said of it.
func (b *builder) cors(from *catalogue.API, routes []route.Route) *cors.Policy {
	if from.CORS == nil {
		return nil
	}
	c := cors.Config{Origins: from.CORS.Origins, Credentials: from.CORS.Credentials, MaxAge: from.CORS.MaxAge}
	fields, _ := b.placesOf(from)
	c.Headers = slices.Concat(read, fields, from.CORS.Headers)
	c.Expose = slices.Concat(wrote, from.CORS.Expose)
	if by := from.Versioning; by != nil && by.Header != "" {
		c.Headers = append(c.Headers, by.Header)
	}
	for _, r := range routes {
		for _, w := range r.Value.(ways) {
			if w == nil {
				continue
			}
			for _, name := range w.stages.Needs().Header { // what rules and policies ask about
				if name != "*" {
					c.Headers = append(c.Headers, name)
				}
			}
		}
	}
	return cors.New(c)
}
