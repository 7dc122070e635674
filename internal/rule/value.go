package rule

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// kind is what a value is.
type kind uint8

const (
	aNull   kind = iota
	anEnd        // what a chain with ?. ends in where there is nothing to take a member of; never outside of the chain
	aTruth       // true or false
	aNumber      // exact, however it is spelt
	aText
	aList
	anObject
	aTime
	aDuration
)

// String names the kind as failures do, which quote no value: it may be secret.
func (k kind) String() string {
	return [...]string{"null", "null", "a truth value", "a number", "a string", "a list", "an object", "a time", "a duration"}[k]
}

// value is what an expression computes with. Of a body it is a part of the text until somebody opens it, so that only
// what an expression names is read, and nothing of it is copied.
type value struct {
	kind kind
	exp  int32  // a number is n×10^exp; a time has so many nanoseconds
	n    int64  // of a number that fits; 1 for true; of a time the seconds since 1970, of a duration the nanoseconds
	s    string // a text; a list or an object as JSON, where ref is nil: n is then its node of the body's index, counted from 1
	ref  any    // *big.Int in the place of n; []value, []any, []string, interval; *members, map[string]any
}

// members is an object that an expression makes.
type members struct {
	names  []string
	values []value
}

// interval is a list of all whole numbers from the first to the last.
type interval struct{ from, to int64 }

func truthValue(yes bool) value {
	if yes {
		return value{kind: aTruth, n: 1}
	}
	return value{kind: aTruth}
}

func textValue(s string) value { return value{kind: aText, s: s} }

func timeValue(t time.Time) value {
	return value{kind: aTime, n: t.Unix(), exp: int32(t.Nanosecond())}
}

// viewed and bytesOf look at the same bytes as the other type, without a copy. Nobody writes to the bytes of a body
// while an expression runs, and what outlives the run is copied: see plain.
func viewed(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// fromJSON makes a value of one that is spelt in strict JSON.
func (r *run) fromJSON(raw []byte) value {
	if len(raw) == 0 {
		return value{}
	}
	switch raw[0] {
	case '{':
		return value{kind: anObject, s: viewed(raw)}
	case '[':
		return value{kind: aList, s: viewed(raw)}
	case '"':
		return value{kind: aText, s: r.unquoted(raw)}
	case 't':
		return value{kind: aTruth, n: 1}
	case 'f':
		return value{kind: aTruth}
	case 'n':
		return value{}
	}
	v, ok := parseNumber(viewed(raw))
	if !ok {
		panic(errNumber)
	}
	return v
}

// fromIndex makes a value of the one at a node of the body's index.
func (r *run) fromIndex(node int) value {
	raw := r.index.Raw(node)
	switch raw[0] {
	case '{':
		return value{kind: anObject, s: viewed(raw), n: int64(node) + 1}
	case '[':
		return value{kind: aList, s: viewed(raw), n: int64(node) + 1}
	case '"':
		if !r.index.Escaped(node) {
			return value{kind: aText, s: viewed(raw[1 : len(raw)-1])}
		}
	default:
		if n, ok := r.index.Integer(node); ok {
			return whole(n)
		}
	}
	return r.fromJSON(raw)
}

// unquoted is what a string of JSON spells; only one with escapes costs a copy.
func (r *run) unquoted(raw []byte) string {
	if len(raw) < 2 {
		return ""
	}
	inner := viewed(raw[1 : len(raw)-1])
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	r.write(len(inner))
	return jsonspan.Text(raw)
}

// fromAny makes a value of a claim.
func fromAny(v any) value {
	switch v := v.(type) {
	case string:
		return textValue(v)
	case bool:
		return truthValue(v)
	case int:
		return whole(int64(v))
	case int64:
		return whole(v)
	case float64:
		return fraction(v)
	case json.Number:
		n, ok := parseNumber(string(v))
		if !ok {
			panic(errNumber)
		}
		return n
	case []any, []string:
		return value{kind: aList, ref: v}
	case map[string]any:
		return value{kind: anObject, ref: v}
	}
	return value{}
}

// plain is a value for whoever asked: nil, bool, int, float64, json.Number for what neither holds exactly, string, a list
// as []any or []string, an object as map[string]any. It shares nothing with the body.
func (r *run) plain(v value) any {
	switch v.kind {
	case aTruth:
		return v.n != 0
	case aNumber:
		if i, ok := v.int64(); ok {
			return int(i)
		}
		written := v.digits()
		if f, err := strconv.ParseFloat(written, 64); err == nil {
			if back, ok := parseNumber(strconv.FormatFloat(f, 'g', -1, 64)); ok && sameNumber(v, back) {
				return f
			}
		}
		return json.Number(written)
	case aText:
		return strings.Clone(v.s)
	case aTime, aDuration:
		s, _ := v.written()
		return s
	case aList:
		if list, ok := v.ref.([]string); ok {
			return slices.Clone(list)
		}
		list := []any{}
		r.each(v, func(_ int, item value) bool {
			list = append(list, r.plain(item))
			return true
		})
		return list
	case anObject:
		object := make(map[string]any)
		r.eachMember(v, func(name string, member value) {
			object[strings.Clone(name)] = r.plain(member)
		})
		return object
	}
	return nil
}

// written is a scalar value as a text; false for null, a list and an object.
func (v value) written() (string, bool) {
	switch v.kind {
	case aText:
		return v.s, true
	case aNumber:
		return v.digits(), true
	case aTruth:
		return strconv.FormatBool(v.n != 0), true
	case aTime:
		return v.time().Format(time.RFC3339Nano), true
	case aDuration:
		return time.Duration(v.n).String(), true
	}
	return "", false
}

func (v value) time() time.Time { return time.Unix(v.n, int64(v.exp)).UTC() }

// big gives n of a number whether it fits in 64 bits or not. The caller must not change it.
func (v value) big() *big.Int {
	if b, ok := v.ref.(*big.Int); ok {
		return b
	}
	return big.NewInt(v.n)
}
