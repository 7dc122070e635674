package accesslog

import (
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/wicketgate/wicketgate/internal/conceal"
)

// Line is what is told of a request when it has ended.
type Line struct {
	Level, Logger, Message string
	Time                   time.Time

	Request
	Shown bool // the fields that have credentials by the standards, too

	Read     int // bytes of the body
	User     string
	Took     time.Duration
	Size     int
	Status   int
	Answer   http.Header
	Trace    string // "" for none, and so of the next
	Span     string
	Matchers []string // ids of the decisions that matchers asked for
	Facts    *Facts   // nil where the request did not come to the gateway
}

// Request is a request as it came.
type Request struct {
	Address, ClientIP        string // ClientIP is "" where Caddy does not know it
	Proto, Method, Host, URI string
	Encoding                 []string // of the transfer
	TLS                      *tls.ConnectionState

	Header   http.Header // all of them, or
	Selected []Values    // not nil: these, and none of the answer's
}

// Values are those of a header field.
type Values struct {
	*Name
	Values []string
}

// Name is that of a header field, with what lines that may have the field have of it.
type Name struct {
	Canonical string // spelling

	member   string // its name in a line
	standard bool   // it has credentials by the standards
}

// NewName makes one.
func NewName(field string) *Name {
	field = http.CanonicalHeaderKey(field)
	return &Name{field, string(append(quoted(nil, `"`, field), ':')), standard(field)}
}

// Weight is about how many bytes the line has, give or take what is the same in all.
func (l *Line) Weight() int {
	n := 768 + len(l.URI) + len(l.Host)
	for i := range l.Selected {
		for _, value := range l.Selected[i].Values {
			n += len(value)
		}
	}
	return n
}

// Append writes the line as Caddy's format json does, member by member, without the credentials in it.
func (l *Line) Append(to []byte, p *conceal.Places) []byte {
	b := line{p, l.Selected != nil}
	to = append(append(to, `{"level":"`...), l.Level...)
	to = b.seconds(to, `","ts":`, l.Time.UnixNano())
	if l.Logger != "" {
		to = quoted(to, `,"logger":"`, l.Logger)
	}
	to = quoted(to, `,"msg":"`, l.Message) // of which there are a few
	to = b.request(to, l)
	to = number(to, `,"bytes_read":`, l.Read)
	to = b.text(to, `,"user_id":"`, l.User)
	to = b.seconds(to, `,"duration":`, int64(l.Took))
	to = number(to, `,"size":`, l.Size)
	to = number(to, `,"status":`, l.Status)
	if l.Selected == nil {
		to = b.header(append(to, `,"resp_headers":`...), l.Answer, l.Shown)
	}
	if l.Trace != "" {
		to = quoted(to, `,"traceID":"`, l.Trace)
		to = quoted(to, `,"spanID":"`, l.Span)
	}
	if l.Matchers != nil {
		to = b.texts(append(to, `,"api_policy_matchers":`...), l.Matchers)
	}
	if l.Facts != nil {
		to = b.facts(append(to, `,"api_gateway":`...), l.Facts)
	}
	return append(to, "}\n"...)
}

// line is how one is written.
type line struct {
	places *conceal.Places
	exact  bool // times as they are, not as the nearest number of 64 bits: it is cheaper, too
}

// seconds writes a member with a time that is given in nanoseconds.
func (b *line) seconds(to []byte, member string, nanos int64) []byte {
	const second = int64(time.Second)
	to = append(to, member...)
	if !b.exact || nanos < 0 {
		return strconv.AppendFloat(to, float64(nanos)/float64(second), 'f', -1, 64)
	}
	to = strconv.AppendInt(to, nanos/second, 10)
	rest := uint32(nanos % second) //nolint:gosec // it is less than a second
	if rest == 0 {
		return to
	}
	var fraction [10]byte
	fraction[0] = '.'
	for i := len(fraction) - 1; i > 0; i-- {
		fraction[i] = digits[rest%10]
		rest /= 10
	}
	last := len(fraction)
	for fraction[last-1] == '0' {
		last--
	}
	return append(to, fraction[:last]...)
}

// number writes a member, whose name stands before its value.
func number(to []byte, member string, n int) []byte {
	return strconv.AppendInt(append(to, member...), int64(n), 10)
}

func truth(to []byte, member string, is bool) []byte {
	return strconv.AppendBool(append(to, member...), is)
}

// quoted writes a member, whose name opens the text.
func quoted(to []byte, member, value string) []byte {
	to = append(to, member...)
	if !allOf(&plain, value) {
		return append(escaped(to, value), '"')
	}
	return append(append(to, value...), '"')
}

// identified writes a member, whose name opens the text, with an id (RFC 9562, section 4). The library makes a string of it first.
func identified(to []byte, member string, id uuid.UUID) []byte {
	to = append(to, member...)
	for i, c := range id {
		switch i {
		case 4, 6, 8, 10:
			to = append(to, '-')
		}
		to = append(to, digits[c>>4], digits[c&15])
	}
	return append(to, '"')
}

// text writes a member, whose name opens the text, without credentials.
func (b *line) text(to []byte, member, value string) []byte {
	to = append(to, member...)
	if !allOf(&harmless, value) {
		return append(escaped(to, b.places.Text(value)), '"')
	}
	return append(append(to, value...), '"')
}

func (b *line) texts(to []byte, values []string) []byte {
	opens := `["`
	for _, value := range values {
		to = b.text(to, opens, value)
		opens = `,"`
	}
	if len(values) == 0 {
		to = append(to, '[')
	}
	return append(to, ']')
}

func (b *line) request(to []byte, l *Line) []byte {
	r := &l.Request
	ip, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		ip, port = r.Address, ""
	}
	to = quoted(to, `,"request":{"remote_ip":"`, ip)
	to = quoted(to, `,"remote_port":"`, port)
	if r.ClientIP != "" {
		to = quoted(to, `,"client_ip":"`, r.ClientIP)
	}
	to = quoted(to, `,"proto":"`, r.Proto)
	to = b.text(to, `,"method":"`, r.Method)
	to = b.text(to, `,"host":"`, r.Host)
	to = b.text(to, `,"uri":"`, r.URI)
	to = append(to, `,"headers":`...)
	if r.Selected == nil {
		to = b.header(to, r.Header, l.Shown)
	} else {
		to = b.selected(to, r.Selected)
	}
	if r.Encoding != nil {
		to = b.texts(append(to, `,"transfer_encoding":`...), r.Encoding)
	}
	if t := r.TLS; t != nil {
		to = truth(to, `,"tls":{"resumed":`, t.DidResume)
		to = number(to, `,"version":`, int(t.Version))
		to = number(to, `,"cipher_suite":`, int(t.CipherSuite))
		to = b.text(to, `,"proto":"`, t.NegotiatedProtocol)
		to = b.text(to, `,"server_name":"`, t.ServerName)
		to = truth(to, `,"ech":`, t.ECHAccepted)
		if len(t.PeerCertificates) > 0 {
			to = b.text(to, `,"client_common_name":"`, t.PeerCertificates[0].Subject.CommonName)
			to = b.text(to, `,"client_serial":"`, t.PeerCertificates[0].SerialNumber.String())
		}
		to = append(to, '}')
	}
	return append(to, '}')
}

func (b *line) header(to []byte, h http.Header, shown bool) []byte {
	begin := len(to)
	for name, values := range h {
		to = append(quoted(to, `,"`, name), ':')
		if !shown && standard(name) || b.places.Field(name) {
			to = append(to, concealed...)
		} else {
			to = b.texts(to, values)
		}
	}
	return object(to, begin)
}

func (b *line) selected(to []byte, fields []Values) []byte {
	begin := len(to)
	for i := range fields {
		f := &fields[i]
		if f.Values == nil {
			continue
		}
		to = append(append(to, ','), f.member...)
		if f.standard || b.places.Field(f.Canonical) {
			to = append(to, concealed...)
		} else {
			to = b.texts(to, f.Values)
		}
	}
	return object(to, begin)
}

// concealed is what stands in the place of a field's values.
const concealed = `["` + conceal.Redacted + `"]`

// object makes one of the members from a place on, each of which has a comma before it.
func object(to []byte, begin int) []byte {
	if len(to) == begin {
		return append(to, "{}"...)
	}
	to[begin] = '{' // in the place of the first comma
	return append(to, '}')
}

// standard says whether a field has credentials by the standards: those that Caddy leaves out unless it is told to show them.
func standard(name string) bool {
	switch len(name) { // since most are none, and have another
	case len("Cookie"):
		return strings.EqualFold(name, "Cookie")
	case len("Set-Cookie"):
		return strings.EqualFold(name, "Set-Cookie")
	case len("Authorization"):
		return strings.EqualFold(name, "Authorization")
	case len("Proxy-Authorization"):
		return strings.EqualFold(name, "Proxy-Authorization")
	}
	return false
}

func (b *line) facts(to []byte, told *Facts) []byte {
	begin := len(to)
	for i := range Fields {
		f := &Fields[i]
		switch {
		case f.Text != nil:
			switch said := f.Text(told); {
			case said == "":
			case f.Theirs:
				to = b.text(to, f.opens, said)
			default:
				to = quoted(to, f.opens, said)
			}
		case f.UUID != nil:
			if id := f.UUID(told); id != uuid.Nil {
				to = identified(to, f.opens, id)
			}
		case f.List != nil:
			if list := f.List(told); list != nil {
				to = b.texts(append(to, f.opens...), list)
			}
		case f.Number != nil:
			if n, ok := f.Number(told); ok {
				to = number(to, f.opens, n)
			}
		default:
			if d, ok := f.Took(told); ok {
				to = b.seconds(to, f.opens, int64(d))
			}
		}
	}
	return object(to, begin)
}
