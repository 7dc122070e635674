package policy

import (
	"maps"
	"net/textproto"
	"slices"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// reach is what a query can read of input in parts: only these are built, and only if the body is among them is it
// read at all.
type reach struct {
	parts       part
	headers     map[string]struct{} // names in lower case, where parts has partHeaders
	everyHeader bool
}

// inParts gives the parts that hold what is reached.
func (r *Reach) inParts() reach {
	to := reach{}
	for _, p := range parts {
		at := r.input.at(p.path...)
		if at == nil {
			continue
		}
		to.parts |= p.part
		if p.part == partHeaders {
			if to.everyHeader = at.whole; !at.whole {
				to.headers = map[string]struct{}{}
				for _, name := range at.names() {
					to.headers[name] = struct{}{}
				}
			}
		}
	}
	return to
}

// needs is reach in the words of the pipeline.
func (r reach) needs() exchange.Needs {
	n := exchange.Needs{Query: r.parts&partQuery != 0}
	if r.parts&partHeaders != 0 {
		if r.everyHeader {
			n.Header = []string{"*"}
		}
		for _, name := range slices.Sorted(maps.Keys(r.headers)) {
			n.Header = append(n.Header, textproto.CanonicalMIMEHeaderKey(name))
		}
	}
	if r.parts&partBody != 0 {
		n.Body = exchange.JSON
	}
	return n
}
