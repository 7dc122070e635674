package accesslog

import (
	"io"
	"sync/atomic"
)

// counted is a body whose bytes are counted as they are read: also by who sends it on while the answer has already come.
type counted struct {
	io.ReadCloser
	n atomic.Int64
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err //nolint:wrapcheck // as it came
}
