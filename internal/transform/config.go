// Package transform is a change of messages without versions: header fields that are set and removed, and operations
// on JSON bodies, on the way to the service and on the way back. It decides for the directive api_transform.
package transform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/carry"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/validate"
)

// DefaultMaxAnswer is the largest answer whose body is changed unless the configuration says otherwise: 8 MiB.
const DefaultMaxAnswer = 8 << 20

const (
	maxBody       = 1 << 30 // bytes; nobody wants a document of more in memory
	maxFields     = 64      // header fields that one message is given or loses
	maxOperations = 100     // on one message
	maxValue      = 8 << 10 // bytes of a header field's value
)

// Config is what api_transform is told, in a Caddyfile or in JSON.
type Config struct {
	// What becomes of requests on their way to the service. Default: nothing.
	Request Message `json:"request,omitzero"`

	// What becomes of answers on their way to the caller. Default: nothing.
	Response Message `json:"response,omitzero"`
}

// Message is what becomes of messages of one way.
type Message struct {
	// Header fields by name, each with the value that takes the place of all it had; it may have placeholders. At most
	// 64. Default: none.
	Set map[string]string `json:"set,omitempty"`

	// Header fields that are taken off. At most 64. Default: none.
	Remove []string `json:"remove,omitempty"`

	// What is done to JSON bodies, in this order. At most 100. A request's body that they do not fit is answered 422, a
	// successful answer's 502; answers that are no success have a shape of their own and pass. Default: nothing.
	Operations []Operation `json:"operations,omitempty"`

	// The largest body that is changed, in bytes: a larger request is answered 413, a larger answer 502. An answer in which
	// only items of lists change passes as it arrives if it has more than 16 KiB; then this is the most that an item, or a
	// value beside the lists, may have, and one that has more breaks the answer off. Default: 1 MiB for requests, 8 MiB for
	// answers. Bound: 1 GiB.
	Max int64 `json:"max,omitempty"`
}

// Operation is one thing that is done to a JSON body.
type Operation struct {
	// What is done: rename, move, drop, add, enum, wrap, unwrap, list, unlist, scale, cast, split or join.
	Kind string `json:"operation"`

	// The member it is done to: names joined by dots, "[*]" for each item of a list: "data[*].total.amount".
	Field string `json:"field"`

	// Of rename the member's new name, of move the path that it moves to, which begins with the same list if there is
	// one. Of cast, the type that the value gets: string, number or boolean.
	To string `json:"to,omitempty"`

	// Of add, the value of the new member; where there is one already, the body does not fit.
	Value json.RawMessage `json:"value,omitempty"`

	// Of enum, which value becomes which: a list of [from, to]. A body with another value does not fit.
	Pairs [][2]json.RawMessage `json:"pairs,omitempty"`

	// Of wrap, the name of the only member of the object that the value is put into; of unwrap, of the one it is taken
	// out of.
	Member string `json:"member,omitempty"`

	// Of scale, by how many digits the decimal point moves to the right, so that "12.30" becomes 1230 with 2; to the
	// left where negative. Bound: 18, either way.
	Decimals int `json:"decimals,omitempty"`

	// Of scale, what has the decimal point: a string, with exactly so many decimals, or a number. Default: string.
	As string `json:"as,omitempty"`

	// Of cast, the type that the value has: string, number or boolean. One of both types is string.
	From string `json:"from,omitempty"`

	// Of split and join, the members that the text becomes or is made of, beside it: 2 to 16 names. The last has the
	// rest of the text.
	Parts []string `json:"parts,omitempty"`

	// Of split and join, what stands between the parts.
	Separator string `json:"separator,omitempty"`
}

// Expand writes out the placeholders of a text for one request.
type Expand func(ctx context.Context, text string) string

// Stages makes the stages that the configuration asks for.
func (c Config) Stages(expand Expand) ([]pipeline.Stage, hcl.Diagnostics) {
	request, diags := c.Request.compile("request", expand)
	response, more := c.Response.compile("response", expand)
	diags = append(diags, more...)
	if diags.HasErrors() {
		return nil, diags
	}
	s := &Stage{request: request, response: response, answer: carry.Answer{Program: response.program, Up: true, Max: response.max}}
	if response.max == 0 {
		s.answer.Max = DefaultMaxAnswer
	}
	if len(c.Response.Operations) > 0 {
		text, err := json.Marshal(c.Response.Operations)
		if err != nil {
			return nil, mistake("Malformed operations", err.Error()+".")
		}
		sum := sha256.Sum256(text)
		s.answer.Mark = form.Mark(";" + hex.EncodeToString(sum[:4]))
	}
	var stages []pipeline.Stage
	if s.Needs().Body != exchange.None {
		stages = append(stages, validate.NewContent(validate.ContentConfig{MaxBody: c.Request.Max}))
	}
	return append(stages, s), nil
}

// Check tells what is wrong with what is done to messages of one way.
func (m Message) Check() hcl.Diagnostics {
	_, diags := m.compile("message", nil)
	return diags
}

func (m Message) compile(way string, expand Expand) (message, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	out := message{expand: expand, max: m.Max}
	if m.Max < 0 || m.Max > maxBody {
		diags = append(diags, mistake("Invalid bound", fmt.Sprintf("The largest body of a %s has 1 to %d bytes.", way, maxBody))...)
	}
	if len(m.Set) > maxFields || len(m.Remove) > maxFields {
		diags = append(diags, mistake("Too many header fields", fmt.Sprintf("At most %d header fields are set, and as many removed.", maxFields))...)
	}
	seen := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(m.Set)) {
		canonical, wrong := field(name, seen)
		diags = append(diags, wrong...)
		value := m.Set[name]
		if !httpguts.ValidHeaderFieldValue(value) || len(value) > maxValue {
			diags = append(diags, mistake("Invalid value", fmt.Sprintf("The value of %s has characters that no header field's value may have (RFC 9110, section 5.5), or more than %d bytes.", name, maxValue))...)
		}
		out.set = append(out.set, setting{canonical, value, strings.Contains(value, "{")})
	}
	for _, name := range m.Remove {
		canonical, wrong := field(name, seen)
		diags = append(diags, wrong...)
		out.remove = append(out.remove, canonical)
	}
	program, wrong := compile(m.Operations)
	out.program = program
	return out, append(diags, wrong...)
}

// ofConnection are the fields that belong to one connection or frame a message (RFC 9110, section 7.6.1; RFC 9112,
// section 6). Only the server and the client of HTTP set or remove them.
var ofConnection = []string{"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

func field(name string, seen map[string]bool) (string, hcl.Diagnostics) {
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return "", mistake("Invalid header field", fmt.Sprintf("%q is not the name of a header field.", name))
	case slices.Contains(ofConnection, canonical):
		return "", mistake("Invalid header field", name+" belongs to the connection and is not to be changed.")
	case seen[canonical]:
		return "", mistake("Duplicate header field", name+" is named twice.")
	}
	seen[canonical] = true
	return canonical, nil
}

func mistake(summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail}}
}
