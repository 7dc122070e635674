package rule

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// The bounds of a number that an expression makes. What a body has is bounded by strict JSON: 100 digits, 1e308.
const (
	maxBits     = 4096 // of its digits: more than 1,200 of them
	maxExponent = 2000 // of its power of ten, either way
	precision   = 34   // digits of a quotient that never ends, as in IEEE 754 decimal128
)

// whole is a number without fraction.
func whole(n int64) value { return value{kind: aNumber, n: n} }

// fraction is the shortest number that f is the nearest binary64 of.
func fraction(f float64) value {
	v, ok := parseNumber(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		panic(errNumber)
	}
	return v
}

// parseNumber reads a number as JSON spells it, without rounding; false for what is none, or out of bounds.
func parseNumber(s string) (value, bool) {
	i, negative := 0, false
	if i < len(s) && s[i] == '-' {
		i, negative = 1, true
	}
	start, n, exp, digits := i, int64(0), 0, 0
	point := false
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && !point && i > start {
			point = true
			continue
		}
		if c-'0' > 9 {
			break
		}
		if digits++; digits > 18 {
			return parseLong(s)
		}
		n = n*10 + int64(c-'0')
		if point {
			exp--
		}
	}
	if digits == 0 || s[i-1] == '.' {
		return value{}, false
	}
	if negative {
		n = -n
	}
	if i < len(s) {
		e, ok := exponent(s[i:])
		if !ok {
			return value{kind: aNumber}, n == 0 && (s[i]|0x20) == 'e' // 0e999999999
		}
		exp += e
	} else if exp == 0 {
		return value{kind: aNumber, n: n}, true
	}
	return smallest(n, exp)
}

// exponent reads e+12.
func exponent(s string) (int, bool) {
	if s[0]|0x20 != 'e' {
		return 0, false
	}
	e, err := strconv.Atoi(s[1:])
	return e, err == nil
}

// parseLong reads a number of more digits than 64 bits have room for.
func parseLong(s string) (value, bool) {
	mantissa, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, ok := exponent(s[i:])
		if !ok {
			return value{kind: aNumber}, strings.Trim(s[:i], "-0.") == ""
		}
		mantissa, exp = s[:i], e
	}
	if i := strings.IndexByte(mantissa, '.'); i >= 0 {
		exp -= len(mantissa) - i - 1
		mantissa = mantissa[:i] + mantissa[i+1:]
	}
	if len(mantissa) > maxBits/3 {
		return value{}, false
	}
	n, ok := new(big.Int).SetString(mantissa, 10)
	if !ok {
		return value{}, false
	}
	return reduced(n, exp)
}

// smallest gives n×10^exp its one form: no fraction with zeros at the end, and of those without one, the power of ten
// multiplied out as far as 64 bits go. So two numbers are equal if all their parts are.
func smallest(n int64, exp int) (value, bool) {
	if n == 0 {
		return value{kind: aNumber}, true
	}
	for exp < 0 && n%10 == 0 {
		n, exp = n/10, exp+1
	}
	for exp > 0 && n > math.MinInt64/10 && n < math.MaxInt64/10 {
		n, exp = n*10, exp-1
	}
	return value{kind: aNumber, n: n, exp: int32(exp)}, exp >= -maxExponent && exp <= maxExponent
}

var ten = big.NewInt(10)

// reduced gives n×10^exp its one form. It takes n.
func reduced(n *big.Int, exp int) (value, bool) {
	if n.IsInt64() {
		return smallest(n.Int64(), exp)
	}
	if n.BitLen() > maxBits || exp < -maxExponent || exp > maxExponent {
		return value{}, false
	}
	// Without zeros at the end, as smallest leaves them off until it multiplies them out again.
	for q, rest := new(big.Int), new(big.Int); ; {
		if q.QuoRem(n, ten, rest); rest.Sign() != 0 {
			break
		}
		n, q, exp = q, n, exp+1
	}
	if n.IsInt64() {
		return smallest(n.Int64(), exp)
	}
	return value{kind: aNumber, ref: n, exp: int32(exp)}, exp <= maxExponent
}

func sameNumber(a, b value) bool {
	if a.exp != b.exp {
		return false
	}
	x, long := a.ref.(*big.Int)
	y, other := b.ref.(*big.Int)
	if long && other {
		return x.Cmp(y) == 0
	}
	return !long && !other && a.n == b.n
}

// compareNumbers gives -1, 0 or 1, without rounding either.
func compareNumbers(a, b value) int {
	if a.ref == nil && b.ref == nil {
		if a.exp == b.exp {
			return compareInts(a.n, b.n)
		}
		if sa, sb := compareInts(a.n, 0), compareInts(b.n, 0); sa != sb || sa == 0 {
			return compareInts(int64(sa), int64(sb))
		}
		if a.exp < b.exp {
			return -compareScaled(b, a)
		}
		return compareScaled(a, b)
	}
	x, y, _ := aligned(a, b)
	return x.Cmp(y)
}

// compareScaled compares numbers of the same sign of which a has the greater power of ten.
func compareScaled(a, b value) int {
	n := a.n
	for range a.exp - b.exp {
		if n < math.MinInt64/10 || n > math.MaxInt64/10 {
			return compareInts(n, 0) // a is further from zero than b can be
		}
		n *= 10
	}
	return compareInts(n, b.n)
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// aligned gives the digits of two numbers to the same power of ten.
func aligned(a, b value) (x, y *big.Int, exp int) {
	x, y = a.big(), b.big()
	switch {
	case a.exp > b.exp:
		x = new(big.Int).Mul(x, power(int(a.exp-b.exp)))
	case b.exp > a.exp:
		y = new(big.Int).Mul(y, power(int(b.exp-a.exp)))
	}
	return x, y, int(min(a.exp, b.exp))
}

func power(n int) *big.Int { return new(big.Int).Exp(ten, big.NewInt(int64(n)), nil) }

// int64 gives a number without fraction that fits.
func (v value) int64() (int64, bool) {
	return v.n, v.kind == aNumber && v.ref == nil && v.exp == 0
}

// integral says whether a number has no fraction.
func (v value) integral() bool { return v.exp >= 0 }

// digits writes a number: plainly from 1e-7 up to 21 digits, beyond that with a power of ten.
func (v value) digits() string {
	if n, ok := v.int64(); ok {
		return strconv.FormatInt(n, 10)
	}
	var d string
	if v.ref == nil {
		d = strconv.FormatInt(v.n, 10)
	} else {
		d = v.big().String()
	}
	sign := ""
	if d[0] == '-' {
		sign, d = "-", d[1:]
	}
	bare := strings.TrimRight(d, "0")
	exp := int(v.exp) + len(d) - len(bare)
	d = bare
	switch point := len(d) + exp; { // how many digits stand before the point
	case exp >= 0 && point <= 21:
		return sign + d + strings.Repeat("0", exp)
	case point > 0 && point <= 21:
		return sign + d[:point] + "." + d[point:]
	case point <= 0 && point > -7:
		return sign + "0." + strings.Repeat("0", -point) + d
	default:
		fraction := ""
		if len(d) > 1 {
			fraction = "." + d[1:]
		}
		return sign + d[:1] + fraction + "e" + strconv.Itoa(point-1)
	}
}
