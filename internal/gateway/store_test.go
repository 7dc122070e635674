package gateway

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// store is a service of documents with strong entity tags, over real TLS.
type store struct {
	*httptest.Server
	mu    sync.Mutex
	docs  map[string]string
	state map[string]int // of each document, how often it was written
	asked []string       // the method and the preconditions of each request

	// answer, where set, answers in the place of the service; before is told of each request before it is looked at.
	answer func(w http.ResponseWriter, r *http.Request) bool
	before func(r *http.Request)
}

func newStore(t *testing.T) *store {
	s := &store{docs: map[string]string{}, state: map[string]int{}}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *store) put(path, doc string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[path], s.state[path] = doc, s.state[path]+1
}

func (s *store) get(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.docs[path]
}

func (s *store) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	asked := r.Method
	for _, name := range []string{"If-Match", "If-None-Match", "If-Unmodified-Since", "Range", "Content-Digest"} {
		if v := r.Header.Get(name); v != "" {
			asked += " " + name + ": " + v
		}
	}
	s.asked = append(s.asked, asked)
	s.mu.Unlock()
	if s.before != nil {
		s.before(r)
	}
	if s.answer != nil && s.answer(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := r.URL.Path
	doc, there := s.docs[path]
	tag := `"` + strconv.Itoa(s.state[path]) + `"`
	h := w.Header()
	if m := r.Header.Get("If-Match"); m != "" && (!there || m != "*" && m != tag) || r.Header.Get("If-None-Match") == "*" && there {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	status := http.StatusOK
	switch r.Method {
	case http.MethodGet:
		if !there {
			w.WriteHeader(http.StatusNotFound)
			return
		}
	case http.MethodPut:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if !there {
			status = http.StatusCreated
		}
		s.docs[path], s.state[path] = string(body), s.state[path]+1
		doc, tag = string(body), `"`+strconv.Itoa(s.state[path])+`"`
	}
	h.Set("Etag", tag)
	h.Set("Last-Modified", "Wed, 01 Jul 2026 00:00:00 GMT")
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, doc)
}

// over is an upstream that sends requests on to a server.
type over struct {
	address string
	client  *http.Client
}

func (u over) Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error {
	req := r.Clone(r.Context())
	at, err := url.Parse(u.address)
	if err != nil {
		return err
	}
	req.URL.Scheme, req.URL.Host, req.RequestURI = at.Scheme, at.Host, ""
	maps.Copy(req.Header, x.Forward)
	res, err := u.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	back := &exchange.Response{Status: res.StatusCode, Header: res.Header, Stream: res.Body}
	if prob := x.Back.Return(x, back); prob != nil {
		return prob
	}
	maps.Copy(w.Header(), back.Header)
	w.Header().Del("Content-Length")
	w.WriteHeader(back.Status)
	if back.Read {
		_, err = w.Write(back.Bytes)
	} else {
		_, err = io.Copy(w, back.Stream)
	}
	return err
}
