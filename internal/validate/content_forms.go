package validate

import (
	"errors"
	"slices"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/webform"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// The media types of forms, and those of XML (RFC 7303, section 9).
const (
	urlencoded = "application/x-www-form-urlencoded"
	multipart  = "multipart/form-data"
)

var xmlTypes = []string{"application/xml", "text/xml"}

// others makes the readers of what is no JSON, and gives its media types.
func (c *Content) others() (types []string) {
	c.readers = make(map[string]func(*exchange.Exchange) *problem.Problem)
	if c.config.XML != nil {
		types = slices.Clone(xmlTypes)
		for _, name := range xmlTypes {
			c.readers[name] = c.readXML
		}
	}
	if c.config.Form != nil {
		types = append(types, urlencoded)
		c.readers[urlencoded] = c.readForm
	}
	if c.config.Multipart != nil {
		types = append(types, multipart)
		c.readers[multipart] = c.readMultipart
	}
	return types
}

// readXML puts strict JSON in the place of a body in XML. One that is not well-formed, or not in the part of XML that
// is taken, is a 400; one that is not what the schema describes, so that no JSON can be made of it, a 422.
func (c *Content) readXML(x *exchange.Exchange) *problem.Problem {
	doc, err := c.config.XML.Decode(nil, x.Body.Bytes, int(c.limit()))
	var mistake *xmlform.Error
	switch {
	case errors.As(err, &mistake):
		if len(mistake.Pointer) > maxPointer {
			mistake.Pointer = ""
		}
		kind, detail := problem.InvalidBody, mistake.Error()
		if mistake.Shape {
			kind, detail = problem.InvalidContent, ""
		}
		return problem.New(kind, detail).With("errors", []Error{{Pointer: mistake.Pointer, Detail: mistake.Error()}})
	case err != nil:
		return c.tooLarge()
	}
	x.Body.Replace(doc)
	x.Body.Valid = true
	if c.config.XMLWriter != nil {
		x.Body.Form = xmlBody{c.config.XMLWriter, c.limit()}
	} else {
		x.Header["Content-Type"] = []string{"application/json"}
	}
	return nil
}

func (c *Content) tooLarge() *problem.Problem {
	return problem.New(problem.ContentTooLarge, "the body may have at most "+strconv.FormatInt(c.limit(), 10)+" bytes in JSON, too")
}

// xmlBody writes the body in XML in which it goes on. It has each name twice, and escapes.
type xmlBody struct {
	writer *xmlform.Writer
	max    int64
}

// Write implements exchange.Form.
func (b xmlBody) Write(doc []byte) ([]byte, error) {
	return b.writer.Encode(nil, doc, int(8*b.max)+1024)
}

// readForm puts strict JSON in the place of a form.
func (c *Content) readForm(x *exchange.Exchange) *problem.Problem {
	doc, form, err := c.config.Form.Decode(x.Body.Bytes, c.limit())
	return c.formed(x, doc, form, err)
}

// readMultipart does the same to a form of several parts.
func (c *Content) readMultipart(x *exchange.Exchange) *problem.Problem {
	doc, form, err := c.config.Multipart.Decode(x.Header["Content-Type"][0], x.Body.Bytes, c.limit())
	return c.formed(x, doc, form, err)
}

// formed takes what has been read of a form. One that is not well formed is a 400, one that is not what the schema
// describes a 422, one with a type in it that is not taken a 415, and one with something too large in it a 413.
func (c *Content) formed(x *exchange.Exchange, doc []byte, form *webform.Form, err error) *problem.Problem {
	var mistake *webform.Error
	switch {
	case errors.As(err, &mistake):
		if len(mistake.Pointer) > maxPointer {
			mistake.Pointer = ""
		}
		kind, detail := problem.InvalidBody, mistake.Detail
		switch {
		case mistake.Shape:
			kind, detail = problem.InvalidContent, ""
		case mistake.Media:
			kind, detail = problem.UnsupportedMediaType, "a part of the form has a type that is not taken"
		case mistake.Large:
			kind, detail = problem.ContentTooLarge, "the form has too much in it"
		}
		return problem.New(kind, detail).With("errors", []Error{{Pointer: mistake.Pointer, Detail: mistake.Detail}})
	case err != nil:
		return c.tooLarge()
	}
	x.Body.Replace(doc)
	x.Body.Valid, x.Body.Form = true, form
	if name := form.ContentType(); name != "" {
		x.Header["Content-Type"] = []string{name}
	}
	return nil
}
