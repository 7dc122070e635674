// Package duration is a span of time as configuration writes it: a string in JSON, HCL and Caddyfiles alike.
package duration

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a span of time. In JSON it is a string in Go's notation, "90s" or "72h"; a bare number is nanoseconds, as
// in the rest of Caddy's JSON.
type Duration time.Duration

// MarshalJSON writes the string form.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(d.String())
}

// UnmarshalJSON reads a string in Go's notation or a number of nanoseconds.
func (d *Duration) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		v, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("reading duration: %w", err)
		}
		*d = Duration(v)
		return nil
	}
	var n int64
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("reading duration: expected a string such as \"90s\": %w", err)
	}
	*d = Duration(n)
	return nil
}

// String is Go's notation without the units that are zero: "1m", not "1m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	for _, zero := range []struct{ long, short string }{{"m0s", "m"}, {"h0m", "h"}} {
		if n := len(s) - len(zero.long); n > 0 && s[n:] == zero.long {
			s = s[:n] + zero.short
		}
	}
	return s
}
