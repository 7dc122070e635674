package catalogue

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
)

// suited names the attributes of parameters that say something of some types only.
var suited = map[string][]string{
	"format": {"string"}, "pattern": {"string"}, "min_length": {"string"}, "max_length": {"string"}, "sanitize": {"string"},
	"minimum": {"integer", "number"}, "maximum": {"integer", "number"},
}

// checkParameters looks for parameters that contradict themselves, the route, or what others read of a request.
func (d *decoder) checkParameters(a *API, r *Route, n *node) {
	if r.About != nil { // a document describes what the gateway itself looks after, too
		r.Parameters = slices.DeleteFunc(r.Parameters, func(p *Parameter) bool { return a.takes(p.In, p.Name) })
	}
	for _, b := range n.blocks {
		if b.spec != queryBlock && b.spec != headerBlock && b.spec != pathBlock {
			continue
		}
		if b.imported != nil {
			continue
		}
		d.checkValues(b)
		switch b.spec {
		case pathBlock:
			if known := parameters(r.Segments); !slices.Contains(known, b.label) {
				d.wrong(b.named, "Unknown parameter", "The route %q has no parameter {%s}.%s", r.Label, b.label, d.near(b.label, known))
			}
			continue
		case queryBlock:
			if a.Versioning != nil && a.Versioning.Query == b.label {
				d.wrong(b.named, "Ambiguous parameter", "The query parameter %q names the version.", b.label)
			}
		case headerBlock:
			if a.Versioning != nil && strings.EqualFold(a.Versioning.Header, b.label) {
				d.wrong(b.named, "Ambiguous header", "The header field %q names the version.", b.label)
			}
		}
		for _, i := range a.Identities() {
			switch {
			case i.APIKey == nil:
			case b.spec == queryBlock && i.APIKey.Query == b.label:
				d.wrong(b.named, "Ambiguous parameter", "The query parameter %q carries the API keys of the identity %q, and is gone by the time parameters are looked at.", b.label, i.Name)
			case b.spec == headerBlock && strings.EqualFold(i.APIKey.Header, b.label):
				d.wrong(b.named, "Ambiguous header", "The header field %q carries the API keys of the identity %q, and is gone by the time parameters are looked at.", b.label, i.Name)
			default:
				continue
			}
			break
		}
	}
	fields := make(map[string]*Parameter)
	for _, p := range r.Parameters {
		if first := fields[p.Name]; p.In == "header" && first != nil {
			d.wrong(p.Range, "Declared twice", "The header field %q is already declared at %s.", p.Name, at(first.Range))
		} else if p.In == "header" {
			fields[p.Name] = p
		}
		if p.Since != nil && p.Until != nil && !p.Since.Released.Before(p.Until.Released) {
			d.wrong(p.Range, "Contradictory versions", "No version has this parameter: %s is not released before %s.", p.Since.Name, p.Until.Name)
		}
	}
}

// takes says whether a parameter is one by which requests name the version or carry credentials.
func (a *API) takes(in, name string) bool {
	if by := a.Versioning; by != nil && (in == "query" && by.Query == name || in == "header" && strings.EqualFold(by.Header, name)) {
		return true
	}
	return slices.ContainsFunc(a.Identities(), func(i *Identity) bool {
		return i.APIKey != nil && (in == "query" && i.APIKey.Query == name || in == "header" && strings.EqualFold(i.APIKey.Header, name))
	})
}

// checkValues looks for what a block says of values that its type does not have.
func (d *decoder) checkValues(b *node) {
	typ := take[string](b, "type")
	for _, name := range sortedKeys(suited) {
		if b.written(name) && b.understood("type") && !slices.Contains(suited[name], typ) {
			d.wrong(b.values[name].name, "Unsuitable attribute", "The attribute %q says nothing of values of type %q, but of %s.", name, typ, either(suited[name]))
		}
	}
	for _, name := range []string{"min_items", "max_items", "unique"} {
		if b.written(name) && !b.written("list") {
			d.wrong(b.values[name].name, "Unsuitable attribute", "The attribute %q is about lists: say how one is written, with list.", name)
		}
	}
	if low, ok := b.values["min_length"].value.(int64); ok {
		if high, ok := b.values["max_length"].value.(int64); ok && low > high {
			d.wrong(b.place("min_length"), "Contradictory bounds", "No text has at least %d and at most %d characters.", low, high)
		}
	}
	if low, ok := b.values["min_items"].value.(int64); ok {
		if high, ok := b.values["max_items"].value.(int64); ok && low > high {
			d.wrong(b.place("min_items"), "Contradictory bounds", "No list has at least %d and at most %d items.", low, high)
		}
	}
	low, ok1 := new(big.Rat).SetString(string(take[json.RawMessage](b, "minimum")))
	high, ok2 := new(big.Rat).SetString(string(take[json.RawMessage](b, "maximum")))
	if ok1 && ok2 && low.Cmp(high) > 0 {
		d.wrong(b.place("minimum"), "Contradictory bounds", "No number is at least %s and at most %s.", take[json.RawMessage](b, "minimum"), take[json.RawMessage](b, "maximum"))
	}
	values, _ := b.values["enum"].value.([]constant)
	for _, v := range values {
		if b.understood("type") && !suits(v, typ) {
			d.wrong(b.place("enum"), "Unsuitable value", "Expected values of type %q: %s is none.", typ, v.JSON())
		}
	}
}

// suits says whether a constant is of a type of JSON Schema.
func suits(v constant, typ string) bool {
	switch v.kind {
	case text:
		return typ == "string"
	case boolean:
		return typ == "boolean"
	case number:
		return typ == "number" || typ == "integer" && !strings.ContainsAny(v.text, ".eE")
	}
	return false
}
