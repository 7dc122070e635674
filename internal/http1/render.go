package http1

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts" // what net/http holds names and values against
)

// Body is a request's body in memory.
type Body struct {
	bytes.Reader
	all []byte
}

// NewBody gives a body, which is read from its beginning and may be sent by several RoundTrips.
func NewBody(b []byte) *Body {
	to := &Body{all: b}
	to.Reset(b)
	return to
}

// Close implements io.Closer.
func (*Body) Close() error { return nil }

// buffers are those that messages are rendered in. A message is bounded by the headers that are let in.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 2<<10)) }}

var errInvalid = errors.New("it cannot be written")

// render writes a request as it goes out (RFC 9112, sections 2 to 6).
func render(r *http.Request) (*[]byte, error) {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	if !httpguts.ValidHostHeader(host) {
		return nil, fmt.Errorf("the host %q: %w", host, errInvalid)
	}
	if !token(r.Method) {
		return nil, fmt.Errorf("the method %q: %w", r.Method, errInvalid)
	}
	to, _ := buffers.Get().(*[]byte)
	b := append((*to)[:0], r.Method...)
	b = append(b, ' ')
	target := r.URL.RequestURI()
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == 0x7f {
			return nil, fmt.Errorf("the request target: %w", errInvalid)
		}
	}
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	for name, values := range r.Header {
		if framing(name) {
			continue // they are of this message, and written here
		}
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("the field name %q: %w", name, errInvalid)
		}
		for _, v := range values {
			if v == "" && name == "User-Agent" {
				continue // that is how net/http is told to write none
			}
			if !httpguts.ValidHeaderFieldValue(v) {
				return nil, fmt.Errorf("the value of the field %s: %w", name, errInvalid)
			}
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, v...)
			b = append(b, "\r\n"...)
		}
	}
	var content []byte
	if body, ours := r.Body.(*Body); ours {
		content = body.all
	}
	if len(content) > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(content)), 10)
		b = append(b, "\r\n"...)
	}
	if r.Close {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(b, "\r\n"...)
	b = append(b, content...)
	*to = b
	return to, nil
}

// framing says whether a field tells where the message ends, whom it is for or of its connection, in whatever spelling.
func framing(name string) bool {
	var is string
	switch len(name) {
	case 4:
		is = "Host"
	case 7:
		is = "Trailer"
	case 10:
		is = "Connection"
	case 14:
		is = "Content-Length"
	case 17:
		is = "Transfer-Encoding"
	default:
		return false
	}
	return name == is || strings.EqualFold(name, is)
}

func token(s string) bool {
	for i := range len(s) {
		if !httpguts.IsTokenRune(rune(s[i])) {
			return false
		}
	}
	return s != ""
}
