package jsonspan

import (
	"errors"
	"strconv"
)

// maxDecode bounds the recursion of Decode on what Check did not see.
const maxDecode = 10_000

// Decode gives the value of raw: nil, bool, string, []any, map[string]any, and for a number an int where it is spelt
// without fraction and exponent and fits one, else the nearest float64. So integers beyond 64 bits, and those beyond
// 2^53 written as 1e17, lose their last digits, as RFC 7493, section 2.2, warns; whoever needs those reads the span.
func Decode(raw []byte) (any, error) {
	i := Space(raw, 0)
	v, end, err := decode(raw, i, 0)
	if err != nil {
		return nil, err
	}
	if Space(raw, end) != len(raw) {
		return nil, errBroken
	}
	return v, nil
}

var errBroken = errors.New("decoding JSON: the bytes are no JSON value")

func decode(b []byte, i, depth int) (v any, end int, err error) {
	if i >= len(b) || depth > maxDecode {
		return nil, 0, errBroken
	}
	switch b[i] {
	case '{':
		object := make(map[string]any)
		i = Space(b, i+1)
		if i < len(b) && b[i] == '}' {
			return object, i + 1, nil
		}
		for {
			if i >= len(b) || b[i] != '"' {
				return nil, 0, errBroken
			}
			end, _ := String(b, i)
			if end < 0 {
				return nil, 0, errBroken
			}
			name := Text(b[i:end])
			if i = Space(b, end); i >= len(b) || b[i] != ':' {
				return nil, 0, errBroken
			}
			object[name], i, err = decode(b, Space(b, i+1), depth+1)
			if err != nil {
				return nil, 0, err
			}
			i = Space(b, i)
			if i < len(b) && b[i] == '}' {
				return object, i + 1, nil
			}
			if i >= len(b) || b[i] != ',' {
				return nil, 0, errBroken
			}
			i = Space(b, i+1)
		}
	case '[':
		array := []any{}
		i = Space(b, i+1)
		if i < len(b) && b[i] == ']' {
			return array, i + 1, nil
		}
		for {
			v, i, err = decode(b, i, depth+1)
			if err != nil {
				return nil, 0, err
			}
			array = append(array, v)
			i = Space(b, i)
			if i < len(b) && b[i] == ']' {
				return array, i + 1, nil
			}
			if i >= len(b) || b[i] != ',' {
				return nil, 0, errBroken
			}
			i = Space(b, i+1)
		}
	case '"':
		end, _ := String(b, i)
		if end < 0 {
			return nil, 0, errBroken
		}
		return Text(b[i:end]), end, nil
	}
	end = Value(b, i)
	if end < 0 {
		return nil, 0, errBroken
	}
	switch word := string(b[i:end]); word {
	case "true":
		return true, end, nil
	case "false":
		return false, end, nil
	case "null":
		return nil, end, nil
	default:
		if b[i] != '-' && b[i]-'0' > 9 {
			return nil, 0, errBroken
		}
		if n, err := strconv.Atoi(word); err == nil {
			return n, end, nil
		}
		f, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, 0, errBroken
		}
		return f, end, nil
	}
}
