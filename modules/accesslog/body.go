package accesslog

import "io"

// counted is a body whose bytes are counted as they are read.
type counted struct {
	io.ReadCloser
	n int
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += n
	return n, err //nolint:wrapcheck // as it came
}
