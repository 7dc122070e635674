package xmlform

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// scanner finds its way in the bytes of a document that checkText has seen.
type scanner struct {
	src      []byte
	i        int
	bindings []binding
	// attributes are those, of no namespace, of the start tag that was read last.
	attributes []attribute
	foreign    bool   // other namespaces and processing instructions are taken
	buffer     []byte // the text of an element that does not lie in one piece; used again
}

func (*scanner) malformed(at int, detail string) *Error { return &Error{offset: at, Detail: detail} }

// checkText says whether all of src are characters of XML 1.0 (production 2) in UTF-8, and of those that JSON may have
// (RFC 7493, section 2.1): no noncharacters.
func checkText(src []byte) *Error {
	for i := 0; i < len(src); {
		if ch := src[i]; ch < utf8.RuneSelf {
			if ch < ' ' && ch != '\t' && ch != '\n' && ch != '\r' {
				return &Error{offset: i, Detail: "a control byte may not stand in XML"}
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n <= 1 {
			return &Error{offset: i, Detail: "the bytes are not UTF-8"}
		}
		if !character(r) {
			return &Error{offset: i, Detail: "a text may not contain a Unicode noncharacter"}
		}
		i += n
	}
	return nil
}

// character says whether a text may have r.
func character(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r >= 0xD800 && r <= 0xDFFF, r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE, r > utf8.MaxRune:
		return false
	}
	return true
}

func blank(ch byte) bool { return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' }

func (s *scanner) space() (some bool) {
	start := s.i
	for s.i < len(s.src) && blank(s.src[s.i]) {
		s.i++
	}
	return s.i > start
}

func (s *scanner) take(prefix string) bool {
	if len(s.src)-s.i < len(prefix) || string(s.src[s.i:s.i+len(prefix)]) != prefix {
		return false
	}
	s.i += len(prefix)
	return true
}

func (s *scanner) peek(prefix string) bool {
	return len(s.src)-s.i >= len(prefix) && string(s.src[s.i:s.i+len(prefix)]) == prefix
}

// name reads a name without a colon.
func (s *scanner) name() []byte {
	start := s.i
	for s.i < len(s.src) {
		ch := s.src[s.i]
		if ch|0x20 >= 'a' && ch|0x20 <= 'z' || ch == '_' || s.i > start && (ch >= '0' && ch <= '9' || ch == '-' || ch == '.') {
			s.i++
			continue
		}
		if ch < utf8.RuneSelf {
			break
		}
		r, n := utf8.DecodeRune(s.src[s.i:])
		if !starts(r) && (s.i == start || !continues(r)) {
			break
		}
		s.i += n
	}
	return s.src[start:s.i]
}

const (
	cutOff    = "the document ends in the middle of an element"
	badTag    = "a tag is malformed"
	namespace = "names in namespaces are not taken"
)

// begin reads what may stand before the root, up to its start tag: a byte order mark, the XML declaration, white space
// and comments.
func (s *scanner) begin() *Error {
	s.take("\ufeff")
	if s.peek("<?xml") && len(s.src) > s.i+5 && blank(s.src[s.i+5]) {
		if err := s.declaration(); err != nil {
			return err
		}
	}
	return s.between()
}

// between reads white space and comments outside of the root.
func (s *scanner) between() *Error {
	for {
		s.space()
		switch {
		case s.i >= len(s.src):
			return nil
		case s.peek("<!--"):
			if err := s.comment(); err != nil {
				return err
			}
		case s.foreign && s.peek("<?"):
			if err := s.instruction(); err != nil {
				return err
			}
		default:
			return s.special()
		}
	}
}

// special refuses what stands where an element may, and is none.
func (s *scanner) special() *Error {
	switch {
	case s.peek("<?"):
		return s.malformed(s.i, "processing instructions are not taken")
	case s.peek("<!"):
		return s.malformed(s.i, "a DOCTYPE or another declaration is not taken")
	}
	return nil
}

// declaration reads the XML declaration (production 23).
func (s *scanner) declaration() *Error {
	const bad = "the XML declaration is malformed"
	at := s.i
	s.i += len("<?xml")
	for k, known := range []string{"version", "encoding", "standalone"} {
		before := s.i
		if !s.space() || !s.take(known) {
			s.i = before
			if k == 0 {
				return s.malformed(at, bad)
			}
			continue
		}
		s.space()
		if !s.take("=") {
			return s.malformed(at, bad)
		}
		s.space()
		value, err := s.quoted()
		if err != nil {
			return err
		}
		switch {
		case k == 0 && string(value) != "1.0":
			return s.malformed(at, "only XML 1.0 is taken")
		case k == 1 && !bytes.EqualFold(value, []byte("UTF-8")):
			return s.malformed(at, "the document must be in UTF-8")
		case k == 2 && string(value) != "yes" && string(value) != "no":
			return s.malformed(at, bad)
		}
	}
	s.space()
	if !s.take("?>") {
		return s.malformed(at, bad)
	}
	return nil
}

// comment reads past one (production 15).
func (s *scanner) comment() *Error {
	at := s.i
	s.i += len("<!--")
	end := bytes.Index(s.src[s.i:], []byte("--"))
	if end < 0 || s.i+end+2 >= len(s.src) || s.src[s.i+end+2] != '>' {
		return s.malformed(at, "a comment is not closed, or has two hyphens in it")
	}
	s.i += end + 3
	return nil
}

// quoted reads the value of an attribute with its quotes and gives what is between them.
func (s *scanner) quoted() ([]byte, *Error) {
	if s.i >= len(s.src) {
		return nil, s.malformed(s.i, cutOff)
	}
	quote := s.src[s.i]
	if quote != '"' && quote != '\'' {
		return nil, s.malformed(s.i, "the value of an attribute stands in quotes")
	}
	end := bytes.IndexByte(s.src[s.i+1:], quote)
	if end < 0 {
		return nil, s.malformed(s.i, cutOff)
	}
	value := s.src[s.i+1 : s.i+1+end]
	if k := bytes.IndexByte(value, '<'); k >= 0 {
		return nil, s.malformed(s.i+1+k, "the value of an attribute may not have a <")
	}
	s.i += end + 2
	return value, nil
}

// start reads a start tag, whose < is next.
func (s *scanner) start(t *tag) *Error {
	*t = tag{at: s.i, bindings: len(s.bindings)}
	s.attributes = s.attributes[:0]
	s.i++
	if t.name = s.name(); len(t.name) == 0 {
		return s.malformed(t.at, badTag)
	}
	if t.spelt = t.name; s.foreign && s.take(":") {
		t.prefix, t.name = t.name, s.name()
		if t.spelt = s.src[t.at+1 : s.i]; len(t.name) == 0 {
			return s.malformed(t.at, badTag)
		}
	}
	var nils [2]attribute // those with a prefix; there is use for one
	marked := 0
	for {
		spaced := s.space()
		switch {
		case s.i >= len(s.src):
			return s.malformed(t.at, cutOff)
		case s.take(">"):
			return s.resolve(t, nils[:marked])
		case s.take("/>"):
			t.empty = true
			return s.resolve(t, nils[:marked])
		case s.src[s.i] == ':':
			return s.malformed(s.i, namespace)
		case !spaced:
			return s.malformed(s.i, badTag)
		}
		a := attribute{at: s.i}
		a.name = s.name()
		var prefix []byte
		if s.i < len(s.src) && s.src[s.i] == ':' {
			s.i++
			prefix = a.name
			a.name = s.name()
			if len(prefix) == 0 {
				return s.malformed(a.at, badTag)
			}
		}
		if len(a.name) == 0 {
			return s.malformed(a.at, badTag)
		}
		s.space()
		if !s.take("=") {
			return s.malformed(s.i, badTag)
		}
		s.space()
		var err *Error
		if a.value, err = s.quoted(); err != nil {
			return err
		}
		switch {
		case string(prefix) == "xmlns":
			if err := s.bind(a, t); err != nil {
				return err
			}
		case prefix == nil && string(a.name) == "xmlns":
			if !s.foreign {
				return s.malformed(a.at, namespace)
			}
		case prefix != nil && s.foreign:
			a.prefix = prefix
			if err := s.attribute(a); err != nil {
				return err
			}
		case prefix != nil:
			if marked == len(nils) {
				return s.malformed(a.at, "an attribute stands twice, or is in a namespace that is not taken")
			}
			nils[marked] = attribute{at: a.at, name: s.src[a.at : a.at+len(prefix)+1+len(a.name)], value: a.value}
			marked++
		default:
			if err := s.attribute(a); err != nil {
				return err
			}
		}
	}
}

// end reads the end tag of t, if it is next.
func (s *scanner) end(t *tag) (bool, *Error) {
	if !s.peek("</") {
		return false, nil
	}
	at := s.i
	s.i += 2
	name := s.name()
	if s.foreign && s.take(":") {
		s.name()
		name = s.src[at+2 : s.i]
	}
	if !bytes.Equal(name, t.spelt) {
		return false, s.malformed(at, "an end tag does not fit the element that is open")
	}
	s.space()
	if !s.take(">") {
		return false, s.malformed(at, badTag)
	}
	s.bindings = s.bindings[:t.bindings]
	return true, nil
}

// text reads all the text up to the next tag; comments in it are left out. The result is good until the next call.
func (s *scanner) text() ([]byte, *Error) {
	s.buffer = s.buffer[:0]
	for {
		end := bytes.IndexByte(s.src[s.i:], '<')
		if end < 0 {
			return nil, s.malformed(len(s.src), cutOff)
		}
		piece := s.src[s.i : s.i+end]
		if k := bytes.Index(piece, []byte("]]>")); k >= 0 {
			return nil, s.malformed(s.i+k, "a text may not contain ]]>")
		}
		at := s.i
		s.i += end
		comment, data := s.peek("<!--"), s.peek("<![CDATA[")
		if !comment && !data && len(s.buffer) == 0 && bytes.IndexByte(piece, '&') < 0 && bytes.IndexByte(piece, '\r') < 0 {
			return piece, nil
		}
		var err *Error
		if s.buffer, err = s.unescape(s.buffer, piece, at, false); err != nil {
			return nil, err
		}
		switch {
		case comment:
			if err := s.comment(); err != nil {
				return nil, err
			}
		case data:
			start := s.i + len("<![CDATA[")
			end := bytes.Index(s.src[start:], []byte("]]>"))
			if end < 0 {
				return nil, s.malformed(s.i, "a CDATA section is not closed")
			}
			s.buffer = appendLines(s.buffer, s.src[start:start+end])
			s.i = start + end + 3
		default:
			return s.buffer, nil
		}
	}
}

// appendLines appends a text with its line ends as XML reads them (section 2.11).
func appendLines(dst, text []byte) []byte {
	for {
		k := bytes.IndexByte(text, '\r')
		if k < 0 {
			return append(dst, text...)
		}
		dst = append(append(dst, text[:k]...), '\n')
		if text = text[k+1:]; len(text) > 0 && text[0] == '\n' {
			text = text[1:]
		}
	}
}

// unescape appends what the text at an offset says: entities and references to characters are what they stand for. In an
// attribute, white space becomes spaces (section 3.3.3).
func (s *scanner) unescape(dst, text []byte, at int, inAttribute bool) ([]byte, *Error) {
	for {
		k := bytes.IndexByte(text, '&')
		plain := text
		if k >= 0 {
			plain = text[:k]
		}
		mark := len(dst)
		dst = appendLines(dst, plain)
		if inAttribute {
			for i := mark; i < len(dst); i++ {
				if blank(dst[i]) {
					dst[i] = ' '
				}
			}
		}
		if k < 0 {
			return dst, nil
		}
		end := bytes.IndexByte(text[k:], ';')
		r := rune(-1)
		if end > 0 && end <= 12 {
			r = reference(text[k+1 : k+end])
		}
		if r < 0 {
			return nil, s.malformed(at+k, "& begins an entity; XML's own five and characters by number are taken")
		}
		dst = utf8.AppendRune(dst, r)
		text, at = text[k+end+1:], at+k+end+1
	}
}

// reference gives the character that an entity stands for, -1 if there is none such.
func reference(name []byte) rune {
	switch string(name) {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "apos":
		return '\''
	case "quot":
		return '"'
	}
	if len(name) < 2 || name[0] != '#' {
		return -1
	}
	digits, base := string(name[1:]), 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || !character(rune(n)) {
		return -1
	}
	return rune(n)
}
