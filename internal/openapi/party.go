package openapi

import (
	"net/http"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/catalogue"
)

// parties describes what a route answers that no service of the operator's stands behind: one that publishes events says
// that they are kept, and one that a third party answers says so in the gateway's own words, its problems included.
func (w *writer) parties(r *catalogue.Route, terms catalogue.Terms, all map[string]*response) {
	switch {
	case r.Publish != nil:
		delete(all, "default")
		delete(all, "2XX")
		res := w.success(r, terms)
		res.Description, res.Content = "The event is kept, and will be told to each subscriber.", nil
		all[strconv.Itoa(http.StatusAccepted)] = res
	case r.Calling != nil:
		delete(all, "default") // what is no success is a problem of the gateway's
		if res := all["2XX"]; res != nil && r.Calling.Status != 0 {
			delete(all, "2XX")
			all[strconv.Itoa(r.Calling.Status)] = res
		}
		for _, e := range r.Calling.Integration.Errors {
			w.mapped(r, e, all)
		}
	}
}

// mapped describes an error of a third party's that is a problem here, besides what the gateway answers with the same status.
func (w *writer) mapped(r *catalogue.Route, e *catalogue.ProviderError, all map[string]*response) {
	status := strconv.Itoa(e.Status)
	text := e.Title + " (" + r.Calling.Integration.Problems + e.Name + ")."
	res := &response{Headers: map[string]*header{}}
	known := all[status]
	switch {
	case known == nil:
		res.Content = problems()
		w.carry(res, w.lifecycle()...)
		res.Description = text
	case known.Ref != "":
		*res = *w.responses[w.refusal(e.Status)]
		res.Description += " " + text
	default: // another error of theirs, or what a document says
		known.Description += " " + text
		return
	}
	all[status] = res
}
