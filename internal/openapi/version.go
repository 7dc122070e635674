package openapi

import (
	"encoding/json"
	"strings"

	"github.com/wicketgate/wicketgate/internal/catalogue"
)

// ways are how a request names the version that is described. The first there is, in the order of the fields, is how
// this description has it done; the others may name the same version besides.
type ways struct {
	version   string
	path      bool
	host      string // the version's own; "" for none
	header    string
	query     string
	mediaType string // the version's own; "" for none
	assumed   bool   // a request that names none gets this version, unless a credential is pinned to another
}

func waysOf(a *catalogue.API, v *catalogue.Version) ways {
	if v == nil || a.Versioning == nil {
		return ways{}
	}
	by := a.Versioning
	return ways{
		version: v.Name, path: by.Path, host: strings.Replace(by.Host, "{version}", v.Name, 1), header: by.Header, query: by.Query,
		mediaType: strings.Replace(by.MediaType, "{version}", v.Name, 1), assumed: by.Default == v,
	}
}

// components are the parameters that may name the version.
func (w *ways) components() map[string]*parameter {
	all := map[string]*parameter{}
	add := func(key, name, in string, first bool) {
		if name == "" {
			return
		}
		p := &parameter{Name: name, In: in, Required: first && !w.assumed, Schema: constant(w.version)}
		switch {
		case first:
			p.Description = "Names the version."
		default:
			p.Description = "May name the version too; all that name one must agree."
		}
		all[key] = p
	}
	add("version-header", w.header, "header", !w.path && w.host == "")
	add("version-query", w.query, "query", !w.path && w.host == "" && w.header == "")
	return all
}

// parameters refers to them.
func (w *ways) parameters() []*parameter {
	var all []*parameter
	if w.header != "" {
		all = append(all, &parameter{Ref: "#/components/parameters/version-header"})
	}
	if w.query != "" {
		all = append(all, &parameter{Ref: "#/components/parameters/version-query"})
	}
	return all
}

// mediaTypes are those of bodies of this version. Where nothing but the media type can name the version, JSON and XML of
// no version are of another version, or of none.
func (w *ways) mediaTypes(xml bool) []string {
	var all []string
	if w.mediaType == "" || w.path || w.host != "" || w.header != "" || w.query != "" || w.assumed {
		all = append(all, "application/json")
		if xml {
			all = append(all, "application/xml")
		}
	}
	if w.mediaType != "" {
		all = append(all, w.mediaType)
	}
	if base, ok := strings.CutSuffix(w.mediaType, "+json"); ok && xml {
		all = append(all, base+"+xml")
	}
	return all
}

// content is a body of a shape in the media types that it comes in.
func (w *ways) content(shape json.RawMessage, xml bool) ordered[mediaType] {
	var all ordered[mediaType]
	for _, name := range w.mediaTypes(xml) {
		all.add(name, mediaType{Schema: shape})
	}
	return all
}

// constant is the schema of one text.
func constant(text string) json.RawMessage {
	return marshal(struct {
		Type  string `json:"type"`
		Const string `json:"const"`
	}{"string", text})
}
