package ledger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/wicketgate/wicketgate/internal/tracing"
)

// Event is a call that was verified, as it came, and what the gateway knows of it.
type Event struct {
	ID       string          `json:"id"`             // stable: whoever gets it twice knows it by this
	Webhook  string          `json:"webhook"`        // the name of the webhook block
	Kind     string          `json:"kind,omitempty"` // the kind of event that the sender tells
	Key      string          `json:"key,omitempty"`  // events of one key are delivered one after the other; "" for none
	Received time.Time       `json:"received"`
	Header   http.Header     `json:"header,omitempty"`
	Query    string          `json:"query,omitempty"`
	Trace    tracing.Context `json:"trace,omitzero"` // that it goes on in
	Body     []byte          `json:"-"`              // as it came, to the byte
}

// version begins every stored event: what a later form of it would change.
const version = 1

var errUnreadable = errors.New("the stored event cannot be read")

// encode writes the version, the length of what is known of the event, that, and the body.
func (e *Event) encode() ([]byte, error) {
	meta, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, 5+len(meta)+len(e.Body))
	data = append(data, version)
	data = binary.BigEndian.AppendUint32(data, uint32(len(meta)))
	data = append(data, meta...)
	return append(data, e.Body...), nil
}

// decode reads what encode wrote. The body is a part of data.
func decode(data []byte) (*Event, error) {
	if len(data) < 5 || data[0] != version {
		return nil, errUnreadable
	}
	n := uint64(binary.BigEndian.Uint32(data[1:]))
	if n > uint64(len(data)-5) {
		return nil, errUnreadable
	}
	e := &Event{}
	if err := json.Unmarshal(data[5:5+n], e); err != nil {
		return nil, errUnreadable
	}
	e.Body = data[5+n:]
	return e, nil
}
