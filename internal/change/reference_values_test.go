package change_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/change"
)

// What the reference does to values.

func paired(v any, pairs []change.Pair, up bool) (any, error) {
	for _, pair := range pairs {
		from, to := pair.Old, pair.New
		if !up {
			from, to = to, from
		}
		switch {
		case !same(v, plain(from)):
		case same(v, plain(to)):
			return v, nil
		default:
			if s, ok := v.(spelt); ok && string(s) != string(from) {
				return nil, errShape
			}
			return plain(to), nil
		}
	}
	return nil, errors.New("no pair")
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// ratio is a number's value; nil for anything else.
func ratio(v any) *big.Rat {
	text := ""
	switch v := v.(type) {
	case json.Number:
		text = string(v)
	case spelt:
		text = string(v)
	default:
		return nil
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

// scaled moves the decimal point to the right, or back.
func scaled(v any, op change.Operation, right bool) (any, error) {
	decimals := max(op.Decimals, -op.Decimals)
	tens := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil))
	if text, ok := v.(string); ok {
		form := regexp.MustCompile(fmt.Sprintf(`^-?(0|[1-9][0-9]*)\.[0-9]{%d}$`, decimals))
		if !right || op.As == "number" || !form.MatchString(text) {
			return nil, errShape
		}
		r, _ := new(big.Rat).SetString(text)
		if r.Sign() == 0 && text[0] == '-' {
			return nil, errShape
		}
		return json.Number(r.Mul(r, tens).FloatString(0)), nil
	}
	r := ratio(v)
	if r == nil || right && op.As != "number" {
		return nil, errShape
	}
	if s, ok := v.(spelt); ok && (right && r.FloatString(decimals) != string(s) || !right && r.FloatString(0) != string(s)) {
		return nil, errShape
	}
	if right {
		if r.Mul(r, tens); !r.IsInt() {
			return nil, errShape
		}
		return json.Number(r.FloatString(0)), nil
	}
	if !r.IsInt() {
		return nil, errShape
	}
	text := r.Quo(r, tens).FloatString(decimals)
	if op.As == "number" {
		return json.Number(text), nil
	}
	return text, nil
}

func casted(v any, from, to string) (any, error) {
	switch v := v.(type) {
	case string:
		switch {
		case to == "number" && jsonNumber.MatchString(v):
			return spelt(v), nil
		case to == "boolean" && (v == "true" || v == "false"):
			return v == "true", nil
		}
	case bool:
		if from == "boolean" {
			return fmt.Sprint(v), nil
		}
	case json.Number, spelt:
		if from == "number" {
			return fmt.Sprint(v), nil
		}
	}
	return nil, errShape
}

func divide(p object, name string, op change.Operation, strict bool) error {
	for _, part := range op.Parts {
		if _, there := p[part]; there && strict {
			return errShape
		}
	}
	v, ok := p[name]
	if !ok || v == nil {
		return nil
	}
	text, ok := v.(string)
	if !ok {
		return errShape
	}
	delete(p, name)
	for i, part := range strings.SplitN(text, op.Separator, len(op.Parts)) {
		p[op.Parts[i]] = part
	}
	return nil
}

func unite(p object, name string, op change.Operation, strict bool) error {
	var texts []string
	for i, part := range op.Parts {
		switch v := p[part].(type) {
		case nil:
		case string:
			if texts = append(texts, v); strict && len(texts) <= i {
				return errShape
			}
		default:
			return errShape
		}
	}
	text := strings.Join(texts, op.Separator)
	if strict {
		if v, there := p[name]; there && (v != nil || texts != nil) {
			return errShape
		}
		if texts != nil && !slices.Equal(strings.SplitN(text, op.Separator, len(op.Parts)), texts) {
			return errShape
		}
	}
	null := false
	for _, part := range op.Parts {
		v, there := p[part]
		if null = null || there; v != nil || !strict {
			delete(p, part)
		}
	}
	switch {
	case texts != nil:
		p[name] = text
	case null && !strict:
		p[name] = nil
	}
	return nil
}

// same says whether two values are equal, numbers as decimals and strings exactly.
func same(a, b any) bool {
	if x, y := ratio(a), ratio(b); x != nil || y != nil {
		return x != nil && y != nil && x.Cmp(y) == 0
	}
	switch a := a.(type) {
	case object:
		b, ok := b.(object)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			if w, ok := b[name]; !ok || !same(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	}
	return a == b
}

func plain(raw json.RawMessage) any {
	v, err := decode(raw)
	if err != nil {
		panic(err)
	}
	return v
}
