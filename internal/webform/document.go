package webform

import (
	"errors"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// maxNumber bounds a number, in characters, as in JSON.
const maxNumber = 100

// document is a form being written as JSON.
type document struct {
	dst   []byte
	limit int64
	form  *Form
	way   []string
}

// document gives the JSON form of all fields, strict JSON of at most limit bytes, and notes in the form how they were
// written.
func (f *fields) document(form *Form, limit int64) ([]byte, error) {
	d := document{limit: limit, form: form, dst: []byte{'{'}}
	for i, name := range f.top.names {
		if i > 0 {
			d.dst = append(d.dst, ',')
		}
		d.dst = append(jsonspan.AppendQuote(d.dst, name), ':')
		v := f.shape.root.Members[name]
		if v == nil {
			v = f.shape.root.Rest
		}
		if v == nil {
			v = anyText
		}
		d.way = append(d.way[:0], name)
		if err := d.entry(v, f.top.within[name]); err != nil {
			return nil, err
		}
		if int64(len(d.dst)) > limit {
			return nil, ErrTooLarge
		}
	}
	doc := append(d.dst, '}')
	if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil { // a character that JSON between systems does not have
		var mistake *jsonspan.Error
		if errors.As(err, &mistake) {
			return nil, &Error{Pointer: mistake.Pointer, Detail: mistake.Detail}
		}
		return nil, err
	}
	return doc, nil
}

func (d *document) wrong(detail string) *Error { return misshapen(d.way, detail) }

// within writes what lies in a value.
func (d *document) within(token string, v *xmlform.Value, e *entry) *Error {
	d.way = append(d.way, token)
	err := d.entry(v, e)
	d.way = d.way[:len(d.way)-1]
	return err
}

// entry writes what came under a name.
func (d *document) entry(v *xmlform.Value, e *entry) *Error {
	switch {
	case e.within == nil:
		return d.values(v, e)
	case v.List && items(e.names):
		d.dst = append(d.dst, '[')
		for i, token := range e.names {
			if i > 0 {
				d.dst = append(d.dst, ',')
			}
			if err := d.within(token, inside(v, token), e.within[token]); err != nil {
				return err
			}
		}
		d.dst = append(d.dst, ']')
		d.form.note(d.way, numbered)
		return nil
	case !v.Object:
		return d.wrong("has items that are numbered from 0 on, in their order")
	}
	d.dst = append(d.dst, '{')
	for i, token := range e.names {
		if i > 0 {
			d.dst = append(d.dst, ',')
		}
		d.dst = append(jsonspan.AppendQuote(d.dst, token), ':')
		at := v.Members[token]
		if at == nil {
			at = v.Rest
		}
		if at == nil {
			at = anyText
		}
		if err := d.within(token, at, e.within[token]); err != nil {
			return err
		}
	}
	d.dst = append(d.dst, '}')
	return nil
}

// items says whether names are the numbers of a list's items, in their order.
func items(names []string) bool {
	for i, name := range names {
		if name != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

func (d *document) values(v *xmlform.Value, e *entry) *Error {
	list := v.List && (e.bracket || !v.Scalar() || len(e.values) > 1)
	if one := e.values[0]; list && one.json && !e.bracket && len(e.values) == 1 {
		list = !isList(one.text) // it is the whole of it
	}
	if !list {
		switch {
		case e.bracket:
			return d.wrong("takes one value")
		case len(e.values) > 1:
			err := d.wrong("is there " + strconv.Itoa(len(e.values)) + " times and takes one value")
			err.Twice = true
			return err
		}
		return d.value(v, e.values[0])
	}
	d.dst = append(d.dst, '[')
	for i, one := range e.values {
		if i > 0 {
			d.dst = append(d.dst, ',')
		}
		at := v.Items
		if at == nil {
			at = anyText
		}
		d.way = append(d.way, strconv.Itoa(i))
		err := d.value(at, one)
		if d.way = d.way[:len(d.way)-1]; err != nil {
			return err
		}
	}
	d.dst = append(d.dst, ']')
	if e.bracket {
		d.form.note(d.way, bracketed)
	}
	return nil
}

func isList(json []byte) bool {
	i := jsonspan.Space(json, 0)
	return i < len(json) && json[i] == '['
}

// value writes one value: what could be several is the first of a number, a boolean, null and a text.
func (d *document) value(v *xmlform.Value, one value) *Error {
	text := string(one.text)
	switch {
	case one.file != nil:
		return d.file(v, one.file)
	case one.json:
		d.dst = append(d.dst, one.text...)
		d.form.note(d.way, inJSON)
	case v.Number && numeral(text), v.Boolean && (text == "true" || text == "false"):
		d.dst = append(d.dst, text...)
	case v.Text:
		d.dst = jsonspan.AppendQuote(d.dst, text)
	case text == "" && v.Null:
		d.dst = append(d.dst, "null"...)
	case v.Number:
		return d.wrong("must be a number, in digits")
	case v.Boolean:
		return d.wrong("must be true or false")
	case v.Object:
		return d.wrong("is an object, whose members are written with brackets: name[member]")
	case v.List:
		return d.wrong("is a list within a list, which a form does not have")
	case v.Null:
		return d.wrong("must be empty")
	default:
		return d.wrong("may not be there")
	}
	return nil
}

// numeral says whether a text is a number that every reader of forms reads alike: in digits, as JSON spells it, without an
// exponent.
func numeral(text string) bool {
	for i := range len(text) {
		if text[i]|0x20 == 'e' {
			return false
		}
	}
	return jsonspan.IsNumber([]byte(text), maxNumber)
}
