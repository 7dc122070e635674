package idempotency

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// state is what is known of a request.
type state string

const (
	pending  state = "pending"  // its process is at it, or was when it ended
	answered state = "answered" // the answer is kept, or the problem
	unkept   state = "unkept"   // it was answered, and the answer is not kept
	lost     state = "lost"     // it was sent, and no answer came
)

// record is what the ledger has of a request. Of the request itself it has the fingerprint, nothing else.
type record struct {
	State  state       `json:"state"`
	Print  []byte      `json:"print"`
	Owner  string      `json:"owner,omitempty"` // of a pending one: the process
	Nonce  string      `json:"nonce,omitempty"` // and which of its requests
	Status int         `json:"status,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Body   bool        `json:"body,omitempty"` // there is one, perhaps empty

	Problem *told `json:"problem,omitempty"` // in the place of an answer

	body []byte
}

// told is a problem that a third party's answer became.
type told struct {
	Type       string      `json:"type"` // in the table
	URI        string      `json:"uri,omitempty"`
	Status     int         `json:"status,omitempty"`
	Title      string      `json:"title,omitempty"`
	Detail     string      `json:"detail,omitempty"`
	Instance   string      `json:"instance,omitempty"`
	Header     http.Header `json:"header,omitempty"`
	Extensions []member    `json:"extensions,omitempty"`
}

type member struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// version begins every record.
const version = 1

var errUnreadable = errors.New("the record cannot be read")

// encode writes the version, the length of what is known, that, and the body.
func (r *record) encode() ([]byte, error) {
	meta, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, 5+len(meta)+len(r.body))
	data = append(data, version)
	data = binary.BigEndian.AppendUint32(data, uint32(len(meta)))
	data = append(data, meta...)
	return append(data, r.body...), nil
}

// decode reads what encode wrote. The body is a part of data.
func decode(data []byte) (*record, error) {
	if len(data) < 5 || data[0] != version {
		return nil, errUnreadable
	}
	n := uint64(binary.BigEndian.Uint32(data[1:]))
	if n > uint64(len(data)-5) {
		return nil, errUnreadable
	}
	r := &record{}
	if err := json.Unmarshal(data[5:5+n], r); err != nil {
		return nil, errUnreadable
	}
	r.body = data[5+n:]
	if r.State == answered && r.Problem == nil && (r.Status < 200 || r.Status > 599) {
		return nil, errUnreadable
	}
	return r, nil
}

// tell makes a record's problem of one.
func tell(p *problem.Problem) *told {
	t := &told{Type: p.Type.URI, URI: p.URI, Status: p.Status, Title: p.Title, Detail: p.Detail, Instance: p.Instance, Header: p.Header}
	for _, m := range p.Extensions {
		if value, err := json.Marshal(m.Value); err == nil { // one that cannot be written reaches no caller either
			t.Extensions = append(t.Extensions, member{m.Name, value})
		}
	}
	return t
}

// problem is the problem again.
func (t *told) problem() *problem.Problem {
	kind := problem.Find(t.Type)
	if kind == nil { // of a table that has changed
		kind = problem.BadGateway
	}
	p := &problem.Problem{Type: kind, URI: t.URI, Status: t.Status, Title: t.Title, Detail: t.Detail, Instance: t.Instance, Header: t.Header}
	for _, m := range t.Extensions {
		p.With(m.Name, m.Value)
	}
	return p
}

// answer is the answer again, as a service would give it.
func (r *record) answer() *exchange.Response {
	a := &exchange.Response{Status: r.Status, Header: r.Header}
	if a.Header == nil {
		a.Header = http.Header{}
	}
	if r.Body {
		a.Read, a.Bytes = true, r.body
	}
	return a
}
