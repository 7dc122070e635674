package integration

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// maxPairs bounds the fields of a form that is read.
const maxPairs = 10_000

// Reader reads answers as JSON.
type Reader struct {
	Form  string           // of successes: "json", "form" or "xml"
	XML   *xmlform.Foreign // of answers in XML
	Lists []string         // fields of a form that are lists, however many there are
}

// wanted is what Accept says.
func (d *Reader) wanted() string {
	switch d.Form {
	case "xml":
		return "application/xml, text/xml;q=0.9"
	case "form":
		return "application/x-www-form-urlencoded, text/plain;q=0.9"
	}
	return ""
}

// changes says whether what is read is other than what came.
func (d *Reader) changes() bool { return d.Form == "xml" || d.Form == "form" }

// success reads an answer that has to be in the form.
func (d *Reader) success(h http.Header, body []byte) ([]byte, error) {
	kind := h.Get("Content-Type")
	if !d.fits(kind) {
		return nil, fmt.Errorf("it is %q, not %s", kind, called[d.Form])
	}
	return d.read(d.Form, body, maxAnswer)
}

// called are the forms as the log has them.
var called = map[string]string{"json": "JSON", "xml": "XML", "form": "a form"}

func (d *Reader) fits(kind string) bool {
	switch d.Form {
	case "xml":
		return form.IsXML(kind)
	case "form":
		return form.IsURLEncoded(kind) || form.IsPlain(kind) // many who answer in forms call them that
	}
	return form.IsJSON(kind)
}

// failure reads an answer that is no success, in whatever form it says that it is. It may have none that can be read.
func (d *Reader) failure(h http.Header, body []byte) ([]byte, error) {
	switch kind := h.Get("Content-Type"); {
	case form.IsXML(kind):
		return d.read("xml", body, maxAnswer)
	case form.IsURLEncoded(kind), d.Form == "form" && form.IsPlain(kind):
		return d.read("form", body, maxAnswer)
	}
	return d.read("json", body, maxAnswer)
}

func (d *Reader) read(as string, body []byte, limit int) ([]byte, error) {
	switch as {
	case "xml":
		return d.XML.Decode(nil, body, limit)
	case "form":
		return decodeForm(body, d.Lists, limit)
	}
	return body, jsonspan.Check(body, jsonspan.Bounds{})
}

// decodeForm reads a form as an object: a field that stands more than once, or is one of lists, is a list of texts.
func decodeForm(body []byte, lists []string, limit int) ([]byte, error) {
	values := make(map[string][]string)
	var order []string
	for _, name := range lists {
		values[name], order = []string{}, append(order, name)
	}
	n := 0
	for pair := range strings.SplitSeq(strings.TrimRight(string(body), "\r\n"), "&") {
		if pair == "" {
			continue
		}
		if n++; n > maxPairs {
			return nil, fmt.Errorf("it has more than %d fields", maxPairs)
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, errors.New("it is no form: a percent sign is not followed by two hexadecimal digits")
		}
		if values[name] == nil {
			order = append(order, name)
		}
		values[name] = append(values[name], value)
	}
	doc := []byte{'{'}
	for i, name := range order {
		if i > 0 {
			doc = append(doc, ',')
		}
		doc = append(jsonspan.AppendQuote(doc, name), ':')
		list := len(values[name]) != 1 || i < len(lists)
		if list {
			doc = append(doc, '[')
		}
		for k, value := range values[name] {
			if k > 0 {
				doc = append(doc, ',')
			}
			doc = jsonspan.AppendQuote(doc, value)
		}
		if list {
			doc = append(doc, ']')
		}
	}
	if doc = append(doc, '}'); len(doc) > limit {
		return nil, errTooLarge
	}
	return doc, jsonspan.Check(doc, jsonspan.Bounds{})
}
