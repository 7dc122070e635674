package attacks

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// answer is what came back: of an HTTP answer the status, header and body; otherwise how it ended, "closed" or "reset CODE".
type answer struct {
	status int
	header http.Header
	body   string
	end    string
}

func (a answer) String() string {
	if a.end != "" {
		return a.end
	}
	return fmt.Sprintf("%d %v %.600s", a.status, a.header, a.body)
}

// patience is how long an answer may take: on machines that are slow.
const patience = 30 * time.Second

// request is one in the words of the table, to be sent over any protocol.
type request struct {
	method, target string
	fields         []field
	body           string
}

type field struct{ name, value string }

// parse reads a cell: the request line, the fields, and behind an empty line the body.
func (v *values) parse(cell, as string) request {
	var r request
	parts := lines(cell)
	for i, line := range parts {
		if i > 0 && line == "" {
			r.body = v.expand(strings.Join(parts[i+1:], "\r\n"))
			parts = parts[:i]
			break
		}
	}
	v.body = r.body
	r.method, r.target, _ = strings.Cut(v.expand(parts[0]), " ")
	if as != "" {
		parts = append(parts, as)
	}
	for _, line := range parts[1:] {
		for one := range strings.SplitSeq(v.expand(line), rowEnd) {
			name, value, _ := strings.Cut(one, ":")
			r.fields = append(r.fields, field{name, strings.TrimPrefix(value, " ")})
		}
	}
	return r
}

// has says whether the request has a field, however it is spelt.
func (r request) has(name string) bool {
	for _, f := range r.fields {
		if strings.EqualFold(f.name, name) {
			return true
		}
	}
	return false
}

// http1 is the request as it is written in HTTP/1.1, with what every request needs where it does not say otherwise.
func (r request) http1(host string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.method, r.target)
	if !r.has("Host") {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	for _, f := range r.fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
	}
	if !r.has("Connection") {
		b.WriteString("Connection: close\r\n")
	}
	if r.body != "" && !r.has("Content-Length") && !r.has("Transfer-Encoding") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	return b.String() + "\r\n" + r.body
}

// door is a way in: a port, and who comes by what certificate.
type door struct {
	g           *gateway
	port        int
	certificate *tls.Certificate
}

// host is the authority that clients ask for.
func (d door) host() string { return address(d.port) }

// tls is how clients speak TLS there, and a protocol over it.
func (d door) tls(protocol string) *tls.Config {
	c := d.g.TLS()
	c.ServerName, c.NextProtos = "localhost", []string{protocol}
	if d.certificate != nil {
		c.Certificates = []tls.Certificate{*d.certificate}
	}
	return c
}

// dial opens a TLS connection that speaks a protocol.
func (d door) dial(protocol string) *tls.Conn {
	d.g.t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", address(d.port), d.tls(protocol))
	if err != nil {
		d.g.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // it has just been opened
	return c
}

// http1 sends bytes, and gives so many answers as are expected; the last may be that the connection is closed.
func (d door) http1(sent string, expected int) []answer {
	d.g.t.Helper()
	c := d.dial("http/1.1")
	defer c.Close() //nolint:errcheck // nothing more is wanted of it
	go func() {
		sent, ends := strings.CutSuffix(sent, hangsUp)
		io.WriteString(c, sent) //nolint:errcheck // the gateway may have answered before it read all
		if ends {
			c.CloseWrite() //nolint:errcheck // the next read tells
		}
	}()
	method, _, _ := strings.Cut(sent, " ")
	return answers1(bufio.NewReader(c), method, expected)
}

// answers1 reads answers.
func answers1(r *bufio.Reader, method string, expected int) []answer {
	var all []answer
	for len(all) < expected {
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			all = append(all, answer{end: ended(err)})
			break
		}
		body, err := io.ReadAll(res.Body)
		a := answer{status: res.StatusCode, header: res.Header, body: string(body)}
		if err != nil {
			a.end = fmt.Sprintf("%d, then %s", res.StatusCode, ended(err))
		}
		if res.StatusCode == http.StatusContinue {
			continue
		}
		all = append(all, a)
	}
	return all
}

// ended tells how a connection ended.
func ended(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "nothing came"
	}
	return "closed (" + err.Error() + ")"
}
