package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestNoted has an answer noted once: by what notes it on its way already, as the access log's does, or else by the gateway's own.
func TestNoted(t *testing.T) {
	type logged struct{ Answering }
	behind := httptest.NewRecorder()
	log := &logged{Answering{ResponseWriter: behind}}
	for name, w := range map[string]http.ResponseWriter{"the log's": log, "none": httptest.NewRecorder()} {
		s := &served{}
		to := s.to(w)
		if (to == w) != (name == "the log's") {
			t.Errorf("%s: goes through %T", name, to)
		}
		to.WriteHeader(http.StatusTeapot)
		if _, err := io.WriteString(to, "short"); err != nil {
			t.Fatal(err)
		}
		if s.answer.Status != http.StatusTeapot || s.answer.Bytes != 5 {
			t.Errorf("%s: noted are %d, %d bytes", name, s.answer.Status, s.answer.Bytes)
		}
	}
	if log.Status != http.StatusTeapot || log.Bytes != 5 || behind.Code != http.StatusTeapot || behind.Body.String() != "short" {
		t.Errorf("the log noted %d, %d bytes; answered is %d %q", log.Status, log.Bytes, behind.Code, behind.Body)
	}
}
