package jsonspan

import "strconv"

// checkNumber gives the end of the number that begins at b[i], or where and what is wrong with it.
func checkNumber(b []byte, i, limit int) (end int, detail string) {
	start := i
	if b[i] == '-' {
		i++
	}
	first := i
	i = digits(b, i)
	if i == first || b[first] == '0' && i-first > 1 {
		return start, misspelt(b[start:], limit)
	}
	if i < len(b) && (b[i] == ',' || b[i] == '}') && i-start <= min(limit, 100) {
		return i, "" // an integer, as most are
	}
	whole := i - first
	fraction, exponent := 0, i
	if i < len(b) && b[i] == '.' {
		j := digits(b, i+1)
		if j == i+1 {
			return start, misspelt(b[start:], limit)
		}
		fraction, i, exponent = j-i-1, j, j
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		j := digits(b, i)
		if j == i {
			return start, misspelt(b[start:], limit)
		}
		i = j
	}
	if i-start > limit {
		return start, tooLong(limit)
	}
	// Short ones need no second look: up to 200 digits and exponents of two figures are well within binary64.
	if whole+fraction <= 200 && i-exponent <= 4 && (i-exponent < 4 || b[exponent+1] == '+' || b[exponent+1] == '-') {
		return i, ""
	}
	f, err := strconv.ParseFloat(string(b[start:i]), 64)
	if err != nil || f == 0 && !zero(b[start:exponent]) {
		return start, "a number is out of the range of IEEE 754 binary64"
	}
	return i, ""
}

func tooLong(limit int) string {
	return "a number may have " + strconv.Itoa(limit) + " characters at most"
}

// misspelt says what is wrong with the number that b begins with. One beyond the limit is too long, whatever comes after
// that: nobody has to wait for its end.
func misspelt(b []byte, limit int) string {
	if len(b) > limit && numeric(b[:limit+1]) == limit+1 {
		return tooLong(limit)
	}
	return "a number is not spelt as JSON demands"
}

// numeric is how many bytes at the start of b a number may consist of.
func numeric(b []byte) int {
	for i, ch := range b {
		if ch-'0' > 9 && ch != '-' && ch != '+' && ch != '.' && ch|0x20 != 'e' {
			return i
		}
	}
	return len(b)
}

// IsNumber says whether text is a number that Check accepts, and nothing else, of so many characters at most.
func IsNumber(text []byte, limit int) bool {
	if len(text) == 0 || text[0] != '-' && text[0]-'0' > 9 {
		return false
	}
	end, detail := checkNumber(text, 0, limit)
	return detail == "" && end == len(text)
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// zero says whether the significand b has no digit but 0.
func zero(b []byte) bool {
	for _, ch := range b {
		if ch >= '1' && ch <= '9' {
			return false
		}
	}
	return true
}
