package exchange

import (
	"io"
	"net/http"
)

// Response is the upstream's answer on its way back. Its header has been freed of hop-by-hop fields.
type Response struct {
	Status int
	Header http.Header

	// Stream is the body as it arrives. A stage that needs it whole replaces it: Read, then Bytes.
	Stream io.ReadCloser
	Read   bool
	Bytes  []byte
}
