package integration

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

var (
	errNoObject = errors.New("a form is made of an object")
	errTooLarge = errors.New("the body that would be sent is too large")
)

// encodeForm writes a JSON object as a form: a member of a member is a[b], the items of a list are a[0], a[1]; null is an
// empty value, and an object or a list with nothing in it is left out. doc is strict JSON, which bounds its depth.
func encodeForm(doc []byte, limit int) ([]byte, error) {
	i := jsonspan.Space(doc, 0)
	if i >= len(doc) || doc[i] != '{' {
		return nil, errNoObject
	}
	f := &former{limit: limit}
	for name, value := range jsonspan.Members(doc) {
		if err := f.put(url.QueryEscape(jsonspan.Text(name)), value); err != nil {
			return nil, err
		}
	}
	return f.out, nil
}

type former struct {
	out   []byte
	limit int
}

func (f *former) put(name string, value []byte) error {
	if len(f.out)+len(name) > f.limit { // names grow with the depth
		return errTooLarge
	}
	switch value[0] {
	case '{':
		for member, inner := range jsonspan.Members(value) {
			if err := f.put(name+"%5B"+url.QueryEscape(jsonspan.Text(member))+"%5D", inner); err != nil {
				return err
			}
		}
		return nil
	case '[':
		n := 0
		for item := range jsonspan.Items(value) {
			if err := f.put(name+"%5B"+strconv.Itoa(n)+"%5D", item); err != nil {
				return err
			}
			n++
		}
		return nil
	}
	if len(f.out) > 0 {
		f.out = append(f.out, '&')
	}
	f.out = append(append(f.out, name...), '=')
	switch value[0] {
	case '"':
		f.out = append(f.out, url.QueryEscape(jsonspan.Text(value))...)
	case 'n':
	default:
		f.out = append(f.out, url.QueryEscape(string(value))...)
	}
	if len(f.out) > f.limit {
		return errTooLarge
	}
	return nil
}
