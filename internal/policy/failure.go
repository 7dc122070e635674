package policy

import (
	"errors"
	"strings"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// failure is an error of an evaluation, told without the values that OPA quotes in its message: they come from the
// request, and may be a caller's secrets. The whole message stands in the decision log, where the operator says what is
// masked.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// withoutValues makes a failure of an error of OPA's: where it lies, what kind it is, and which function failed.
func withoutValues(err error) error {
	var from *topdown.Error
	if !errors.As(err, &from) {
		return err
	}
	text := from.Code
	if from.Location != nil {
		text = from.Location.String() + ": " + text
	}
	if name, _, ok := strings.Cut(from.Message, ":"); ok && builtinNames()[name] {
		text += ": " + name
	}
	return &failure{text, err}
}
