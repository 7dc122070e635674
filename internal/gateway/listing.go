package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/openapi"
)

// listed is where the APIs of a host are listed (RFC 9727, section 2), linkset the media type of the list (RFC 9264,
// section 4.2) in the profile of RFC 9727, section 5.
const (
	listed  = "/.well-known/api-catalog"
	linkset = `application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"`
)

// listing is what the list says of an API.
type listing struct {
	*catalogue.API
	base  []string // segments of its base path
	takes bool     // a route of the API's own is where the list would be

	signs bool             // services of the API are told who calls in tokens
	keyed *catalogue.Route // the route that is where the keys of tokens would be; nil for none
}

func listingOf(from *catalogue.API, signs bool) listing {
	l := listing{API: from, signs: signs}
	if from.BasePath != "/" {
		l.base = strings.Split(from.BasePath[1:], "/")
	}
	l.takes = at(from, listed) != nil
	l.keyed = at(from, assertion.Path)
	return l
}

// at is the route of an API that is at a path, perhaps by a parameter; nil for none.
func at(from *catalogue.API, path string) *catalogue.Route {
	below, ok := strings.CutPrefix(path, strings.TrimSuffix(from.BasePath, "/")+"/")
	if !ok {
		return nil
	}
	segments := strings.Split(below, "/")
	i := slices.IndexFunc(from.Routes, func(r *catalogue.Route) bool {
		return slices.EqualFunc(r.Segments, segments, func(s catalogue.Segment, p string) bool { return s.Parameter != "" || s.Literal == p })
	})
	if i < 0 {
		return nil
	}
	return from.Routes[i]
}

// link is a target of a link (RFC 9264, section 4.2.4).
type link struct {
	Href  string `json:"href"`
	Type  string `json:"type,omitempty"`
	Title string `json:"title,omitempty"`
}

// links are those of one context, by their relations: those of RFC 8631, and "item" (RFC 6573), by which a list names
// the APIs themselves.
type links struct {
	Anchor      string `json:"anchor"`
	Item        []link `json:"item,omitempty"`
	Description []link `json:"service-desc,omitempty"`
	Docs        []link `json:"service-doc,omitempty"`
}

// list answers a request for the list of the host's APIs, those that serves says yes to. It does not, and writes
// nothing, where there are none or where a route of an API is at this path.
func (g *Gateway) list(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, serves func(api string) bool) bool {
	origin := x.Scheme + "://" + strings.ToLower(r.Host) // admission found it to be a host, perhaps with a port
	all := []links{{Anchor: origin + listed}}
	for _, l := range g.listings {
		if g.table.Claimant(x.Host, l.base) != l.Name || !serves(l.Name) {
			continue
		}
		if l.takes {
			return false
		}
		if l.Describe == catalogue.Nobody {
			continue
		}
		of := l.links(origin, x)
		all[0].Item = append(all[0].Item, link{Href: of.Anchor, Title: l.Name})
		all = append(all, of)
	}
	if len(all) == 1 {
		return false
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(struct {
		Links []links `json:"linkset"`
	}{all}); err != nil {
		return false
	}
	w.Header()["Link"] = []string{"<" + origin + listed + `>; rel="api-catalog"`}
	offer(w, r, linkset, "no-cache", tagOf(text.Bytes()), text.Bytes())
	return true
}

// links are those of an API: to the descriptions of the versions in force that need not be known by name, and to the
// pages on how to leave them. A version that only a header field can name has no address of its own.
func (l *listing) links(origin string, x *exchange.Exchange) links {
	below := strings.TrimSuffix(l.BasePath, "/")
	base := origin + below
	to := links{Anchor: origin + l.BasePath}
	describe := func(href, title string) {
		if len(to.Description) == 0 || to.Description[len(to.Description)-1].Href != href {
			to.Description = append(to.Description, link{href, openapi.MediaType, title})
		}
	}
	if len(l.Versions) == 0 {
		describe(base+catalogue.Description, "")
	}
	for _, v := range l.Versions {
		if v.Preview || x.Time.Before(v.Released) || !v.Sunset.IsZero() && !x.Time.Before(v.Sunset) {
			continue
		}
		switch by := l.Versioning; {
		case by.Host != "":
			_, port, _ := strings.Cut(strings.TrimPrefix(origin, x.Scheme+"://"), ":") // such a host is none in brackets
			if port != "" {
				port = ":" + port
			}
			describe(x.Scheme+"://"+strings.Replace(by.Host, "{version}", v.Name, 1)+port+below+catalogue.Description, v.Name)
		case by.Path:
			describe(base+"/"+v.Name+catalogue.Description, v.Name)
		case by.Query != "":
			describe(base+catalogue.Description+"?"+url.QueryEscape(by.Query)+"="+v.Name, v.Name)
		default:
			describe(base+catalogue.Description, "")
		}
		if v.Docs != "" {
			to.Docs = append(to.Docs, link{v.Docs, "text/html", "How to leave " + v.Name})
		}
	}
	return to
}
