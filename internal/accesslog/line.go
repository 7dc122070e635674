package accesslog

import (
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

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
	Name   string // in canonical spelling
	Values []string
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
	b := line{to, p, l.Selected != nil}
	b.raw(`{"level":"`).raw(l.Level).raw(`","ts":`).seconds(l.Time.UnixNano())
	if l.Logger != "" {
		b.raw(`,"logger":"`).escaped(l.Logger).raw(`"`)
	}
	b.raw(`,"msg":"`).escaped(l.Message).raw(`"`) // of which there are a few
	b.request(l)
	b.number(`,"bytes_read":`, l.Read)
	b.text(`,"user_id":"`, l.User)
	b.raw(`,"duration":`).seconds(int64(l.Took))
	b.number(`,"size":`, l.Size)
	b.number(`,"status":`, l.Status)
	if l.Selected == nil {
		b.raw(`,"resp_headers":`).header(l.Answer, l.Shown)
	}
	if l.Trace != "" {
		b.raw(`,"traceID":"`).escaped(l.Trace).raw(`","spanID":"`).escaped(l.Span).raw(`"`)
	}
	if l.Matchers != nil {
		b.raw(`,"api_policy_matchers":`).texts(l.Matchers)
	}
	if l.Facts != nil {
		b.raw(`,"api_gateway":`).facts(l.Facts)
	}
	return append(b.to, "}\n"...)
}

// line is one that is being written.
type line struct {
	to     []byte
	places *conceal.Places
	exact  bool // times as they are, not as the nearest number of 64 bits: it is cheaper, too
}

func (b *line) raw(text string) *line {
	b.to = append(b.to, text...)
	return b
}

// seconds writes a time that is given in nanoseconds.
func (b *line) seconds(nanos int64) {
	const second = int64(time.Second)
	if !b.exact || nanos < 0 {
		b.to = strconv.AppendFloat(b.to, float64(nanos)/float64(second), 'f', -1, 64)
		return
	}
	b.to = strconv.AppendInt(b.to, nanos/second, 10)
	rest := nanos % second
	if rest == 0 {
		return
	}
	var fraction [9]byte
	last := 0
	for i := len(fraction) - 1; i >= 0; i-- {
		fraction[i] = digits[rest%10]
		if rest /= 10; last == 0 && fraction[i] != '0' {
			last = i + 1
		}
	}
	b.to = append(append(b.to, '.'), fraction[:last]...)
}

func (b *line) number(member string, n int) {
	b.to = strconv.AppendInt(append(b.to, member...), int64(n), 10)
}

// text writes a member, whose name opens the text, without credentials.
func (b *line) text(member, value string) {
	b.raw(member).escaped(b.places.Text(value)).raw(`"`)
}

func (b *line) texts(values []string) {
	b.raw("[")
	for i, value := range values {
		opens := `,"`
		if i == 0 {
			opens = `"`
		}
		b.text(opens, value)
	}
	b.raw("]")
}

func (b *line) request(l *Line) {
	r := &l.Request
	ip, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		ip, port = r.Address, ""
	}
	b.raw(`,"request":{"remote_ip":"`).escaped(ip).raw(`","remote_port":"`).escaped(port)
	if r.ClientIP != "" {
		b.raw(`","client_ip":"`).escaped(r.ClientIP)
	}
	b.raw(`","proto":"`).escaped(r.Proto).raw(`"`)
	b.text(`,"method":"`, r.Method)
	b.text(`,"host":"`, r.Host)
	b.text(`,"uri":"`, r.URI)
	b.raw(`,"headers":`)
	if r.Selected == nil {
		b.header(r.Header, l.Shown)
	} else {
		b.selected(r.Selected)
	}
	if r.Encoding != nil {
		b.raw(`,"transfer_encoding":`).texts(r.Encoding)
	}
	if t := r.TLS; t != nil {
		b.raw(`,"tls":{"resumed":`)
		b.to = strconv.AppendBool(b.to, t.DidResume)
		b.number(`,"version":`, int(t.Version))
		b.number(`,"cipher_suite":`, int(t.CipherSuite))
		b.text(`,"proto":"`, t.NegotiatedProtocol)
		b.text(`,"server_name":"`, t.ServerName)
		b.raw(`,"ech":`)
		b.to = strconv.AppendBool(b.to, t.ECHAccepted)
		if len(t.PeerCertificates) > 0 {
			b.text(`,"client_common_name":"`, t.PeerCertificates[0].Subject.CommonName)
			b.text(`,"client_serial":"`, t.PeerCertificates[0].SerialNumber.String())
		}
		b.raw("}")
	}
	b.raw("}")
}

func (b *line) header(h http.Header, shown bool) {
	b.raw("{")
	comma := false
	for name, values := range h {
		b.field(name, values, shown, comma)
		comma = true
	}
	b.raw("}")
}

func (b *line) selected(fields []Values) {
	b.raw("{")
	comma := false
	for i := range fields {
		if f := &fields[i]; f.Values != nil {
			b.field(f.Name, f.Values, false, comma)
			comma = true
		}
	}
	b.raw("}")
}

func (b *line) field(name string, values []string, shown, comma bool) {
	if comma {
		b.raw(",")
	}
	b.raw(`"`).escaped(name).raw(`":`)
	if !shown && standard(name) || b.places.Field(name) {
		b.raw(`["` + conceal.Redacted + `"]`)
		return
	}
	b.texts(values)
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

func (b *line) facts(told *Facts) {
	opens := `{"`
	member := func(name string) *line {
		b.raw(opens).raw(name).raw(`":`)
		opens = `,"`
		return b
	}
	for i := range Fields {
		f := &Fields[i]
		switch {
		case f.Text != nil:
			switch text := f.Text(told); {
			case text == "":
			case f.Theirs:
				member(f.Name).text(`"`, text)
			default:
				member(f.Name).raw(`"`).escaped(text).raw(`"`)
			}
		case f.List != nil:
			if list := f.List(told); list != nil {
				member(f.Name).texts(list)
			}
		case f.Number != nil:
			if n, ok := f.Number(told); ok {
				member(f.Name).number("", n)
			}
		default:
			if d, ok := f.Took(told); ok {
				member(f.Name).seconds(int64(d))
			}
		}
	}
	if opens == `{"` {
		b.raw("{")
	}
	b.raw("}")
}
