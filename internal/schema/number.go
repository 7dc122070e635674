package schema

import (
	"bytes"
	"errors"
	"math/big"
	"math/bits"
)

// decimal is a number as it is written, never rounded: 0.d₁d₂d₃… × 10^exp. The digits have no zero at either end; zero
// has none.
type decimal struct {
	negative bool
	digits   []byte
	exp      int
}

// parseDecimal reads a number that jsonspan.Check accepted. Its digits are appended to dst.
func parseDecimal(dst, raw []byte) decimal {
	var d decimal
	if len(raw) > 0 && raw[0] == '-' {
		d.negative, raw = true, raw[1:]
	}
	start, fraction := len(dst), false
	for i, ch := range raw {
		if ch|0x20 == 'e' {
			d.exp += exponent(raw[i+1:])
			break
		}
		switch {
		case ch == '.':
			fraction = true
		case ch == '0' && len(dst) == start:
			if fraction {
				d.exp--
			}
		default:
			dst = append(dst, ch)
			if !fraction {
				d.exp++
			}
		}
	}
	for len(dst) > start && dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	d.digits = dst[start:]
	if len(d.digits) == 0 {
		return decimal{}
	}
	return d
}

// maxExponent is where exponents stop to count: beyond what any number within binary64 and 100 characters needs.
const maxExponent = 100_000

func exponent(raw []byte) int {
	negative := false
	if len(raw) > 0 && (raw[0] == '-' || raw[0] == '+') {
		negative, raw = raw[0] == '-', raw[1:]
	}
	n := 0
	for _, ch := range raw {
		if ch-'0' > 9 {
			break
		}
		n = min(10*n+int(ch-'0'), maxExponent)
	}
	if negative {
		return -n
	}
	return n
}

func (d decimal) zero() bool    { return len(d.digits) == 0 }
func (d decimal) integer() bool { return d.exp >= len(d.digits) }

// compare orders numbers by their value.
func (d decimal) compare(o decimal) int {
	switch {
	case d.zero() || o.zero() || d.negative != o.negative:
		return d.sign() - o.sign()
	case d.exp != o.exp:
		if d.exp > o.exp {
			return d.sign()
		}
		return -d.sign()
	}
	return d.sign() * bytes.Compare(d.digits, o.digits)
}

func (d decimal) sign() int {
	switch {
	case d.zero():
		return 0
	case d.negative:
		return -1
	}
	return 1
}

var errInexact = errors.New("a number of the schema has no finite decimal expansion")

// ofRat gives the decimal of a number that a schema's JSON spelt.
func ofRat(r *big.Rat) (decimal, error) {
	n, exact := r.FloatPrec()
	if !exact {
		return decimal{}, errInexact
	}
	return parseDecimal(nil, []byte(r.FloatString(n))), nil
}

// plain gives the value of a number spelt as an integer of at most 18 digits, which most are.
func plain(raw []byte) (n int64, ok bool) {
	if len(raw) > 18 {
		return 0, false
	}
	negative := false
	digits := raw
	if len(raw) > 0 && raw[0] == '-' {
		negative, digits = true, raw[1:]
	}
	for _, ch := range digits {
		if ch-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(ch-'0')
	}
	if negative {
		n = -n
	}
	return n, len(digits) > 0
}

// limit is a number that a schema holds others against.
type limit struct {
	decimal
	small int64
	fits  bool // small is its value
	rat   *big.Rat
}

func newLimit(r *big.Rat) (*limit, error) {
	if r == nil {
		return nil, nil
	}
	d, err := ofRat(r)
	if err != nil {
		return nil, err
	}
	l := &limit{decimal: d, rat: r}
	if r.IsInt() && r.Num().IsInt64() {
		l.small, l.fits = r.Num().Int64(), true
	}
	return l, nil
}

// numeral is one number of a document.
type numeral struct {
	raw    []byte
	small  int64
	plain  bool // small is its value
	parsed bool
	decimal
}

// exact gives the number's digits, which lie in buf.
func (n *numeral) exact(buf *[]byte) decimal {
	if !n.parsed {
		n.decimal = parseDecimal((*buf)[:0], n.raw)
		if n.decimal.digits != nil {
			*buf = n.decimal.digits[:0]
		}
		n.parsed = true
	}
	return n.decimal
}

func (n *numeral) against(l *limit, buf *[]byte) int {
	if n.plain && l.fits {
		switch {
		case n.small < l.small:
			return -1
		case n.small > l.small:
			return 1
		}
		return 0
	}
	return n.exact(buf).compare(l.decimal)
}

// isMultiple says whether the number is the limit times an integer.
func (n *numeral) isMultiple(l *limit, buf *[]byte) bool {
	if l.zero() {
		return false // the meta-schema refuses it
	}
	if n.plain && l.fits {
		return n.small%l.small == 0
	}
	d := n.exact(buf)
	if d.zero() {
		return true
	}
	// As integers times powers of ten: a·10^(ae) / b·10^(be). a has no factor ten, so more decimal places than the
	// limit has are never a multiple.
	shift := (d.exp - len(d.digits)) - (l.exp - len(l.digits))
	if shift < 0 {
		return false
	}
	if len(l.digits) > 18 {
		a, _ := new(big.Int).SetString(string(d.digits), 10)
		b, _ := new(big.Int).SetString(string(l.digits), 10)
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), b)
		return a.Mul(a, ten).Mod(a, b).Sign() == 0
	}
	var by uint64
	for _, ch := range l.digits {
		by = by*10 + uint64(ch-'0')
	}
	var rest uint64
	for _, ch := range d.digits {
		rest = timesTen(rest, uint64(ch-'0'), by)
	}
	for ; shift > 0 && rest != 0; shift-- {
		rest = timesTen(rest, 0, by)
	}
	return rest == 0
}

// timesTen gives (rest·10 + digit) mod by, for rest < by.
func timesTen(rest, digit, by uint64) uint64 {
	high, low := bits.Mul64(rest, 10)
	low, carry := bits.Add64(low, digit, 0)
	return bits.Rem64(high+carry, low, by)
}
