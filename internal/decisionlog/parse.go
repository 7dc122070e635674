package decisionlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/policy"
)

// Mask is a place of events that is left out.
type Mask struct{ path []string }

// shorthands are first members of input that a mask may name in short, with what they mean.
var shorthands = map[string][]string{"headers": headers[0], "body": bodies[0], "query": queries[0]}

// ParseMask reads a place: a reference such as input.request.headers.authorization, or a pointer such as
// /input/request/headers/authorization (RFC 6901), in which * is any name or index. input.headers, input.body and
// input.query are short for those of input.request.
func ParseMask(text string) (Mask, error) {
	path, err := split(text)
	if err != nil {
		return Mask{}, err
	}
	if slices.Contains(path, "") {
		return Mask{}, fmt.Errorf("%q has an empty name", text)
	}
	if path[0] != "input" && path[0] != "result" {
		return Mask{}, fmt.Errorf("a mask is a place in input or result, such as input.headers.authorization, not %q", text)
	}
	if len(path) > maxMaskDepth {
		return Mask{}, fmt.Errorf("%q has more than %d names", text, maxMaskDepth)
	}
	if path[0] == "input" && len(path) > 1 {
		if long := shorthands[path[1]]; long != nil {
			path = slices.Concat(long, path[2:])
		}
		if err := known(path); err != nil {
			return Mask{}, err
		}
	}
	return Mask{path}, nil
}

// maxMaskDepth bounds the names of a mask.
const maxMaskDepth = 32

// Path is the place that is left out, name by name, with "*" for any.
func (m Mask) Path() []string { return m.path }

func split(text string) ([]string, error) {
	if rest, ok := strings.CutPrefix(text, "/"); ok {
		path := strings.Split(rest, "/")
		for i, name := range path {
			path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		}
		return path, nil
	}
	if !strings.Contains(text, "[") { // header fields have hyphens, which Rego wants in brackets and nobody else does
		return strings.Split(text, "."), nil
	}
	ref, err := ast.ParseRef(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no reference such as input.request.body.items[_].price", text)
	}
	path := make([]string, len(ref))
	for i, term := range ref {
		switch v := term.Value.(type) {
		case ast.Var:
			path[i] = string(v)
			if i > 0 {
				path[i] = "*"
			}
		case ast.String:
			path[i] = string(v)
		case ast.Number:
			path[i] = v.String()
		default:
			return nil, errors.New("a mask takes names, indices and _ only")
		}
	}
	return path, nil
}

// schema is what policies are given, as far as it tells where names may stand.
type schema struct {
	Properties map[string]*schema `json:"properties"`
	Additional *bool              `json:"additionalProperties"`
}

// known says which name of a place in input there is not: whoever misspells a mask believes something hidden that is not.
func known(path []string) error {
	at := &schema{}
	if err := json.Unmarshal(policy.InputSchema, at); err != nil {
		return fmt.Errorf("reading the schema of input: %w", err)
	}
	for i, name := range path[1:] {
		if at.Additional == nil || *at.Additional || name == "*" {
			return nil
		}
		next := at.Properties[name]
		if next == nil {
			where := strings.Join(path[:i+1], ".")
			if s := diagnostic.Suggest(name, slices.Sorted(maps.Keys(at.Properties))); s != "" {
				return fmt.Errorf("%s has no %s; did you mean %s?", where, name, s)
			}
			return fmt.Errorf("%s has no %s", where, name)
		}
		at = next
	}
	return nil
}
