package catalogue

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// checkMerge looks whether what a PUT is laid over can be read: as the very object that it writes, in every version that
// has the PUT, from the service that gets it.
func (d *decoder) checkMerge(a *API, r *Route, nodes map[string]*node) {
	if !r.Merge {
		return
	}
	written := nodes[r.Label]
	place := written.values["merge"].name
	switch {
	case r.Method != http.MethodPut:
		d.wrong(place, "Unsuitable attribute", "Only a PUT writes a whole resource, which can be merged with what is there; this route is a %s.", r.Method)
		return
	case len(a.Versions) == 0:
		d.wrong(place, "Unsuitable attribute", "The API %q has no versions, so its callers see all that is there.", a.Name)
		return
	case r.Accepts == nil:
		if written.understood("accepts") {
			d.absent(&place, "Missing attribute", "To merge a PUT with what is there, the route must say which object it takes: accepts = object.name.")
		}
		return
	}
	get := a.reads(r)
	if get == nil {
		d.absent(&place, "No route to read", "A PUT is merged with what GET answers, but there is no route \"GET "+r.Path+"\".")
		return
	}
	if !slices.ContainsFunc(get.Returns, func(p Place) bool { return p.Path == "" && p.Object == r.Accepts }) {
		if nodes[get.Label].understood("returns") {
			d.wrong(place, "No route to read", "A PUT is merged with what GET answers, but %q, at %s, does not return the object %q, the whole of it: returns = object.%s.",
				get.Label, at(get.Range), r.Accepts.Name, r.Accepts.Name)
		}
		return
	}
	if r.rewritten() != get.rewritten() {
		d.wrong(place, "No route to read", "A PUT is merged with what GET answers, but %q, at %s, asks the upstream for another path: one of both has a rewrite that the other has not.", get.Label, at(get.Range))
		return
	}
	for _, v := range a.Versions {
		switch {
		case !r.In(v):
		case !get.In(v):
			d.wrong(place, "No route to read", "A PUT is merged with what GET answers, but the version %q has no %q, at %s.", v.Name, get.Label, at(get.Range))
			return
		case a.For(v, r).Upstream != a.For(v, get).Upstream:
			d.wrong(place, "No route to read", "A PUT is merged with what GET answers, but %q, at %s, is answered by another upstream in the version %q.", get.Label, at(get.Range), v.Name)
			return
		}
	}
}

// rewritten is the path that the upstream is asked for, "" where it is the one asked for, whatever the parameters are
// called.
func (r *Route) rewritten() string {
	to := r.Rewrite
	for i, s := range r.Segments {
		if s.Parameter != "" {
			to = strings.ReplaceAll(to, "{"+s.Parameter+"}", "{"+strconv.Itoa(i)+"}")
		}
	}
	return to
}

// reads is the route that answers GET where r takes PUT.
func (a *API) reads(r *Route) *Route {
	for _, get := range a.Routes {
		if get.Method == http.MethodGet && shape(get.Segments) == shape(r.Segments) {
			return get
		}
	}
	return nil
}
