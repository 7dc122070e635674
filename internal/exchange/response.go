package exchange

import (
	"io"
	"net/http"
)

// Head is how much of an answer that is changed as it arrives has come before anything of it goes out: 16 KiB. One that
// ends within is changed whole, and what is wrong in one so short, or at the start of a longer one, is a problem in its
// place.
const Head = 16 << 10

// Response is the upstream's answer on its way back. Its header has been freed of hop-by-hop fields.
type Response struct {
	Status int
	Header http.Header

	// Stream is the body as it arrives, nil where there is none. Where it has been read whole, Read says so, and Bytes
	// takes its place.
	Stream io.ReadCloser
	Read   bool
	Bytes  []byte

	// Replaced says that Stream is no longer what the service sends.
	Replaced bool

	// Seen, where a stage sets it, is given the body as it goes out, by whoever sends it. It is for an answer whose Stream
	// is not known.
	Seen Seen

	// Obliged is what a policy obliges to and has still to be done to the body, by the stage that changes it next; nil
	// for nothing.
	Obliged *Obliged
}

// Seen is who only looks at a body that passes.
type Seen interface {
	// Write never fails, and keeps nothing of what it is given but a copy.
	io.Writer
	// End says that the body has ended, or broken off.
	End(whole bool)
}

// Replace puts another body in the place of the one that arrives. It closes the other where it is closed.
func (r *Response) Replace(body io.ReadCloser) { r.Stream, r.Replaced = body, true }

// Reads says what is read of an answer's body on the way back. A body of which anything is read is asked for as a
// whole, and in no content coding.
type Reads struct {
	Body  bool  // it is read
	Whole int64 // it is needed at once, and has at most so many bytes; 0 lets it be read as it arrives
}

// Add joins what another stage reads to r.
func (r *Reads) Add(o Reads) {
	r.Body = r.Body || o.Body
	r.Whole = max(r.Whole, o.Whole)
}

// Received is a third party's answer as expressions see it.
type Received struct {
	Status int
	Header http.Header
	Body   []byte
	Valid  bool // Body is strict JSON (RFC 7493)
}
