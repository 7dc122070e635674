package framing

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const host = "Host: a\r\n"

// messages are what comes on a connection, and why it is refused; "" where it is not.
var messages = []struct{ name, sent, refused string }{
	{"a request", "GET / HTTP/1.1\r\n" + host + "\r\n", ""},
	{"requests of all kinds", "GET / HTTP/1.1\r\n" + host + "\r\nPOST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabcPUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.0\r\n\r\n", ""},
	{"no blank before a length", "POST / HTTP/1.1\r\n" + host + "content-length:3\r\n\r\nabc", ""},
	{"a length with zeros in front", "POST / HTTP/1.1\r\n" + host + "Content-Length: 003\r\n\r\nabc", ""},
	{"line feeds in a body", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\n\n\n\nGET / HTTP/1.1\r\n" + host + "\r\n", ""},
	{"chunked in capitals", "POST / HTTP/1.1\r\n" + host + "TRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n", ""},
	{"names that only begin so", "GET / HTTP/1.1\r\n" + host + "Content-Lengths: x\r\nContent: y\r\nTransfer-Encodings: z\r\nTe: trailers\r\n\r\n", ""},
	{"an extension and a trailer", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3;a=b; c=\"d e\"\r\nabc\r\n00;x\r\nA: b\r\nC: d\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", ""},
	{"16 digits", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n000000000000000A\r\n0123456789\r\n0000000000000000\r\n\r\n", ""},
	{"a long line", "GET /" + strings.Repeat("a", 100) + " HTTP/1.1\r\n" + host + "X: " + strings.Repeat("b", 100) + "\r\n\r\n", ""},
	{"a line break behind a body", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc\r\nGET / HTTP/1.1\r\n" + host + "\r\n", ""},

	{"two line breaks before a request", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", "version"},
	{"a line feed before a request", "\nGET / HTTP/1.1\r\n" + host + "\r\n", "line_feed"},
	{"a line feed behind the request line", "GET / HTTP/1.1\n" + host + "\r\n", "line_feed"},
	{"a line feed behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", "line_feed"},
	{"a line feed for the empty line", "GET / HTTP/1.1\r\n" + host + "\n", "line_feed"},
	{"a line feed behind a trailer", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n", "line_feed"},
	{"a line feed behind the last chunk", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\n\r\n", "chunk"},
	{"a line feed for the end", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\n", "line_feed"},
	{"a carriage return in the request line", "GET /\r HTTP/1.1\r\n" + host + "\r\n", "carriage_return"},
	{"a carriage return in a field", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "carriage_return"},
	{"two carriage returns", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "carriage_return"},
	{"a carriage return in a trailer", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\rc\r\n\r\n", "carriage_return"},
	{"a carriage return before the end", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\r\n", "carriage_return"},
	{"a field that goes on", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "folded"},
	{"a field that goes on behind a tab", "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n", "folded"},
	{"a coding that goes on", "POST / HTTP/1.1\r\n" + host + "X: \r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "folded"},
	{"a blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "folded"},
	{"a blank for the empty line", "GET / HTTP/1.1\r\n" + host + " \r\n\r\n", "folded"},
	{"a trailer that goes on", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n", "folded"},
	{"version 1.2", "GET / HTTP/1.2\r\n" + host + "\r\n", "version"},
	{"version 2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", "version"},
	{"version 0.9", "GET /\r\n\r\n", "version"},
	{"a blank behind the version", "GET / HTTP/1.1 \r\n" + host + "\r\n", "version"},
	{"a long line without a version", "GET /" + strings.Repeat("a", 100) + "\r\n" + host + "\r\n", "version"},
	{"the same length twice", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "length"},
	{"another length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "length"},
	{"lengths in a list", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3, 3\r\n\r\nabc", "length"},
	{"a plus sign", "POST / HTTP/1.1\r\n" + host + "Content-Length: +3\r\n\r\nabc", "length"},
	{"below zero", "POST / HTTP/1.1\r\n" + host + "Content-Length: -0\r\n\r\n", "length"},
	{"a length of nothing", "POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n", "length"},
	{"a length of a blank", "POST / HTTP/1.1\r\n" + host + "Content-Length: \r\n\r\n", "length"},
	{"a blank behind a length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3 \r\n\r\nabc", "length"},
	{"a tab before a length", "POST / HTTP/1.1\r\n" + host + "Content-Length:\t3\r\n\r\nabc", "length"},
	{"a length of 19 digits", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0000000000000000003\r\n\r\nabc", "length"},
	{"a length behind much white space", "POST / HTTP/1.1\r\n" + host + "Content-Length:" + strings.Repeat(" ", 100) + "3\r\n\r\nabc", "length"},
	{"a length and a coding", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "length_and_coding"},
	{"a coding and a length", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "length_and_coding"},
	{"a length of zero and a coding", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\nX: y\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "length_and_coding"},
	{"both, on the second request", "GET / HTTP/1.1\r\n" + host + "\r\nPOST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "length_and_coding"},
	{"the same coding twice", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "coding"},
	{"another coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "coding"},
	{"two codings", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "coding"},
	{"a tab before a coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n", "coding"},
	{"a blank behind a coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n", "coding"},
	{"a coding behind much white space", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:" + strings.Repeat(" ", 100) + "chunked\r\n\r\n0\r\n\r\n", "coding"},
	{"a coding in HTTP/1.0", "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "coding"},
	{"a size with 0x", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", "chunk"},
	{"a size below zero", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", "chunk"},
	{"a size of 17 digits", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n00000000000000003\r\nabc\r\n0\r\n\r\n", "chunk"},
	{"no size", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n", "chunk"},
	{"a blank behind a size", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", "chunk"},
	{"a carriage return alone behind a size", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\rabc\r\n0\r\n\r\n", "chunk"},
	{"data that goes on", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", "chunk"},
	{"a line feed behind data", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", "chunk"},
	{"a carriage return alone behind data", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r0\r\n\r\n", "chunk"},
	{"a line break in a quotation", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3;a=\"\r\nabc\r\n0\r\n\r\n", "chunk"},
	{"a backslash in a quotation", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3;a=\"\\\"\r\nabc\r\n0\r\n\r\n", "chunk"},
	{"a line feed in an extension", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n", "chunk"},
	{"a length in a trailer", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n", "trailer"},
	{"a coding in a trailer", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "trailer"},
	{"the preface of HTTP/2", preface, "version"},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "version"},
}

// TestMessages scans each as a whole, byte by byte, and cut in two anywhere.
func TestMessages(t *testing.T) {
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			scan := func(how string, parts ...string) {
				var s scanner
				var why Reason
				for _, part := range parts {
					var n int
					if n, why = s.scan([]byte(part)); why != plain {
						break
					} else if n != len(part) {
						t.Fatalf("%s: %d of %d bytes", how, n, len(part))
					}
				}
				if why.String() != m.refused {
					t.Fatalf("%s: refused for %q, not %q", how, why, m.refused)
				}
				if why == plain && !s.between() {
					t.Fatalf("%s: a message has not come to its end: %+v", how, s)
				}
			}
			scan("as a whole", m.sent)
			scan("byte by byte", strings.Split(m.sent, "")...)
			for i := range m.sent {
				scan("cut before "+m.sent[i:], m.sent[:i], m.sent[i:])
			}
		})
	}
}

// script is a connection on which pieces come, each by a read of its own.
type script struct {
	net.Conn
	pieces [][]byte
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

func (*script) RemoteAddr() net.Addr        { return &net.TCPAddr{} }
func (*script) SetDeadline(time.Time) error { return nil }

// cut makes pieces of data, of as many bytes as sizes say, over and over; 0 is all of it.
func cut(data, sizes []byte) (pieces [][]byte) {
	for i := 0; len(data) > 0; i++ {
		n := len(data)
		if len(sizes) > 0 && sizes[i%len(sizes)] > 0 {
			n = min(n, int(sizes[i%len(sizes)]))
		}
		pieces, data = append(pieces, data[:n:n]), data[n:]
	}
	return pieces
}

// seen are the lengths of the bodies of all messages that come to their end, as the scanner sees them byte by byte.
func seen(data []byte) (bodies []int, why Reason) {
	var s scanner
	length, open := 0, false
	for i := range data {
		inside, heads := s.state == body || s.state == chunkData, s.requests
		if _, why = s.scan(data[i : i+1]); why != plain {
			return bodies, why
		}
		if s.requests > heads {
			length, open = 0, true
		}
		if inside {
			length++
		}
		if open && s.between() {
			bodies, open = append(bodies, length), false
		}
	}
	return bodies, plain
}

// FuzzFraming has net/http read what is let through. It has to find the very requests that the scanner saw, or end with an
// error, and with one in any case where something was refused.
func FuzzFraming(f *testing.F) {
	for i, m := range messages {
		f.Add([]byte(m.sent), []byte{byte(i % 7)})
		f.Add([]byte(m.sent), []byte{14, 1, 0})
	}
	f.Fuzz(func(t *testing.T, data, sizes []byte) {
		bodies, why := seen(data)
		var got Reason
		c := &conn{Conn: &script{pieces: cut(data, sizes)}, begun: -1, refused: func(why Reason, _ net.Addr) { got = why }}
		r := bufio.NewReader(c)
		var read []int
		var err error
		for last := ""; ; {
			if last == http.MethodPost { // as in net/http's server
				four, _ := r.Peek(4)
				r.Discard(len(four) - len(bytes.TrimLeft(four, "\r\n"))) //nolint:errcheck // the next read tells
			}
			if _, err = r.Peek(1); err != nil {
				break
			}
			var req *http.Request
			if req, err = http.ReadRequest(r); err != nil {
				break
			}
			n, failed := io.Copy(io.Discard, req.Body)
			if err = failed; err != nil {
				break
			}
			read, last = append(read, int(n)), req.Method
		}
		clean := errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
		for i, n := range read {
			if i >= len(bodies) || bodies[i] != n {
				t.Fatalf("net/http reads bodies of %v bytes, of which there are %v", read, bodies)
			}
		}
		if clean && c.state.Load() >= bodyRefused {
			t.Fatalf("refused for %q, and net/http sees nothing wrong after %d requests", c.why, len(read))
		}
		if clean && len(read) != len(bodies) {
			t.Fatalf("net/http reads %d requests, of which there are %d", len(read), len(bodies))
		}
		if got != plain && why == plain { // for which of two reasons depends on the cuts
			t.Fatalf("cut, it is refused for %q", got)
		}
	})
}

// aRequest is one with a token, as a client of an API sends it.
var aRequest = []byte("GET /api/v2/orders/acme-1001?expand=lines HTTP/1.1\r\nHost: gateway.shop.example\r\nUser-Agent: curl/8.14.1\r\nAccept: application/json\r\nAccept-Encoding: gzip, br\r\n" +
	"Authorization: Bearer " + strings.Repeat("eyJhbGciOiJFUzI1NiJ9", 45) + "\r\nX-Request-Id: 0197a3f2-6f6c-7d5e-8a55-0c3f1f2c4b11\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nConnection: keep-alive\r\n\r\n")

// again is a connection on which the same comes over and over.
type again struct {
	net.Conn
	data []byte
}

func (a *again) Read(p []byte) (int, error) { return copy(p, a.data), nil }

func BenchmarkHead(b *testing.B) {
	post := append(bytes.Replace(aRequest, []byte("\r\n\r\n"), []byte("\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n"), 1), make([]byte, 1024)...)
	chunks := append(bytes.Replace(aRequest, []byte("\r\n\r\n"), []byte("\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n"), 1), make([]byte, 1024)...)
	chunks = append(chunks, "\r\n0\r\n\r\n"...)
	for _, m := range []struct {
		name string
		data []byte
	}{{"GET", aRequest}, {"POST", post}, {"chunked", chunks}} {
		read := func(b *testing.B, c net.Conn) {
			b.Helper()
			buf := make([]byte, 4096)
			b.SetBytes(int64(len(m.data)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := c.Read(buf); n != len(m.data) || err != nil {
					b.Fatal(n, err)
				}
			}
		}
		b.Run(m.name+"/watched", func(b *testing.B) { read(b, watch(&again{data: m.data}, nil)) })
		b.Run(m.name+"/not", func(b *testing.B) { read(b, &again{data: m.data}) })
	}
}
