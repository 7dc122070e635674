// Package framing refuses HTTP/1.1 messages of whose end two readers may think differently: request smuggling (RFC 9112,
// section 11.2). net/http repairs some of them before any handler sees them. It takes the length off a request that has a
// coding, too, ends lines at a line feed alone, joins lines that go on in the next, and reads HTTP/1.2 as 1.1. What it then
// serves is one clean request, but a proxy in front of it may have seen two.
//
// The bytes of a connection are looked at as net/http reads them. Each message must say in the plain way where it ends, or
// nothing of the connection reaches net/http from there on but bytes that it refuses too. So it answers in its turn, behind
// requests that came before, and closes the connection.
//
// What is plain: lines end in CR LF, have no other CR, and do not go on in the next. The version is 1.0 or 1.1. There is at most
// one Content-Length, of digits alone, or one Transfer-Encoding, which is chunked, in HTTP/1.1. A chunk's size is 1 to 16
// hexadecimal digits, and its extensions are closed where they open a quotation. The rest, such as what a method or a name
// may be, net/http refuses well enough itself.
package framing

import (
	"net/http"
	"strconv"
	"time"

	"github.com/wicketgate/wicketgate/internal/problem"
)

// Reason is why a message is refused.
type Reason uint8

const (
	plain Reason = iota
	bareLF
	bareCR
	folded
	version
	length
	coding
	lengthAndCoding
	chunk
	trailer
	reasons
)

// told are the reasons as a metric's label and as callers are told.
var told = [reasons]struct{ label, detail string }{
	bareLF:          {"line_feed", "a line ends in a line feed without a carriage return"},
	bareCR:          {"carriage_return", "a line has a carriage return that does not end it"},
	folded:          {"folded", "a header field goes on in the next line"},
	version:         {"version", "the request line does not end in HTTP/1.1"},
	length:          {"length", "Content-Length is to be there once, and to have digits alone"},
	coding:          {"coding", "Transfer-Encoding is to be there once, as chunked, in HTTP/1.1"},
	lengthAndCoding: {"length_and_coding", "the length of the body is told in two ways"},
	chunk:           {"chunk", "a chunk of the body does not begin or end as it has to"},
	trailer:         {"trailer", "a trailer tells where the message ends"},
}

// String is a short name, for metrics and logs.
func (r Reason) String() string { return told[r].label }

// answer is what a caller gets, whole. It closes the connection, as RFC 9112, section 6.3, wants it.
func (r Reason) answer(now time.Time) []byte {
	p := problem.New(problem.BadRequest, told[r].detail)
	body, err := p.MarshalJSON()
	if err != nil { // which it never gives
		body = []byte("{}")
	}
	b := append(make([]byte, 0, 512), "HTTP/1.1 400 Bad Request\r\nDate: "...)
	b = now.UTC().AppendFormat(b, http.TimeFormat)
	h := http.Header{}
	p.Fields(h)
	for _, name := range []string{"Cache-Control", "Content-Type", "X-Content-Type-Options"} {
		b = append(append(append(append(b, "\r\n"...), name...), ": "...), h[name][0]...)
	}
	b = append(b, "\r\nConnection: close\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	return append(append(b, "\r\n\r\n"...), body...)
}
