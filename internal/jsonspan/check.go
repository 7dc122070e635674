package jsonspan

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"sync"
	"unicode/utf8"
)

// Check says whether doc is one strict JSON value: RFC 8259, and of RFC 7493 the demands of sections 2.1 (UTF-8, no
// surrogates on their own, no noncharacters), 2.2 (a number that IEEE 754 binary64 cannot tell from infinity or from
// zero is refused) and 2.3 (no two members of an object with the same name, however it is spelt). A byte order mark
// and anything after the value are refused too. The error is an *Error.
//
// It takes one pass and time linear in len(doc). Its memory is at most some 20 bytes for each member of the objects
// that are open at one time, and some hundreds for each object; it is used again. A document of 4 GiB is too long.
func Check(doc []byte, b Bounds) error {
	if b.Depth <= 0 {
		b.Depth = DefaultDepth
	}
	if b.Number <= 0 {
		b.Number = DefaultNumber
	}
	c := checkers.Get().(*checker)
	c.doc, c.bounds, c.outer = doc, b, 0
	at, detail := c.run()
	c.release()
	if detail == "" {
		return nil
	}
	return &Error{Offset: at, Pointer: Locate(doc, at), Detail: detail}
}

// checker is the state of one Check.
type checker struct {
	doc    []byte
	bounds Bounds
	outer  int // objects and arrays that are open around doc

	// frames are the open objects and arrays, at most bounds.Depth: for an object where its names begin, for an
	// array -1.
	frames []int
	names  names
}

var checkers = sync.Pool{New: func() any { return new(checker) }}

// keep is how many names a checker may remember room for between documents: about 2 MiB.
const keep = 1 << 16

func (c *checker) release() {
	c.doc = nil
	c.frames = c.frames[:0]
	if !c.names.release() {
		return
	}
	checkers.Put(c)
}

const (
	ended     = "the document ends in the middle of a value"
	empty     = "the document is empty"
	orderMark = "a byte order mark may not stand before the value"
	noValue   = "a value was expected"
	noName    = "a member's name in double quotes was expected"
	noColon   = "a colon was expected after a member's name"
	noBracket = "a comma or a closing bracket was expected"
	noBrace   = "a comma or a closing brace was expected"
	trailing  = "something stands after the value"
	tooLarge  = "the document has 4 GiB or more"
)

// run gives the place and the kind of the first mistake, or no detail.
func (c *checker) run() (at int, detail string) {
	doc := c.doc
	if uint64(len(doc)) > math.MaxUint32 {
		return 0, tooLarge
	}
	if len(doc) >= 3 && doc[0] == 0xEF && doc[1] == 0xBB && doc[2] == 0xBF {
		return 0, orderMark
	}
	i := Space(doc, 0)
	if i == len(doc) {
		return i, empty
	}
	if i, detail = c.value(i); detail != "" {
		return i, detail
	}
	if i = Space(doc, i); i < len(doc) {
		return i, trailing
	}
	return 0, ""
}

// value gives the end of the value that begins at i, or the place and the kind of the first mistake in it.
func (c *checker) value(i int) (end int, detail string) {
	doc := c.doc
value:
	if i >= len(doc) {
		return i, ended
	}
	switch ch := doc[i]; ch {
	case '{':
		if c.outer+len(c.frames) >= c.bounds.Depth {
			return i, c.bounds.tooDeep()
		}
		c.frames = append(c.frames, c.names.begin())
		i = Space(doc, i+1)
		if i < len(doc) && doc[i] == '}' {
			goto close
		}
		goto name
	case '[':
		if c.outer+len(c.frames) >= c.bounds.Depth {
			return i, c.bounds.tooDeep()
		}
		c.frames = append(c.frames, -1)
		i = Space(doc, i+1)
		if i < len(doc) && doc[i] == ']' {
			goto close
		}
		goto value
	case '"':
		end, _, detail := checkString(doc, i)
		if detail != "" {
			return end, detail
		}
		i = end
	case 't', 'f', 'n':
		word := "true"
		if ch == 'f' {
			word = "false"
		} else if ch == 'n' {
			word = "null"
		}
		if len(doc)-i < len(word) || string(doc[i:i+len(word)]) != word {
			return i, noValue
		}
		i += len(word)
	default:
		if ch != '-' && (ch < '0' || ch > '9') {
			return i, noValue
		}
		end, detail := checkNumber(doc, i, c.bounds.Number)
		if detail != "" {
			return end, detail
		}
		i = end
	}
	goto after

name:
	if i >= len(doc) {
		return i, ended
	}
	if doc[i] != '"' {
		return i, noName
	}
	{
		end, escaped, detail := checkString(doc, i)
		if detail != "" {
			return end, detail
		}
		if !c.names.add(doc, i, end, escaped, c.frames[len(c.frames)-1]) {
			return i, twice
		}
		i = Space(doc, end)
	}
	if i >= len(doc) {
		return i, ended
	}
	if doc[i] != ':' {
		return i, noColon
	}
	i = Space(doc, i+1)
	goto value

after:
	if len(c.frames) == 0 {
		return i, ""
	}
	i = Space(doc, i)
	if i >= len(doc) {
		return i, ended
	}
	if doc[i] == ',' {
		i = Space(doc, i+1)
		if c.frames[len(c.frames)-1] < 0 {
			goto value
		}
		goto name
	}

close:
	{
		top := c.frames[len(c.frames)-1]
		switch {
		case top < 0 && doc[i] == ']':
		case top >= 0 && doc[i] == '}':
			if at := c.names.end(doc, top, c.bounds.Pause); at >= 0 {
				return at, twice
			}
		case top < 0:
			return i, noBracket
		default:
			return i, noBrace
		}
		c.frames = c.frames[:len(c.frames)-1]
		i++
		if c.bounds.Pause != nil {
			c.bounds.Pause()
		}
	}
	goto after
}

func (b Bounds) tooDeep() string {
	return "objects and arrays may be nested " + strconv.Itoa(b.Depth) + " deep at most"
}

// control marks the bytes of w that need a closer look inside a string: quotes, backslashes, control bytes and all
// that is not ASCII. The lowest mark is true.
func control(w uint64) uint64 {
	return (zeros(w^ones*'"') | zeros(w^ones*'\\') | (w-ones*0x20)&^w | w) & highs
}

// checkString gives the end of the string whose opening quote is b[i], or where and what is wrong with it.
func checkString(b []byte, i int) (end int, escaped bool, detail string) {
	i++
	for {
		for i+8 <= len(b) {
			m := control(binary.LittleEndian.Uint64(b[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			return i, escaped, "a string is not closed"
		}
		switch ch := b[i]; {
		case ch == '"':
			return i + 1, escaped, ""
		case ch == '\\':
			escaped = true
			n, detail := checkEscape(b[i:])
			if detail != "" {
				return i, escaped, detail
			}
			i += n
		case ch < 0x20:
			return i, escaped, "a control byte in a string must be written as an escape"
		case ch < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n <= 1 {
				return i, escaped, "the bytes are not UTF-8"
			}
			if noncharacter(r) {
				return i, escaped, noncharacters
			}
			i += n
		}
	}
}

const noncharacters = "a string may not contain a Unicode noncharacter"

func noncharacter(r rune) bool { return r&0xFFFE == 0xFFFE || r >= 0xFDD0 && r <= 0xFDEF }

// checkEscape gives the length of the escape that b begins with; two escapes that make a surrogate pair are one.
func checkEscape(b []byte) (n int, detail string) {
	const unknown, alone = "an escape in a string is not one of JSON's", "a surrogate stands alone in a string"
	if len(b) < 2 {
		return 0, "a string is not closed"
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
	default:
		return 0, unknown
	}
	r := hex4(b)
	switch {
	case r < 0:
		return 0, unknown
	case r >= 0xDC00 && r <= 0xDFFF:
		return 0, alone
	case r >= 0xD800 && r <= 0xDBFF:
		low := hex4(b[6:])
		if low < 0xDC00 || low > 0xDFFF {
			return 0, alone
		}
		r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
		n = 6
	}
	if noncharacter(r) {
		return 0, noncharacters
	}
	return n + 6, ""
}

// hex4 gives the code unit of the \uXXXX that b begins with, -1 if it does not.
func hex4(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, ch := range b[2:6] {
		switch {
		case ch >= '0' && ch <= '9':
			ch -= '0'
		case ch >= 'a' && ch <= 'f':
			ch -= 'a' - 10
		case ch >= 'A' && ch <= 'F':
			ch -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(ch)
	}
	return r
}

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
