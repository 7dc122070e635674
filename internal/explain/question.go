package explain

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/catalogue"
)

// Question is a request that is to be explained, in the form in which a running gateway is asked.
type Question struct {
	Method  string    `json:"method"` // default: GET
	URL     string    `json:"url"`    // or a path, which goes to the first host of the API that claims it
	Header  []Field   `json:"header,omitempty"`
	Body    []byte    `json:"body,omitempty"`
	From    string    `json:"from,omitempty"`   // the caller's address; default: 192.0.2.1
	At      time.Time `json:"at,omitzero"`      // default: now
	As      *As       `json:"as,omitempty"`     // who calls; nil where the header says so
	Signed  bool      `json:"signed,omitempty"` // a call to a webhook is its sender's, whatever its header fields say
	Status  int       `json:"status,omitempty"`
	Answer  []byte    `json:"answer,omitempty"`
	Text    bool      `json:"text,omitempty"`    // the explanation is wanted as text
	Colours bool      `json:"colours,omitempty"` // for a terminal
}

// Field is a header field.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// As is who calls, in the place of a credential.
type As struct {
	Consumer string          `json:"consumer"`
	Identity string          `json:"identity,omitempty"`
	Scopes   []string        `json:"scopes,omitempty"`
	Groups   []string        `json:"groups,omitempty"`
	Plan     string          `json:"plan,omitempty"`
	Version  string          `json:"version,omitempty"`
	Claims   json.RawMessage `json:"claims,omitempty"`
}

// MaxQuestion bounds a question in JSON, in bytes: 96 MiB, for the largest body that a route may take.
const MaxQuestion = 96 << 20

// Step makes a step of it, as a case would have. The error says what of it no request can be.
func (q *Question) Step() (*catalogue.Step, error) {
	s := &catalogue.Step{Request: catalogue.Request{Method: q.Method, Times: 1, Signed: q.Signed}, At: q.At}
	if s.Request.Method == "" {
		s.Request.Method = http.MethodGet
	}
	if !httpguts.ValidHeaderFieldName(s.Request.Method) {
		return nil, fmt.Errorf("%q is no method", q.Method)
	}
	if s.At.IsZero() {
		s.At = time.Now()
	}
	if err := target(&s.Request, q.URL); err != nil {
		return nil, err
	}
	for _, f := range q.Header {
		if err := field(&s.Request, f.Name, f.Value); err != nil {
			return nil, err
		}
	}
	if q.Body != nil {
		s.Request.Body = content(q.Body)
	}
	from := q.From
	if from == "" {
		from = "192.0.2.1"
	}
	var err error
	if s.Request.Address, err = netip.ParseAddr(from); err != nil {
		return nil, fmt.Errorf("%q is no address", q.From)
	}
	if s.As, err = q.As.caller(); err != nil {
		return nil, err
	}
	return s, q.upstream(s)
}

// upstream says what the upstream answers.
func (q *Question) upstream(s *catalogue.Step) error {
	if q.Status == 0 && q.Answer == nil {
		return nil
	}
	a := &catalogue.Answer{Status: q.Status}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if a.Status < 200 || a.Status > 599 {
		return fmt.Errorf("the upstream's status is 200 to 599, not %d", a.Status)
	}
	if q.Answer != nil {
		a.Body = content(q.Answer)
	}
	s.Upstream = []*catalogue.Answer{a}
	return nil
}

func content(body []byte) *catalogue.Content {
	return &catalogue.Content{Bytes: body, JSON: json.Valid(body)}
}

func (a *As) caller() (*catalogue.Caller, error) {
	if a == nil {
		return nil, nil
	}
	if a.Consumer == "" {
		return nil, errors.New("who calls has no id")
	}
	if a.Claims != nil {
		var object map[string]any
		if err := json.Unmarshal(a.Claims, &object); err != nil || object == nil {
			return nil, errors.New("the claims are no JSON object")
		}
	}
	at := hcl.Range{Filename: "the request"}
	return &catalogue.Caller{Consumer: a.Consumer, Identity: a.Identity, Scopes: a.Scopes, Groups: a.Groups, Plan: a.Plan, Version: a.Version,
		Claims: a.Claims, Range: at, IdentityRange: at}, nil
}

func target(r *catalogue.Request, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Scheme != "" && u.Host == "" || u.Host == "" && !strings.HasPrefix(text, "/") {
		return fmt.Errorf("%q is neither a URL nor a path", text)
	}
	r.Host = u.Host
	u.Fragment, u.RawFragment, u.User, u.Scheme, u.Host = "", "", nil, "", ""
	r.Target = u.RequestURI()
	return nil
}

func field(r *catalogue.Request, name, value string) error {
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return fmt.Errorf("%q is no header field", name)
	}
	if strings.EqualFold(name, "host") {
		r.Host = value
		return nil
	}
	name = http.CanonicalHeaderKey(name)
	for i := range r.Headers {
		if r.Headers[i].Name == name {
			r.Headers[i].Values = append(r.Headers[i].Values, value)
			return nil
		}
	}
	r.Headers = append(r.Headers, catalogue.Field{Name: name, Values: []string{value}})
	return nil
}
