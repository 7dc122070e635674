package webform

import "errors"

// Pairs are fields that are read one by one: of a query, which is written as a form is.
type Pairs struct {
	fields
}

// Pairs begins to read fields of the shape.
func (s *Shape) Pairs() *Pairs { return &Pairs{fields{shape: s}} }

// Add takes a field, decoded; nil where nothing is wrong with it.
func (p *Pairs) Add(name, text string) *Error { return p.add(name, value{text: []byte(text)}) }

// Document gives the JSON form of all fields, strict JSON of at most limit bytes.
func (p *Pairs) Document(limit int64) ([]byte, *Error) {
	doc, err := p.document(&Form{}, limit)
	var mistake *Error
	switch {
	case err == nil:
		return doc, nil
	case errors.As(err, &mistake):
		return nil, mistake
	}
	return nil, &Error{Detail: err.Error(), Large: true}
}
