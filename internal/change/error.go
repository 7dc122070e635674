package change

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Error says why a message cannot be carried to another version. In a request the caller is to blame (422), in a
// response the upstream or the catalogue (502). Detail quotes nothing of the message, so that it can be shown to a
// caller.
type Error struct {
	// Pointer is the place in the message as it was given, a JSON pointer (RFC 6901): in a request the caller's
	// shape, in a response the newest. "" also where the place is in the query.
	Pointer string
	Detail  string
	Change  string    // name of the change that failed, "" where none did
	Range   hcl.Range // of its operation
}

func (e *Error) Error() string {
	var s strings.Builder
	if e.Change != "" {
		if e.Range.Filename != "" {
			s.WriteString(e.Range.String() + ": ")
		}
		s.WriteString("change " + e.Change + ": ")
	}
	if e.Pointer != "" {
		s.WriteString(e.Pointer + ": ")
	}
	s.WriteString(e.Detail)
	return s.String()
}
