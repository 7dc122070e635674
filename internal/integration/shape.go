package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// Shape is what is done to a body, in this order.
type Shape struct{ Steps []Step }

// Step is a program of operations, or a member that is set to a value.
type Step struct {
	Program *change.Program
	Path    []string
	Value   *rule.Program // nil where Program is set
}

func (s *Shape) empty() bool { return s == nil || len(s.Steps) == 0 }

// apply changes a body. What the values name is what came, so they are computed before anything is changed.
func (s *Shape) apply(x *exchange.Exchange, doc []byte) ([]byte, error) {
	if s.empty() {
		return doc, nil
	}
	values := make([][]byte, len(s.Steps))
	for i, one := range s.Steps {
		if one.Value == nil {
			continue
		}
		v, err := one.Value.Value(x)
		if err != nil {
			return nil, err
		}
		if values[i], err = spell(v); err != nil {
			return nil, err
		}
	}
	for i, one := range s.Steps {
		var err error
		if one.Value == nil {
			doc, err = one.Program.Up(doc)
		} else {
			doc, err = set(nil, doc, one.Path, values[i])
		}
		if err != nil {
			return nil, err
		}
		if len(doc) > maxSent {
			return nil, errTooLarge
		}
	}
	return doc, nil
}

// spell writes a value as JSON.
func spell(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, errors.New("the value cannot be written as JSON")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// set appends to dst the document doc with a value at a path, in the place of what is there; objects on the way that are
// not there are made.
func set(dst, doc []byte, path []string, value []byte) ([]byte, error) {
	i := jsonspan.Space(doc, 0)
	if i >= len(doc) || doc[i] != '{' {
		return nil, fmt.Errorf("setting %s: what is around it is no object", strings.Join(path, "."))
	}
	dst = append(dst, '{')
	found := false
	for name, old := range jsonspan.Members(doc[i:]) {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(dst, name...), ':')
		switch {
		case found || !jsonspan.Is(name, path[0]):
			dst = append(dst, old...)
			continue
		case len(path) == 1:
			dst = append(dst, value...)
		case old[0] == 'n':
			dst = build(dst, path[1:], value)
		default:
			var err error
			if dst, err = set(dst, old, path[1:], value); err != nil {
				return nil, err
			}
		}
		found = true
	}
	if !found {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = jsonspan.AppendQuote(dst, path[0])
		dst = build(append(dst, ':'), path[1:], value)
	}
	return append(dst, '}'), nil
}

// build appends a value with the objects around it.
func build(dst []byte, path []string, value []byte) []byte {
	for _, name := range path {
		dst = append(jsonspan.AppendQuote(append(dst, '{'), name), ':')
	}
	dst = append(dst, value...)
	for range path {
		dst = append(dst, '}')
	}
	return dst
}
