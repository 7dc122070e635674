package integration

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/provider"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// request makes what the third party is asked of the caller's request. What cannot be made is a 422.
func (r *Route) request(x *exchange.Exchange) (*provider.Request, *problem.Problem) {
	q := &provider.Request{Method: r.Method, Header: make(http.Header, len(r.Headers)+2), Accept: r.Reads.wanted(), Template: r.template}
	var err error
	if q.Path, err = r.path(x); err != nil {
		return nil, unsendable("the request cannot be passed on: a part of it has no place in an address", err)
	}
	if q.Query, err = r.query(x); err != nil {
		return nil, unsendable("the request cannot be passed on: a part of it has no place in an address", err)
	}
	for _, c := range r.Headers {
		value, there, err := field(c.Value, x)
		if err != nil {
			return nil, unsendable("the request cannot be passed on: a part of it has no place in a header field", fmt.Errorf("header field %s: %w", c.Name, err))
		}
		if there {
			q.Header[c.Name] = []string{value}
		}
	}
	if r.Key != nil && (r.Method == http.MethodPost || r.Method == http.MethodPatch) { // others may be sent twice as they are
		value, there, err := field(r.Key.Value, x)
		if err != nil || !there || value == "" {
			return nil, unsendable("the request cannot be passed on: no idempotency key can be made of it", fmt.Errorf("idempotency key: %w", errors.Join(err, errNoValue)))
		}
		q.Header[r.Key.Name], q.Keyed = []string{value}, true
	}
	if r.Body {
		if prob := r.body(x, q); prob != nil {
			return nil, prob
		}
	}
	return q, nil
}

func unsendable(detail string, err error) *problem.Problem {
	return problem.New(problem.InvalidContent, detail).Because(err)
}

var (
	errNoValue   = errors.New("there is no value")
	errSegment   = errors.New("a value is empty, a dot segment, or has a character that may not stand in a segment of a path")
	errTooLong   = errors.New("it is too long")
	errUnwritten = errors.New("a value has characters that no header field may have")
)

// path fills the path that is asked for. No value leads out of its segment, however often somebody decodes it.
func (r *Route) path(x *exchange.Exchange) (string, error) {
	var b strings.Builder
	for _, p := range r.Path {
		value := ""
		switch {
		case p.Value != nil:
			v, err := p.Value.String(x)
			if err != nil {
				return "", err
			}
			value = v
		case p.Parameter != "":
			value = x.Parameter(p.Parameter)
		default:
			b.WriteString(p.Text)
			continue
		}
		if value == "" || strings.ContainsAny(value, `/\%`) || strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0 {
			return "", errSegment
		}
		b.WriteString(url.PathEscape(value))
	}
	path := b.String()
	if len(path) > maxAddress {
		return "", errTooLong
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return "", errSegment
		}
	}
	return path, nil
}

func (r *Route) query(x *exchange.Exchange) (string, error) {
	var b strings.Builder
	add := func(name string, value any) error {
		text, ok := rule.Text(value)
		if !ok {
			return fmt.Errorf("query parameter %s: expected a text, a number or a truth value", name)
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(text))
		return nil
	}
	for _, c := range r.Query {
		value, err := c.Value.Value(x)
		if err != nil {
			return "", fmt.Errorf("query parameter %s: %w", c.Name, err)
		}
		switch value := value.(type) {
		case nil:
		case []string:
			for _, one := range value {
				err = errors.Join(err, add(c.Name, one))
			}
		case []any:
			for _, one := range value {
				err = errors.Join(err, add(c.Name, one))
			}
		default:
			err = add(c.Name, value)
		}
		if err != nil {
			return "", err
		}
		if b.Len() > maxAddress {
			return "", errTooLong
		}
	}
	return b.String(), nil
}

// field computes the value of a header field; null leaves it out.
func field(p *rule.Program, x *exchange.Exchange) (value string, there bool, err error) {
	v, err := p.Value(x)
	if err != nil || v == nil {
		return "", false, err
	}
	value, ok := rule.Text(v)
	switch {
	case !ok:
		return "", false, errors.New("expected a text, a number or a truth value")
	case len(value) > maxField:
		return "", false, errTooLong
	case !httpguts.ValidHeaderFieldValue(value) || strings.TrimSpace(value) != value:
		return "", false, errUnwritten
	}
	return value, true, nil
}

// body makes the body of the caller's, which is strict JSON.
func (r *Route) body(x *exchange.Exchange, q *provider.Request) *problem.Problem {
	doc := x.Body.Bytes
	if len(doc) == 0 {
		doc = []byte("{}")
	} else if !x.Body.Valid {
		return problem.New(problem.Internal, "").Because(errors.New("the body was not looked at before it was to be sent"))
	}
	const detail = "the body is not what can be passed on"
	doc, err := r.Request.apply(x, doc)
	if err != nil {
		return unsendable(detail, err)
	}
	switch r.Form {
	case "form":
		q.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
		doc, err = encodeForm(doc, maxSent)
	case "xml":
		q.Header["Content-Type"] = []string{"application/xml"}
		if q.Accept == "" {
			q.Accept = "application/json, application/xml;q=0.5"
		}
		doc, err = r.XML.Encode(nil, doc, maxSent)
	default:
		q.Header["Content-Type"] = []string{"application/json"}
	}
	if err != nil {
		return unsendable(detail, err)
	}
	q.Body = doc
	return nil
}
