package faults

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"github.com/wicketgate/wicketgate/faults/chaos"
	"github.com/wicketgate/wicketgate/internal/oauthtest"
)

// front stands before an OAuth server, over HTTPS: it passes requests on, or answers something else.
type front struct {
	ca     string // the authority of its certificate
	proxy  *chaos.Proxy
	answer atomic.Pointer[http.HandlerFunc] // nil passes on
}

// front runs one, behind a proxy that fails.
func (g *group) front(id *oauthtest.Issuer) *front {
	g.Helper()
	certificate, key := oauthtest.Certificate(g.T, "localhost")
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		g.Fatal(err)
	}
	f := &front{ca: string(certificate)}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer := f.answer.Load(); answer != nil {
			(*answer)(w, r)
			return
		}
		pass(w, r, id)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // those who break off are part of it
	s.StartTLS()
	f.proxy = g.proxy(s.URL)
	g.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return f
}

// pass passes a request on.
func pass(w http.ResponseWriter, r *http.Request, id *oauthtest.Issuer) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, id.URL+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return
	}
	for _, name := range []string{"Authorization", "Content-Type", "Accept"} {
		if v := r.Header.Get(name); v != "" {
			req.Header.Set(name, v)
		}
	}
	res, err := id.Client.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
	w.WriteHeader(res.StatusCode)
	io.Copy(w, res.Body) //nolint:errcheck // whoever asks may be gone
}

// at is an address of it, as the gateway knows it.
func (f *front) at(path string) string { return "https://localhost:" + f.proxy.Port() + path }

// says has it answer something else.
func (f *front) says(answer http.HandlerFunc) func(*check) {
	return func(*check) { f.answer.Store(&answer) }
}

// breaks has the connection to it fail.
func (f *front) breaks(fault chaos.Fault) func(*check) {
	return func(c *check) { c.set(f.proxy, fault) }
}

// mend ends all that.
func (f *front) mend(c *check) {
	f.answer.Store(nil)
	c.set(f.proxy, chaos.Fault{})
}

// wrong answers with a status and a text.
func wrong(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
}

// huge answers with 10 MB.
func huge(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"active":true,"keys":[],"more":"`)
	for range 10 {
		w.Write(bytes.Repeat([]byte("x"), 1<<20)) //nolint:errcheck // whoever asks has enough
	}
	fmt.Fprint(w, `"}`)
}
