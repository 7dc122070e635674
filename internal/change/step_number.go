package change

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// number is what scale and cast do in one direction.
type number struct {
	by       int  // of scale: how many digits the decimal point moves to the right
	decimals int  // of scale: how many decimals the result has
	fromText bool // the value is a string
	toText   bool // the result is one
	truth    bool // of cast: not a number but a boolean
}

const (
	maxPlain = 400 // characters of the longest number written out: binary64 ends at 309 digits, and 18 decimals
	tooLong  = "is too large a number, or has too many digits, to be one in the other version"
)

// scale moves the decimal point of the member. It works on the digits, so that no number is too large or too exact;
// and it takes no string that would not come back as it was, like "-0.00" and "12.3" for two decimals.
func scale(r *run, object int32, s *step) error {
	n, raw, err := r.plain(object, s)
	if n == 0 {
		return err
	}
	v := &r.nodes[n]
	if s.number.fromText {
		raw = r.text(raw)
		if len(raw) > maxPlain {
			return r.misfit(n, object, s, tooLong)
		}
		if dot := bytes.IndexByte(raw, '.'); dot < 0 || dot != len(raw)-1-s.number.by || bytes.ContainsAny(raw, "eE") {
			return r.misfit(n, object, s, s.expected)
		}
	}
	if !jsonspan.IsNumber(raw, maxPlain) {
		return r.misfit(n, object, s, s.expected)
	}
	start := len(r.computed)
	if s.number.toText {
		r.computed = append(r.computed, '"')
	}
	out, exact, fits := appendShifted(r.computed, raw, s.number.by, s.number.decimals, s.number.toText)
	switch {
	case !exact, s.number.fromText && raw[0] == '-' && len(out)-start == 1: // -0
		return r.misfit(n, object, s, s.expected)
	case !fits, !s.number.toText && !jsonspan.IsNumber(out[start:], jsonspan.DefaultNumber):
		return r.misfit(n, object, s, tooLong)
	}
	if v.flags&spelt != 0 {
		decimals := max(s.number.by, 0)
		back, _, _ := appendShifted(r.scratch[:0], raw, 0, decimals, false)
		r.scratch = back
		if !bytes.Equal(raw, back) {
			return r.misfit(n, object, s, fmt.Sprintf("must be spelt with exactly %d decimals and without an exponent", decimals))
		}
	}
	if s.number.toText {
		out = append(out, '"')
	}
	r.computed = out
	r.set(n, computed, int32(start), int32(len(out)))
	return nil
}

// plain finds the member that a scale or a cast is about, and its value, which is no object and no list, and a string
// only where the step takes one. n is 0 where there is nothing to do.
func (r *run) plain(object int32, s *step) (n int32, raw []byte, err error) {
	n, err = r.find(object, s.from, &r.src, s)
	if err != nil || n == 0 || r.kind(n) == 'n' || r.nodes[n].flags&masked != 0 {
		return 0, nil, err
	}
	if k := r.kind(n); k == '{' || k == '[' || k == '"' != s.number.fromText {
		return 0, nil, r.misfit(n, object, s, s.expected)
	}
	v := &r.nodes[n]
	return n, r.bytes(v.value)[v.val0:v.val1], nil
}

// appendShifted appends the number raw times ten to the power of by to dst, with exactly so many decimals; where that
// would be longer than a number may be, and it is not for a string, with an exponent. So how it is spelt depends only on
// its value. exact is whether it has no more decimals than that, and fits whether it can be written at all.
func appendShifted(dst, raw []byte, by, decimals int, text bool) (out []byte, exact, fits bool) {
	var buffer [maxPlain + 24]byte
	digits := jsonspan.AppendScalar(buffer[:0], raw) // -123e-1
	sign := 0
	if digits[0] == '-' {
		dst, digits, sign = append(dst, '-'), digits[1:], 1
	}
	exponent := 0 // zero has none
	if e := bytes.IndexByte(digits, 'e'); e > 0 {
		written, err := strconv.Atoi(string(digits[e+1:]))
		if err != nil {
			return dst, true, false
		}
		digits, exponent = digits[:e], written+by
	}
	if exponent < -decimals {
		return dst, false, false
	}
	whole := len(digits) + exponent // digits before the point; less than one where zeros follow it
	switch long := sign+max(whole, 1)+decimals+min(decimals, 1) > jsonspan.DefaultNumber; {
	case long && !text:
		return strconv.AppendInt(append(append(dst, digits...), 'e'), int64(exponent), 10), true, true
	case whole > maxPlain:
		return dst, true, false
	}
	before := max(min(whole, len(digits)), 0)
	dst = append(dst, digits[:before]...)
	dst = zeros(dst, whole-len(digits))
	if whole <= 0 {
		dst = append(dst, '0')
	}
	if decimals > 0 {
		dst = append(dst, '.')
		dst = zeros(dst, -whole)
		dst = append(dst, digits[before:]...)
		dst = zeros(dst, decimals-max(-whole, 0)-(len(digits)-before))
	}
	return dst, true, true
}

func zeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	return dst
}

// cast makes a string of a number or boolean as it is spelt, or of a string what it spells.
func cast(r *run, object int32, s *step) error {
	n, raw, err := r.plain(object, s)
	if n == 0 {
		return err
	}
	v := &r.nodes[n]
	word := raw
	if s.number.fromText {
		word = r.text(raw)
	}
	if s.number.truth && string(word) != "true" && string(word) != "false" ||
		!s.number.truth && !jsonspan.IsNumber(word, jsonspan.DefaultNumber) {
		return r.misfit(n, object, s, s.expected)
	}
	if s.number.fromText && len(word) == len(raw)-2 { // without escapes
		v.val0++
		v.val1--
	} else {
		start := len(r.computed)
		if s.number.toText {
			r.computed = append(append(append(r.computed, '"'), word...), '"')
		} else {
			r.computed = append(r.computed, word...)
		}
		r.set(n, computed, int32(start), int32(len(r.computed)))
	}
	v.flags &^= spelt
	if s.number.fromText && !s.number.truth {
		v.flags |= spelt
	}
	return nil
}

// text is what the string raw, quotes included, spells, until the next one is asked for.
func (r *run) text(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	r.scratch = jsonspan.AppendText(r.scratch[:0], raw)
	return r.scratch
}
