package schema

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// checked are the formats that a document is held to.
var checked = []string{
	"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "iri", "iri-reference", "json-pointer", "period",
	"regex", "relative-json-pointer", "semver", "time", "uri", "uri-reference", "uri-template", "uuid",
}

// unchecked warns of each format that is not checked: a misspelt one would let everything through.
func (f *folder) unchecked(root string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, at := range f.loaded(root) {
		visit(f.sources[at].text, nil, false, func(way []string, format string) {
			if slices.Contains(checked, format) {
				return
			}
			d := f.member(at, way, "Format is not checked", quote(format)+" is not a format that is checked."+diagnostic.DidYouMean(format, checked)+" The formats are "+strings.Join(checked, ", ")+".")
			d[0].Severity = hcl.DiagWarning
			diags = append(diags, d...)
		})
	}
	return diags
}

// visit finds each format keyword. names says that raw is an object whose members are names, not keywords.
func visit(raw []byte, way []string, names bool, found func(way []string, format string)) {
	for name, value := range jsonspan.Members(raw) {
		key := jsonspan.Text(name)
		here := append(slices.Clone(way), key)
		switch {
		case names:
			visit(value, here, false, found)
		case key == "format" && value[0] == '"':
			found(here, jsonspan.Text(value))
		case key == "const" || key == "enum" || key == "default" || key == "examples":
		default:
			visit(value, here, key == "properties" || key == "patternProperties" || key == "$defs" || key == "dependentSchemas", found)
		}
	}
	i := 0
	for value := range jsonspan.Items(raw) {
		visit(value, append(slices.Clone(way), itoa(i)), false, found)
		i++
	}
}
