package exchange

import "slices"

// Needs is what a stage reads of a request, stated once at load. From the needs of all stages of a route follows
// what is done for its requests: above all whether the body is read at all, or streams past.
type Needs struct {
	Header []string // canonical names; "*" for all of them
	Query  bool
	Body   BodyNeed
	// MaxBody bounds the body in bytes where Body is not None; 0 says nothing. The smallest of a route's stages holds;
	// where all are silent, DefaultMaxBody.
	MaxBody int64
}

// BodyNeed says what a stage reads of the body.
type BodyNeed uint8

// What a stage reads of the body.
const (
	None  BodyNeed = iota // it streams
	Whole                 // its bytes, whatever they are
	JSON                  // its bytes, known to be strict JSON (RFC 7493)
)

// Add joins the needs of another stage to n.
func (n *Needs) Add(o Needs) {
	for _, h := range o.Header {
		if !slices.Contains(n.Header, h) {
			n.Header = append(n.Header, h)
		}
	}
	n.Query = n.Query || o.Query
	n.Body = max(n.Body, o.Body)
	if o.Body != None && o.MaxBody != 0 && (n.MaxBody == 0 || o.MaxBody < n.MaxBody) {
		n.MaxBody = o.MaxBody
	}
}
