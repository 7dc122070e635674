package policy

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// bodied is a place that tells something of the body, by which requests are not told apart: bodies are large, and
// seldom come twice.
type bodied func(*maker) (ast.Value, error)

func (t bodied) build(m *maker) (ast.Value, error) { return t(m) }

func (bodied) key(_ *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) { return b, false }

// checkBody sees to it that a body which the policy reads is there, and is JSON where the policy takes it for that: a
// policy never decides on a part of it, or on nothing in its place.
func (d *document) checkBody(b *exchange.Body) *problem.Problem {
	switch {
	case d.body == exchange.None:
	case !b.Read && b.Stream != nil:
		return problem.New(problem.Internal, "").Because(errors.New("the policy reads the body, and no stage before it has"))
	case d.body == exchange.JSON && len(b.Bytes) > 0 && !b.Valid:
		return problem.New(problem.InvalidBody, "the body must be JSON")
	}
	return nil
}

// jsonBody is the body of the request, nothing where it has none.
func jsonBody(c *cut) part {
	return bodied(func(m *maker) (ast.Value, error) {
		if len(m.x.Body.Bytes) == 0 {
			return nil, nil
		}
		return m.jsonBody(c)
	})
}

func (m *maker) jsonBody(c *cut) (ast.Value, error) {
	if !m.x.Body.Valid {
		return nil, problem.New(problem.InvalidBody, "the body must be JSON")
	}
	if !m.read {
		if err := util.NewJSONDecoder(bytes.NewReader(m.x.Body.Bytes)).Decode(&m.body); err != nil {
			return nil, problem.New(problem.InvalidBody, "").Because(err)
		}
		m.read = true
	}
	v, err := m.json(m.body, c)
	if err != nil {
		return nil, problem.New(problem.InvalidBody, "the body has a number that is too large").Because(err)
	}
	return v, nil
}

// bodyText is the body as it is, nothing where there is none.
func bodyText(*cut) part {
	return bodied(func(m *maker) (ast.Value, error) {
		if len(m.x.Body.Bytes) == 0 {
			return nil, nil
		}
		return ast.String(m.x.Body.Bytes), nil
	})
}

// parsedBody is what opa-envoy-plugin makes of a body: of JSON the value, of a form an object of lists, of anything
// else null. A body that is not what its type says is an error.
func parsedBody(c *cut) part {
	return bodied(func(m *maker) (ast.Value, error) {
		body := &m.x.Body
		if len(body.Bytes) == 0 {
			return ast.NullValue, nil
		}
		if body.Valid {
			return m.jsonBody(c)
		}
		fields := m.x.Header["Content-Type"]
		if len(fields) == 0 {
			return ast.NullValue, nil
		}
		name, params, err := mime.ParseMediaType(fields[0])
		if err != nil || len(fields) > 1 {
			return nil, problem.New(problem.UnsupportedMediaType, "the Content-Type cannot be understood").Because(err)
		}
		var form any
		switch {
		case name == "application/json" || strings.HasSuffix(name, "+json"):
			return m.jsonBody(c) // which nobody before has found to be JSON
		case name == "application/x-www-form-urlencoded":
			form, err = parseForm(body.Bytes)
		case name == "multipart/form-data":
			form, err = parseMultipart(body.Bytes, params["boundary"])
		default:
			return ast.NullValue, nil
		}
		if err != nil {
			return nil, problem.New(problem.InvalidBody, "the body is not the form that its Content-Type says").Because(err)
		}
		return m.json(form, c)
	})
}

func parseForm(body []byte) (any, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	form := make(map[string]any, len(values))
	for name, list := range values {
		items := make([]any, len(list))
		for i, v := range list {
			items[i] = v
		}
		form[name] = items
	}
	return form, nil
}

// maxFormParts bounds the parts of a form in multipart: each is an object of its own in memory.
const maxFormParts = 1000

// parseMultipart reads a form in multipart; parts without a name are passed over, and those that say that they are
// JSON are read as such.
func parseMultipart(body []byte, boundary string) (any, error) {
	if boundary == "" {
		return nil, errors.New("a form in multipart needs a boundary")
	}
	form := map[string]any{}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; ; n++ {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return nil, err
		}
		if n == maxFormParts {
			return nil, errors.New("the form has too many parts")
		}
		name := p.FormName()
		if name == "" {
			continue
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		var value any = string(content)
		if strings.Contains(p.Header.Get("Content-Type"), "application/json") {
			if value, err = strictJSON(content); err != nil {
				return nil, err
			}
		}
		items, _ := form[name].([]any)
		form[name] = append(items, value)
	}
}

func strictJSON(text []byte) (v any, err error) {
	if err := jsonspan.Check(text, jsonspan.Bounds{}); err != nil {
		return nil, err
	}
	err = util.NewJSONDecoder(bytes.NewReader(text)).Decode(&v)
	return v, err
}
