package gateway_test

import (
	"io"
	"net"
	"net/http"
	"time"
)

// hijacked is a service that answers on the bare connection, which it then closes.
func hijacked(f func(net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err) // it is asked over HTTP/1.1 only
		}
		f(c)
		c.Close() //nolint:errcheck // it may be gone
	}
}

// say is a service that answers just these bytes.
func say(text string) http.HandlerFunc {
	return hijacked(func(c net.Conn) { io.WriteString(c, text) }) //nolint:errcheck // whoever asks may be gone
}

// drip is a service whose answer comes a byte at a time and never ends.
func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for r.Context().Err() == nil {
		io.WriteString(w, " ") //nolint:errcheck // whoever asks may be gone
		w.(http.Flusher).Flush()
		time.Sleep(10 * time.Millisecond)
	}
}
