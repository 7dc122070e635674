package proxy

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"

	"github.com/wicketgate/wicketgate/internal/http1"
)

// informing passes answers with a status of 1xx on, as early hints are (RFC 8297).
func informing(w http.ResponseWriter) http1.Informed {
	return func(status int, header textproto.MIMEHeader) {
		h := w.Header()
		own := h.Clone()
		theirs := http.Header(header).Clone()
		endToEnd(theirs)
		for name, values := range theirs {
			h[name] = append(h[name], values...)
		}
		w.WriteHeader(status)
		clear(h)
		maps.Copy(h, own)
	}
}

// answer writes an answer. Where it breaks off, what has come of it goes out, and the connection ends.
func answer(w http.ResponseWriter, res *http.Response) {
	defer res.Body.Close() //nolint:errcheck // it has been read, or is given up
	endToEnd(res.Header)
	h := w.Header()
	delete(h, "Server") // the service's is told, and the gateway's name stands in Via
	h["Via"] = append(h["Via"], via(res.ProtoMajor, res.ProtoMinor))
	add(h, res.Header)
	announced := len(res.Trailer)
	if announced > 0 {
		h["Trailer"] = append(h["Trailer"], strings.Join(slices.Sorted(maps.Keys(res.Trailer)), ", "))
	}
	w.WriteHeader(res.StatusCode)
	if err := pass(w, res); err != nil {
		http.NewResponseController(w).Flush() //nolint:errcheck // it breaks off anyway
		panic(http.ErrAbortHandler)
	}
	res.Body.Close() //nolint:errcheck // now, for net/http to read the trailer; what comes before has been read
	if len(res.Trailer) == 0 {
		return
	}
	http.NewResponseController(w).Flush() //nolint:errcheck // has net/http write in chunks, for there is a trailer
	if len(res.Trailer) == announced {
		add(h, res.Trailer)
		return
	}
	for name, values := range res.Trailer {
		h[http.TrailerPrefix+name] = append(h[http.TrailerPrefix+name], values...)
	}
}

// add adds fields. The values are the header's own: Caddy's header handler replaces texts in them where they are, and those
// of an answer may be the ones that all requests share.
func add(to, from http.Header) {
	n := 0
	for _, values := range from {
		n += len(values)
	}
	room := make([]string, 0, n)
	for name, values := range from {
		if before := to[name]; before != nil {
			to[name] = append(before[:len(before):len(before)], values...)
			continue
		}
		at := len(room)
		room = append(room, values...)
		to[name] = room[at:len(room):len(room)]
	}
}

var passing = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// pass passes the body of an answer on: what comes in time goes out in time where the answer has no end that is known, or says
// that it comes bit by bit.
func pass(w http.ResponseWriter, res *http.Response) error {
	if b, ok := res.Body.(*whole); ok {
		_, err := w.Write(b.all)
		return written(err)
	}
	if res.Body == http.NoBody {
		return nil
	}
	flushes := res.ContentLength < 0 || incremental(res.Header)
	var flush func() error
	if flushes {
		flush = http.NewResponseController(w).Flush
		if err := flush(); err != nil && !errors.Is(err, http.ErrNotSupported) { // the header goes out before the body's beginning
			return err
		}
	}
	buffer, _ := passing.Get().(*[32 << 10]byte)
	defer passing.Put(buffer)
	for {
		n, err := res.Body.Read(buffer[:])
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return written(err)
			}
			if flushes {
				if err := flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
					return err
				}
			}
		}
		if err == io.EOF { //nolint:errorlint // whatever else may be called so, only this is the end
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// written lets an answer that must have no body, to a HEAD or a 204, be without one.
func written(err error) error {
	if errors.Is(err, http.ErrBodyNotAllowed) {
		return nil
	}
	return err
}

// incremental says that an answer comes bit by bit: server-sent events, and what says so itself (RFC 10036).
func incremental(h http.Header) bool {
	if v := h["Incremental"]; len(v) > 0 && strings.HasPrefix(strings.TrimLeft(v[0], " "), "?1") {
		return true
	}
	v := h["Content-Type"]
	if len(v) == 0 || !strings.Contains(strings.ToLower(v[0]), "event-stream") {
		return false
	}
	media, _, err := mime.ParseMediaType(v[0])
	return err == nil && media == "text/event-stream"
}
