package rule

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// sum adds two numbers.
func sum(a, b value) value {
	if a.ref == nil && b.ref == nil && a.exp == b.exp {
		if n := a.n + b.n; (n > a.n) == (b.n > 0) {
			if n != 0 && a.exp == 0 {
				return value{kind: aNumber, n: n}
			}
			return sure(smallest(n, int(a.exp)))
		}
	}
	x, y, exp := aligned(a, b)
	return sure(reduced(new(big.Int).Add(x, y), exp))
}

func negated(v value) value {
	if v.ref == nil && v.n != math.MinInt64 {
		v.n = -v.n
		return v
	}
	return sure(reduced(new(big.Int).Neg(v.big()), int(v.exp)))
}

func product(a, b value) value {
	exp := int(a.exp) + int(b.exp)
	if a.ref == nil && b.ref == nil && a.n != math.MinInt64 && b.n != math.MinInt64 {
		high, low := bits.Mul64(uint64(max(a.n, -a.n)), uint64(max(b.n, -b.n)))
		if high == 0 && low <= math.MaxInt64 {
			n := int64(low)
			if (a.n < 0) != (b.n < 0) {
				n = -n
			}
			return sure(smallest(n, exp))
		}
	}
	return sure(reduced(new(big.Int).Mul(a.big(), b.big()), exp))
}

// quotient divides exactly where the result ends within 34 digits; otherwise it is rounded there, half to even.
func quotient(a, b value) value {
	if isZero(b) {
		panic(errZero)
	}
	exp := int(a.exp) - int(b.exp)
	if a.ref == nil && b.ref == nil && b.n != -1 {
		n := a.n
		for shift := 0; ; shift++ {
			if n%b.n == 0 {
				return sure(smallest(n/b.n, exp-shift))
			}
			if n < math.MinInt64/10 || n > math.MaxInt64/10 {
				break
			}
			n *= 10
		}
	}
	n, d := a.big(), b.big()
	shift := max(0, precision+1+(d.BitLen()-n.BitLen())*30103/100000+1)
	q, rest := new(big.Int).QuoRem(new(big.Int).Mul(n, power(shift)), d, new(big.Int))
	return rounded(q, rest.Sign() != 0, exp-shift)
}

// rounded cuts n×10^exp to 34 digits, half to even; more says that n itself was cut.
func rounded(n *big.Int, more bool, exp int) value {
	length := len(n.Text(10))
	if n.Sign() < 0 {
		length--
	}
	if cut := length - precision; cut > 0 {
		unit, rest := power(cut), new(big.Int)
		n, rest = new(big.Int).QuoRem(n, unit, rest)
		twice := rest.Abs(rest).Lsh(rest, 1).Cmp(unit)
		if twice > 0 || twice == 0 && (more || n.Bit(0) == 1) {
			away := int64(1)
			if n.Sign() < 0 {
				away = -1
			}
			n.Add(n, big.NewInt(away))
		}
		exp += cut
	}
	return sure(reduced(n, exp))
}

// remainder has the sign of a, as in Go. Both must be whole.
func remainder(a, b value) value {
	if !a.integral() || !b.integral() {
		panic(errWhole)
	}
	if isZero(b) {
		panic(errZero)
	}
	if x, ok := a.int64(); ok {
		if y, ok := b.int64(); ok {
			if y == -1 {
				return whole(0)
			}
			return whole(x % y)
		}
	}
	x, y, exp := aligned(a, b)
	return sure(reduced(new(big.Int).Rem(x, y), exp))
}

// raised is exact for whole exponents up to 1,000; others are computed in binary64.
func raised(a, b value) value {
	if n, ok := b.int64(); ok && n >= 0 && n <= 1000 {
		result := whole(1)
		for factor := a; ; factor = product(factor, factor) {
			if n&1 == 1 {
				result = product(result, factor)
			}
			if n >>= 1; n == 0 {
				return result
			}
		}
	}
	f := math.Pow(a.float(), b.float())
	if math.IsNaN(f) || math.IsInf(f, 0) {
		panic(errNumber)
	}
	return fraction(f)
}

// float is the nearest binary64.
func (v value) float() float64 {
	f, _ := strconv.ParseFloat(v.digits(), 64) // beyond its range it is infinite
	return f
}

// truncated cuts the fraction off.
func truncated(v value) value {
	if v.integral() {
		return v
	}
	return sure(reduced(new(big.Int).Quo(v.big(), power(int(-v.exp))), 0))
}

func isZero(v value) bool { return v.ref == nil && v.n == 0 }

func sure(v value, ok bool) value {
	if !ok {
		panic(errNumber)
	}
	return v
}
