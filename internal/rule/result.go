package rule

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/file"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Value evaluates the expression: nil, bool, int, float64, json.Number for a number that neither holds exactly, string, a
// list as []any or []string, an object as map[string]any. Its error is a *Failure.
func (p *Program) Value(x *exchange.Exchange) (any, error) {
	var v any
	if f := p.evaluate(x, func(r *run) { v = r.plain(p.code(r)) }); f != nil {
		return nil, f
	}
	return v, nil
}

// Bool evaluates an expression compiled for Bool. Only true is yes; null, an error and a value of another type are
// not. Its error is a *Failure.
func (p *Program) Bool(x *exchange.Exchange) (bool, error) {
	yes, _, err := p.Holds(x)
	return yes, err
}

// Holds is Bool, and tells where the body is wrong if that is known better than by Pointer: the member of a list at which
// all or none stopped, as a JSON pointer; otherwise "".
func (p *Program) Holds(x *exchange.Exchange) (yes bool, at string, err error) {
	if f := p.evaluate(x, func(r *run) {
		if yes = p.truth(r); !yes {
			at = r.pointer()
		}
	}); f != nil {
		return false, f.Pointer, f
	}
	return yes, at, nil
}

// String evaluates an expression compiled for String: numbers and truth values are written out; null, a list and an
// object are failures. Its error is a *Failure.
func (p *Program) String(x *exchange.Exchange) (string, error) {
	var s string
	if f := p.evaluate(x, func(r *run) { s = r.written(p.code(r)) }); f != nil {
		return "", f
	}
	return s, nil
}

// StringOrNull evaluates an expression compiled for String as String does, but for null, which is no failure and gives
// the empty text.
func (p *Program) StringOrNull(x *exchange.Exchange) (string, error) {
	var s string
	if f := p.evaluate(x, func(r *run) {
		if v := p.code(r); v.kind != aNull {
			s = r.written(v)
		}
	}); f != nil {
		return "", f
	}
	return s, nil
}

// Integer evaluates an expression compiled for Integer: a number with a fraction, null and everything else is a failure.
// Its error is a *Failure.
func (p *Program) Integer(x *exchange.Exchange) (int64, error) {
	var n int64
	if f := p.evaluate(x, func(r *run) {
		v := p.code(r)
		i, ok := v.int64()
		if !ok {
			fail(file.Location{}, "expected a whole number, got %s", v.kind)
		}
		n = i
	}); f != nil {
		return 0, f
	}
	return n, nil
}

// Key evaluates an expression compiled for Key: as String does, and a list into one text that no list of other parts has.
// A list without parts, and a part that is empty, are failures. Its error is a *Failure.
func (p *Program) Key(x *exchange.Exchange) (string, error) {
	var s string
	if f := p.evaluate(x, func(r *run) {
		v := p.code(r)
		if v.kind != aList {
			s = r.written(v)
			return
		}
		var key []byte
		r.each(v, func(_ int, part value) bool {
			text := r.written(part)
			if text == "" {
				fail(file.Location{}, "a part of the key is empty")
			}
			r.write(len(text))
			key = append(append(strconv.AppendInt(key, int64(len(text)), 10), ':'), text...)
			return true
		})
		if key == nil {
			fail(file.Location{}, "the key has no parts")
		}
		s = string(key)
	}); f != nil {
		return "", f
	}
	return s, nil
}

// written is a result as String gives it. Where the body was looked at it is a copy, so that it does not keep it.
func (r *run) written(v value) string {
	s, ok := v.written()
	if !ok {
		fail(file.Location{}, "expected a string, a number or a truth value, got %s", v.kind)
	}
	if r.program.needs.Body == exchange.JSON {
		return strings.Clone(s)
	}
	return s
}

// Text writes out a value that an expression gave, as Program.String does; false for null, a list and an object.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", false
		}
		return fraction(v).written()
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
