package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// service is where the gateways' configurations send requests.
const service = "127.0.0.1:29000"

// serve is the service of the load generator: a GET is answered with about 1 KB of JSON, a POST with its own body.
func serve() error {
	items := make([]string, 13)
	for i := range items {
		items[i] = fmt.Sprintf(`{"id":%d,"name":"item-%03d","price":%d.50,"tags":["a","b"],"active":true}`, i, i, 10+i)
	}
	page := []byte(`{"status":"ok","items":[` + strings.Join(items, ",") + `],"page":1}`)
	length := strconv.Itoa(len(page))
	server := &http.Server{Addr: service, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body) // all of it: with the first byte of an answer Go's server lets go of the rest
			if err != nil {
				return
			}
			w.Write(body) //nolint:errcheck // whoever asks sees that it is cut off
			return
		}
		w.Header().Set("Content-Length", length)
		w.Write(page) //nolint:errcheck // as above
	})}
	return server.ListenAndServe()
}
