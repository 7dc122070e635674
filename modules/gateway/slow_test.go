package gateway_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// TestBodyKeptBack announces a body and does not send it. Who is refused without it gets the answer all the same, and
// the connection does not stay.
func TestBodyKeptBack(t *testing.T) {
	s := start(t)
	for name, test := range map[string]struct {
		field string
		want  int
	}{
		"no credentials":       {"X-Other: 1", 401},
		"a body above all":     {"X-API-Key: " + acme + "\r\nContent-Length: 9999999", 413},
		"an ambiguous request": {"X-API-Key: " + acme + "\r\nX-API-Key: " + globex, 400},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: s.roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			length := "\r\nContent-Length: 100"
			if test.want == 413 {
				length = ""
			}
			fmt.Fprintf(c, "POST /api/v2/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s%s\r\n\r\n{", test.field, length)
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			r := bufio.NewReader(c)
			res, err := http.ReadResponse(r, nil)
			if err != nil || res.StatusCode != test.want {
				t.Fatalf("got %v, %v", res, err)
			}
			io.Copy(io.Discard, res.Body)
			if _, err := r.ReadByte(); err != io.EOF {
				t.Errorf("the connection stays: %v", err)
			}
		})
	}
	if a := s.do(s.client(false), "GET", "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme); a.status != 200 {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}
