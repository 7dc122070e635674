package console

import (
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
)

// API is one of the catalogue's, with what becomes of its versions.
type API struct {
	Name     string    `json:"name"`
	Title    string    `json:"title,omitempty"`
	Summary  string    `json:"summary,omitempty"`
	Hosts    []string  `json:"hosts,omitempty"`
	BasePath string    `json:"base_path"`
	Routes   int       `json:"routes"`
	Versions []Version `json:"versions"` // the oldest first; none on an API without versions
}

// Version is a version in time.
type Version struct {
	Name       string     `json:"name"`
	State      string     `json:"state"` // preview, active, deprecated, brownout or retired
	Released   time.Time  `json:"released"`
	Deprecated *time.Time `json:"deprecated,omitempty"`
	Sunset     *time.Time `json:"sunset,omitempty"`
	Brownouts  []Span     `json:"brownouts,omitempty"`
	Docs       string     `json:"docs,omitempty"`
	Changes    []Change   `json:"changes,omitempty"` // from the version before
}

// Span is a time during which something is so.
type Span struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// Change is what a version changed.
type Change struct {
	Name    string `json:"name"`
	Summary string `json:"summary,omitempty"`
}

// APIs are those of a catalogue at a time.
func APIs(c *catalogue.Catalogue, now time.Time) []API {
	all := make([]API, 0, len(c.APIs))
	for _, from := range c.APIs {
		to := API{Name: from.Name, Title: from.Title, Summary: from.Summary, Hosts: from.Hosts, BasePath: from.BasePath, Routes: len(from.Routes), Versions: []Version{}}
		for _, v := range from.Versions {
			to.Versions = append(to.Versions, versionOf(v, now))
		}
		all = append(all, to)
	}
	return all
}

func versionOf(from *catalogue.Version, now time.Time) Version {
	v := Version{Name: from.Name, State: "active", Released: from.Released, Docs: from.Docs}
	if from.Preview {
		v.State = "preview"
	}
	if at := from.Deprecated; !at.IsZero() {
		if v.Deprecated = &at; !now.Before(at) {
			v.State = "deprecated"
		}
	}
	for _, b := range from.Brownouts {
		span := Span{b.From, b.From.Add(b.For)}
		v.Brownouts = append(v.Brownouts, span)
		if !now.Before(span.From) && now.Before(span.Until) {
			v.State = "brownout"
		}
	}
	if at := from.Sunset; !at.IsZero() {
		if v.Sunset = &at; !now.Before(at) {
			v.State = "retired"
		}
	}
	for _, c := range from.Changes {
		v.Changes = append(v.Changes, Change{c.Name, c.Summary})
	}
	return v
}

// Keys are those by which the traffic of a catalogue is told apart.
func Keys(c *catalogue.Catalogue) []Key {
	var all []Key
	for _, api := range c.APIs {
		if len(api.Versions) == 0 {
			all = append(all, Key{API: api.Name})
		}
		for _, v := range api.Versions {
			all = append(all, Key{api.Name, v.Name})
		}
	}
	for _, w := range c.Webhooks {
		all = append(all, Key{API: w.Name})
	}
	return all
}
