package identity

import (
	"errors"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// Computed is what is computed of the claims of a token; what is nil is as its field in JWTConfig says by default.
type Computed struct {
	Consumer func(claims map[string]any) (string, error)
	Plan     func(claims map[string]any) (string, error)
	Version  func(claims map[string]any) (string, error)
	Groups   func(claims map[string]any) ([]string, error)
}

// Expressions are expressions over claims, made ready for what Wanted says; nil ones are not written.
type Expressions struct{ Consumer, Plan, Version, Groups *rule.Program }

// What the expressions of a token are wanted for.
const (
	WantedText   = rule.String // the consumer, its plan and its version
	WantedGroups = rule.Any
)

// Computed gives what e computes.
func (e Expressions) Computed() Computed {
	var c Computed
	over := func(claims map[string]any) *exchange.Exchange {
		return &exchange.Exchange{Consumer: &exchange.Consumer{Claims: claims}}
	}
	optional := func(p *rule.Program) func(map[string]any) (string, error) {
		if p == nil {
			return nil
		}
		return func(claims map[string]any) (string, error) {
			v, err := p.Value(over(claims))
			if v == nil || err != nil {
				return "", err
			}
			text, ok := v.(string)
			if !ok { // 3 is no "3": whoever wrote it meant something else
				return "", errText
			}
			return text, nil
		}
	}
	c.Plan, c.Version = optional(e.Plan), optional(e.Version)
	if e.Consumer != nil {
		c.Consumer = func(claims map[string]any) (string, error) { return e.Consumer.String(over(claims)) }
	}
	if e.Groups != nil {
		c.Groups = func(claims map[string]any) ([]string, error) {
			v, err := e.Groups.Value(over(claims))
			if err != nil {
				return nil, err
			}
			return groups(v)
		}
	}
	return c
}

// groups reads a list of strings, or one; null is none.
func groups(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []string:
		return v, nil
	case []any:
		list := make([]string, len(v))
		for i := range v {
			s, ok := v[i].(string)
			if !ok {
				return nil, errGroups
			}
			list[i] = s
		}
		return list, nil
	}
	return nil, errGroups
}

var (
	errGroups = errors.New("expected a list of strings")
	errText   = errors.New("expected a string or null")
)
