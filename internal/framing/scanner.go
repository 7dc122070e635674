package framing

import (
	"bytes"
	"math"
)

// state is what the next byte belongs to.
type state uint8

const (
	requestLine state = iota
	fields
	body // of a Content-Length
	chunkSize
	chunkExtension
	chunkQuotation // in an extension
	chunkLF
	chunkData
	dataCR
	dataLF
	trailers
)

const (
	// maxField is how many bytes of a line are kept that comes in several reads. A field that says where the message ends is
	// shorter; of others only the name's beginning matters.
	maxField = 48
	// maxDigits bounds a Content-Length: 10^18 bytes is more than anybody sends, and fits in 63 bits.
	maxDigits = 18
	// maxSize bounds a chunk's size, which has to fit in 64 bits.
	maxSize = 16
)

// scanner follows the messages of a connection. It keeps nothing of them but the beginning of a line that is cut.
type scanner struct {
	state    state
	requests uint64 // heads that came to their end
	left     uint64 // of the body or the chunk; in the head, what Content-Length says
	digits   int    // of a chunk's size
	http10   bool
	measured bool // there was a Content-Length
	coded    bool // there was a Transfer-Encoding
	blank    bool // there was an empty line before the request

	cut  int // how many bytes of the line came in earlier reads
	cr   bool
	kept [maxField]byte // its beginning, or the end of a request line
}

// between says whether the next byte is a request's first.
func (s *scanner) between() bool { return s.state == requestLine && s.cut == 0 }

// scan looks at the next bytes. If they are not plain, it says why, and how many of them, from the first on, do no harm.
func (s *scanner) scan(b []byte) (harmless int, why Reason) {
	for i := 0; i < len(b); {
		switch s.state {
		case requestLine, fields, trailers:
			n := bytes.IndexByte(b[i:], '\n') + 1
			if n == 0 {
				if why := s.keep(b[i:]); why != plain {
					return i, why
				}
				return len(b), plain
			}
			if why := s.line(b[i : i+n]); why != plain {
				return i, why
			}
			i += n
		case body, chunkData:
			n := min(s.left, uint64(len(b)-i)) //nolint:gosec // it is not below 0
			s.left -= n
			i += int(n) //nolint:gosec // it is at most len(b)
			if s.left == 0 && s.state == body {
				s.state = requestLine
			} else if s.left == 0 {
				s.state = dataCR
			}
		default:
			if !s.chunk(b[i]) {
				return i, chunk
			}
			i++
		}
	}
	return len(b), plain
}

// chunk looks at a byte before or behind a chunk's data.
func (s *scanner) chunk(c byte) bool {
	switch s.state {
	case chunkSize:
		if digit := unhex(c); digit >= 0 {
			s.left = s.left<<4 | uint64(digit) //nolint:gosec // it is not below 0
			s.digits++
			return s.digits <= maxSize
		}
		switch {
		case s.digits == 0:
			return false
		case c == '\r':
			s.state = chunkLF
		case c == ';':
			s.state = chunkExtension
		default:
			return false
		}
	case chunkExtension:
		switch {
		case c == '\r':
			s.state = chunkLF
		case c == '"':
			s.state = chunkQuotation
		default:
			return quotable(c)
		}
	case chunkQuotation: // a line break in it is CVE-2026-33870 of Netty
		if c == '"' {
			s.state = chunkExtension
			return true
		}
		return quotable(c)
	case chunkLF:
		s.state, s.digits = chunkData, 0
		if s.left == 0 {
			s.state = trailers
		}
		return c == '\n'
	case dataCR:
		s.state = dataLF
		return c == '\r'
	case dataLF:
		s.state = chunkSize
		return c == '\n'
	}
	return true
}

// quotable says whether a byte may be in an extension. A backslash may hide a quotation's end from one reader.
func quotable(c byte) bool { return (c >= ' ' || c == '\t') && c < 0x7f && c != '\\' }

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// keep takes a line's part that does not end it.
func (s *scanner) keep(part []byte) Reason {
	if s.cr {
		return bareCR
	}
	if i := bytes.IndexByte(part, '\r'); i >= 0 {
		if i < len(part)-1 {
			return bareCR
		}
		s.cr = true
	}
	if s.state == requestLine && s.cut+len(part) > maxField { // its end counts
		if n := maxField - len(part); n > 0 {
			copy(s.kept[:n], s.kept[min(s.cut, maxField)-n:min(s.cut, maxField)])
			copy(s.kept[n:], part)
		} else {
			copy(s.kept[:], part[-n:])
		}
	} else if s.cut < maxField {
		copy(s.kept[s.cut:], part)
	}
	s.cut = min(s.cut+len(part), math.MaxInt32)
	return plain
}

// line takes a line, or the rest of one that was cut.
func (s *scanner) line(line []byte) Reason {
	cut := false
	if s.cut > 0 {
		if len(line) > 1 {
			if why := s.keep(line[:len(line)-1]); why != plain {
				return why
			}
		}
		if !s.cr {
			return bareLF
		}
		cut, line = s.cut > maxField, s.kept[:min(s.cut, maxField)]
		if !cut || s.state == requestLine { // the CR was kept, too
			line = line[:len(line)-1]
		}
		s.cut, s.cr = 0, false
	} else {
		i := len(line) - 2
		if i < 0 || line[i] != '\r' {
			return bareLF
		}
		if line = line[:i]; bytes.IndexByte(line, '\r') >= 0 {
			return bareCR
		}
	}
	if s.state == requestLine {
		return s.request(line)
	}
	return s.field(line, cut)
}

var http11, http10 = []byte(" HTTP/1.1"), []byte(" HTTP/1.0")

// request looks at a request line, or its end.
func (s *scanner) request(line []byte) Reason {
	if len(line) == 0 && !s.blank { // old clients send one behind a body (RFC 9112, section 2.2); net/http takes it behind a POST
		s.blank = true
		return plain
	}
	s.http10 = bytes.HasSuffix(line, http10)
	if !s.http10 && !bytes.HasSuffix(line, http11) {
		return version
	}
	s.state, s.left, s.measured, s.coded, s.blank = fields, 0, false, false, false
	return plain
}

var contentLength, transferEncoding, chunked = []byte("content-length"), []byte("transfer-encoding"), []byte("chunked")

// field looks at a line of the head or the trailers. What is cut off is not all of it.
func (s *scanner) field(line []byte, cut bool) Reason {
	if len(line) == 0 {
		s.end()
		return plain
	}
	switch line[0] {
	case ' ', '\t':
		return folded
	case 'c', 'C':
		if value, ok := valueOf(line, contentLength); ok {
			return s.length(value, cut)
		}
	case 't', 'T':
		if value, ok := valueOf(line, transferEncoding); ok {
			return s.coding(value, cut)
		}
	}
	return plain
}

// end is that of a head or of trailers.
func (s *scanner) end() {
	switch {
	case s.state == trailers:
		s.state = requestLine
		return
	case s.coded:
		s.state, s.left, s.digits = chunkSize, 0, 0
	case s.left > 0:
		s.state = body
	default:
		s.state = requestLine
	}
	s.requests++
}

// valueOf gives what a field of that name says. A blank before it is what everybody writes; other white space is where
// readers differ.
func valueOf(line, name []byte) ([]byte, bool) {
	if len(line) <= len(name) || line[len(name)] != ':' || !bytes.EqualFold(line[:len(name)], name) {
		return nil, false
	}
	value := line[len(name)+1:]
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	return value, true
}

func (s *scanner) length(value []byte, cut bool) Reason {
	switch {
	case s.state == trailers:
		return trailer
	case s.coded:
		return lengthAndCoding
	case s.measured, cut, len(value) == 0, len(value) > maxDigits:
		return length
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return length
		}
		s.left = s.left*10 + uint64(c-'0')
	}
	s.measured = true
	return plain
}

func (s *scanner) coding(value []byte, cut bool) Reason {
	switch {
	case s.state == trailers:
		return trailer
	case s.measured:
		return lengthAndCoding
	case s.coded, s.http10, cut, !bytes.EqualFold(value, chunked):
		return coding
	}
	s.coded = true
	return plain
}
