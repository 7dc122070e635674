package rule

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

var (
	errNoAnswer      = errors.New("there is no answer yet")
	errAnswerNotJSON = errors.New("the answer's body is not JSON")
	responseMembers  = []string{"status", "header", "body"}
)

// response puts a look-up of what has been answered in the place of n.
func (r *resolver) response(n *ast.Node, id *ast.IdentifierNode, s slot) {
	if len(s.path) == 0 {
		r.mistake(id.Location(), "Incomplete name", "Name a member of %s, such as %s.status.", id.Value, id.Value)
		return
	}
	switch first := s.path[0]; {
	case first.name == "status" && len(s.path) == 1:
		s.get, s.typ = answeredStatus, types.Int
	case first.name == "header" && len(s.path) == 2:
		s.get, s.name, s.typ = answeredField, fieldName(s.path[1].name), maybeText
	case first.name == "header":
		r.mistake((*n).Location(), "Incomplete name", `Name one header field: response.header["Retry-After"].`)
		return
	case first.name == "body":
		s.path = s.path[1:]
		for _, p := range s.path {
			s.names = append(s.names, p.name)
			s.numeric = s.numeric || p.name != "" && p.name[0]-'0' <= 9
		}
		// A body and a header field of the same name are two.
		s.get, s.name, s.typ = answeredMember, "body", types.Any
	default:
		r.mistake((*n).Location(), "Unknown name", "%s has no member %q.%s Its members are %s.", id.Value, first.name,
			diagnostic.DidYouMean(first.name, responseMembers), strings.Join(responseMembers, ", "))
		return
	}
	r.slot(n, s)
}

func answeredStatus(r *run, _ *slot) value {
	if r.x.Received == nil {
		panic(errNoAnswer)
	}
	return whole(int64(r.x.Received.Status))
}

func answeredField(r *run, s *slot) value {
	if r.x.Received == nil {
		panic(errNoAnswer)
	}
	lines := r.x.Received.Header[s.name]
	if len(lines) == 0 {
		return value{}
	}
	return textValue(strings.Join(lines, ", "))
}

// answeredMember reads one leaf of the answer, as bodyMember does of the request.
func answeredMember(r *run, s *slot) value {
	from := r.x.Received
	if from == nil {
		panic(errNoAnswer)
	}
	if !from.Valid {
		panic(errAnswerNotJSON)
	}
	r.spend(len(from.Body) / bytesPerStep)
	raw, ok := jsonspan.Get(from.Body, s.names...)
	if !ok || s.numeric {
		if v, missing := missingMember(from.Body, s); missing || !ok {
			return v
		}
	}
	return r.fromJSON(raw)
}
