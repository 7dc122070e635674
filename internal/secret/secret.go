// Package secret is the type in which secrets travel: it prints as "[redacted]", whoever prints it and however.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Text is a secret. Its zero value is the empty secret. The text lies behind a pointer, because fmt cannot call the
// methods of a value in an unexported field and would print what is in it.
type Text struct {
	text *string
}

// New makes a secret of text.
func New(text string) Text { return Text{&text} }

// Reveal gives the text to the one place that uses it: a comparison, a signature, an upstream's credential.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// String is "[redacted]".
func (Text) String() string { return redacted }

// GoString is "[redacted]".
func (Text) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText is "[redacted]".
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON is "[redacted]" as a JSON string.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue is "[redacted]" for log/slog.
func (Text) LogValue() slog.Value { return slog.StringValue(redacted) }

var (
	_ fmt.Formatter  = Text{}
	_ slog.LogValuer = Text{}
)
