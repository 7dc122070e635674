package problem

import (
	"strings"

	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// ContentTypeXML is the media type of a problem in XML (RFC 9457, appendix B).
const ContentTypeXML = "application/problem+xml"

// maxXML bounds a problem in XML, in bytes: 1 MiB. A larger one is written in JSON.
const maxXML = 1 << 20

var xmlWriter = xmlform.NewProblemWriter()

// prefersXML says whether a caller with this Accept would rather have XML than JSON. Any format built on the one or the
// other speaks for it (RFC 6839); browsers, which list XML besides HTML, get JSON.
func prefersXML(accept []string) bool {
	const unnamed = -1
	inJSON, inXML := unnamed, unnamed
	all, some := 0, unnamed // what */* and application/* say of a form that is not named
	for mediaRange, weight := range form.Ranges(accept) {
		kind := strings.ToLower(mediaRange)
		switch {
		case kind == "text/html" || kind == "application/xhtml+xml":
			return false
		case form.IsJSON(kind):
			inJSON = max(inJSON, weight)
		case form.IsXML(kind):
			inXML = max(inXML, weight)
		case kind == "*/*":
			all = weight
		case kind == "application/*":
			some = weight
		}
	}
	if some == unnamed {
		some = all
	}
	if inJSON == unnamed {
		inJSON = some
	}
	if inXML == unnamed {
		inXML = some
	}
	return inXML > inJSON
}

// appendXML appends the XML form of a problem's JSON. A text that XML cannot carry is an error.
func appendXML(dst, doc []byte) ([]byte, error) {
	return xmlWriter.Encode(dst, doc, maxXML)
}
