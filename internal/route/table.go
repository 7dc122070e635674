// Package route is the second stage of a request: it finds the API, the version and the route that a request asks
// for, and tells the caller how long that version lives.
//
// A version is found in one step or in two. Match settles it whenever the request itself names a version, or when
// none can be pinned. Only if the request names none and the API's callers may be pinned does it depend on who calls:
// Match then reports Pending, the pipeline runs the API's own identification, which must not depend on version or
// route, and hands what the credential says to Pin:
//
//	m, p := table.Match(x)      // p: the answer; m.API == nil: no API claims the request, it falls through
//	if p == nil && m.Pending {
//		p = identify(x)         // of the API m.API
//		if p == nil {
//			p = m.Pin(x, x.Consumer.Version)
//		}
//	}
//	if p == nil && m.Status != 0 {
//		// OPTIONS: answer with this status and the fields of x.Answer
//	}
//	// else m.Route.Value, m.Index: the pipeline of this route in this version
//
// A Table knows nothing of the catalogue's language; it is built from plain values and is immutable.
package route

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/cors"
)

// API is one api block.
type API struct {
	// Name is the block's label.
	Name string
	// Hosts are those it answers to, lower case, without port, besides those of Versioning.Host; none of either: every
	// host that no other API names.
	Hosts []string
	// BasePath is where it begins, in decoded form: "/api". "" and "/" claim every path.
	BasePath string
	// XML says that bodies may be XML too: a version's media type that ends in +json has a sibling that ends in +xml.
	XML bool
	// Rewrite is what the upstream has in the place of BasePath, in decoded form; "": the same. "/" takes it off.
	Rewrite string
	// CORS is what pages of other origins may do; nil: the gateway says nothing of it.
	CORS *cors.Policy
	// Versioning says how a request names a version; nil where there are no versions.
	Versioning *Versioning
	// Versions are ordered by Released, the oldest first.
	Versions []Version
	// Routes may come in any order: a literal segment wins over a variable one.
	Routes []Route
}

// Versioning says how a request names its version. All that it names must agree.
type Versioning struct {
	// Path puts the version between base path and route: /api/{version}/orders.
	Path bool
	// Host is a pattern of hosts, "{version}.api.acme.example" or "api-{version}.acme.example"; "" for none. The labels
	// of versions are in lower case and stand in a host then.
	Host string
	// Header is the name of a header field; "" for none.
	Header string
	// MediaType is the pattern of media types, "application/vnd.acme.{version}+json"; "" for none.
	MediaType string
	// Query is the name of a query parameter; "" for none.
	Query string
	// Pin are the header fields whose credentials may decide the version of a request that names none
	// (Authorization, X-API-Key…); none: no pin.
	Pin []string
	// Default is the version of a request that names none and whose credential pins none; "": such a request is
	// answered 400.
	Default string
}

// Version is one version block. Its times may be zero where nothing is said.
type Version struct {
	// Name is the block's label: one path segment.
	Name string
	// Released is when it came, or will come, into force. Until then it is a preview.
	Released time.Time
	// Deprecated is from when on callers ought to leave (RFC 9745); may lie ahead.
	Deprecated time.Time
	// Sunset is when it is retired (RFC 8594): from then on 410. Never before Deprecated.
	Sunset time.Time
	// Docs is the address of a page on how to leave this version, an absolute URL.
	Docs string
	// Preview keeps it to requests that name it.
	Preview bool
	// Brownouts rehearse the sunset: within them 410.
	Brownouts []Brownout
}

// Brownout is a stretch of time in which a version is switched off.
type Brownout struct {
	From time.Time
	For  time.Duration
}

// Route is one route block, in the versions from Since up to, but not including, Until.
type Route struct {
	// Pattern is the method and the path below the base path: "GET /orders/{id}". Segments are decoded.
	Pattern string
	// Since is the first version that has it; "": the oldest.
	Since string
	// Until is the first version that has it no more; "": every later version has it.
	Until string
	// Rewrite is the whole path that the upstream is asked for, with the pattern's variables: "/internal/orders/{id}".
	// "": the path asked for, without the version.
	Rewrite string
	// Value is whatever the builder attaches: the route's pipelines.
	Value any
}

// Table finds routes.
type Table struct {
	hosts    map[string]*base
	patterns []pattern // of hosts that name a version, known or not
	any      *base
	apis     []*api // as they were given
}

// pattern is a host with a gap and what is served at the hosts that fill it.
type pattern struct {
	gap
	*base
}

// base is a node of the tree of base paths of one host.
type base struct {
	api  *api
	next map[string]*base
}

// New builds the table. The error joins everything that makes the APIs ambiguous or contradictory.
func New(apis []API) (*Table, error) {
	t := &Table{hosts: map[string]*base{}, any: &base{}}
	var errs []error
	for i := range apis {
		a, err := compile(&apis[i])
		if err == nil {
			err = t.claim(a)
			t.apis = append(t.apis, a)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("building routes of API %q: %w", apis[i].Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Table) claim(a *api) error {
	roots := []*base{t.any}
	if len(a.Hosts) > 0 || a.byHost != nil {
		roots = nil
	}
	for _, host := range a.Hosts {
		if host == "" || host != strings.ToLower(host) {
			return fmt.Errorf("the host %q is not in lower case", host)
		}
		roots = append(roots, t.root(host))
	}
	for host := range a.byHost {
		roots = append(roots, t.root(host))
	}
	if a.byHost != nil {
		roots = append(roots, t.rootOf(a.gap))
	}
	for _, n := range roots {
		for _, segment := range a.base {
			if n.next == nil {
				n.next = map[string]*base{}
			}
			if n.next[segment] == nil {
				n.next[segment] = &base{}
			}
			n = n.next[segment]
		}
		if n.api != nil && n.api != a {
			return fmt.Errorf("the API %q has the same host and base path", n.api.Name)
		}
		n.api = a
	}
	return nil
}

func (t *Table) root(host string) *base {
	if t.hosts[host] == nil {
		t.hosts[host] = &base{}
	}
	return t.hosts[host]
}

func (t *Table) rootOf(g gap) *base {
	for i := range t.patterns {
		if t.patterns[i].gap == g {
			return t.patterns[i].base
		}
	}
	t.patterns = append(t.patterns, pattern{g, &base{}})
	return t.patterns[len(t.patterns)-1].base
}

// Misdirected says that a request for host can mean no API here: each has hosts of its own, and this is none of them
// (RFC 9110, section 15.5.20).
func (t *Table) Misdirected(host string) bool {
	if t.any.api != nil || t.any.next != nil || t.hosts[host] != nil {
		return false
	}
	for i := range t.patterns {
		if _, ok := t.patterns[i].label(host); ok {
			return false
		}
	}
	return true
}

// Claimant is the name of the API that requests to host for a path go to, "" for none. The path is decoded and split at
// its slashes.
func (t *Table) Claimant(host string, path []string) string {
	if a := t.find(host, path); a != nil {
		return a.Name
	}
	return ""
}

// find gives the API that claims a path: of the host's own APIs the one with the longest base path, matched on whole
// segments, else of those whose pattern of hosts it fills, else of those without hosts.
func (t *Table) find(host string, segments []string) *api {
	if n := t.hosts[host]; n != nil {
		if a := n.find(segments); a != nil {
			return a
		}
	}
	for i := range t.patterns {
		if _, ok := t.patterns[i].label(host); ok {
			if a := t.patterns[i].find(segments); a != nil {
				return a
			}
		}
	}
	return t.any.find(segments)
}

func (n *base) find(segments []string) *api {
	a := n.api
	for _, segment := range segments {
		if n = n.next[segment]; n == nil {
			break
		}
		if n.api != nil {
			a = n.api
		}
	}
	return a
}
