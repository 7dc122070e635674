//go:build !linux || !amd64

package clock

import "time"

// Clocks are those of a process.
type Clocks struct{}

// Of gives ErrUnsupported.
func Of(int) (*Clocks, error) { return nil, ErrUnsupported }

// Set gives ErrUnsupported.
func (*Clocks) Set(_, _ time.Duration) error { return ErrUnsupported }
