package proxy

import (
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// hopFields are those of one connection (RFC 9110, section 7.6.1), and what only means the host that says it.
var hopFields = []string{
	"Alt-Svc", "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade",
}

// endToEnd takes off what ends with this connection.
func endToEnd(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range hopFields {
		delete(h, name)
	}
}

// outgoing makes of a request one that any server may be sent.
func outgoing(r *http.Request, x *exchange.Exchange, trusted bool) {
	h := make(http.Header, len(r.Header)+8)
	maps.Copy(h, r.Header)
	trailers := h["Te"] != nil // admission has left nothing else of it
	endToEnd(h)
	if trailers {
		h["Te"] = wantsTrailers
	}
	if h["User-Agent"] == nil {
		h["User-Agent"] = noAgent
	}
	if r.TLS != nil && !r.TLS.HandshakeComplete { // RFC 8470, section 5.1
		h["Early-Data"] = earlyData
	}
	forwarded(h, r, trusted)
	h["Via"] = append(h["Via"][:len(h["Via"]):len(h["Via"])], via(r.ProtoMajor, r.ProtoMinor))
	r.Header, r.Close = h, false
	r.URL.Scheme, r.URL.User = "", nil
	switch {
	case x.Body.Read:
	case r.ContentLength == 0:
		r.Body = nil // net/http sends such a request again where a kept connection had ended
	case r.Body != nil:
		r.Body = newIncoming(r)
	}
}

// Shared by all requests; a header's values are replaced, never edited.
var (
	wantsTrailers = []string{"trailers"}
	noAgent       = []string{""} // has net/http write none of its own
	earlyData     = []string{"1"}
)

// via names the gateway, which is Caddy's, in its field (RFC 9110, section 7.6.3).
func via(major, minor int) string {
	switch {
	case major == 1 && minor == 1:
		return "1.1 Caddy"
	case major == 2 && minor == 0:
		return "2.0 Caddy"
	}
	return strconv.Itoa(major) + "." + strconv.Itoa(minor) + " Caddy"
}

// forwarded says where a request came from. What a sender who is not trusted said of that is dropped.
func forwarded(h http.Header, r *http.Request, trusted bool) {
	before, proto, host := "", "http", r.Host
	if r.TLS != nil {
		proto = "https"
	}
	if trusted {
		before = strings.Join(h["X-Forwarded-For"], ", ")
		proto = last(h["X-Forwarded-Proto"], proto)
		host = last(h["X-Forwarded-Host"], host)
	}
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil && (r.RemoteAddr != "@" || !trusted) { // "@" is at the other end of a socket without a name
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} {
			delete(h, name)
		}
		return
	}
	address, _, _ = strings.Cut(address, "%") // the zone is of this machine
	switch {
	case address == "":
	case before != "":
		before += ", " + address
	default:
		before = address
	}
	values := [...]string{before, proto, host}
	if before != "" {
		h["X-Forwarded-For"] = values[0:1:1]
	} else {
		delete(h, "X-Forwarded-For")
	}
	h["X-Forwarded-Proto"] = values[1:2:2]
	h["X-Forwarded-Host"] = values[2:3:3]
}

func last(values []string, otherwise string) string {
	if len(values) == 0 || values[len(values)-1] == "" {
		return otherwise
	}
	return values[len(values)-1]
}

// hostOf is an address as it stands in a request's, without a port that goes without saying.
func hostOf(address string, secure bool) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || secure && port != "443" || !secure && port != "80" {
		return address
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
