package decisionlog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// chunk is an array of events in JSON, gzipped, which is what OPA sends.
type chunk struct {
	limit  int // in bytes, of the whole
	buf    bytes.Buffer
	zip    *gzip.Writer
	raw    int // bytes that the compressor may hold still
	events int
	ended  bool
}

func newChunk(limit int) *chunk {
	c := &chunk{limit: limit}
	c.zip, _ = gzip.NewWriterLevel(&c.buf, gzip.BestSpeed) // the level is one there is
	return c
}

// overhead is more than what ends a chunk: a bracket, the last block and the checksum, and the header of a block that
// could not be compressed.
const overhead = 64

// add puts an event into the chunk unless it would become too large. The first always goes in.
func (c *chunk) add(event []byte) bool {
	if c.ended {
		return false
	}
	if c.events > 0 && !c.fits(len(event)) {
		if c.raw > 0 { // what it has come to is less than what it might
			c.zip.Flush() //nolint:errcheck // into memory
			c.raw = 0
		}
		if !c.fits(len(event)) {
			return false
		}
	}
	separator := byte(',')
	if c.events == 0 {
		separator = '['
	}
	c.zip.Write([]byte{separator}) //nolint:errcheck // into memory
	c.zip.Write(event)             //nolint:errcheck // into memory
	c.raw += 1 + len(event)
	c.events++
	return true
}

// fits says whether n bytes fit even if nothing more can be compressed.
func (c *chunk) fits(n int) bool {
	blocks := (c.raw+n)/(16<<10) + 1
	return c.buf.Len()+c.raw+n+5*blocks+overhead <= c.limit
}

// end completes the chunk. Then buf has all of it, and nothing can be added.
func (c *chunk) end() {
	if c.ended {
		return
	}
	c.zip.Write([]byte{']'}) //nolint:errcheck // into memory
	c.zip.Close()            //nolint:errcheck // into memory
	c.ended = true
}

// reset empties the chunk.
func (c *chunk) reset() {
	c.buf.Reset()
	c.zip.Reset(&c.buf)
	c.raw, c.events, c.ended = 0, 0, false
}

// maxUnzipped bounds what a chunk is taken to hold, in bytes: far above what the largest can.
const maxUnzipped = 4 << 30

// intact says what is wrong with a chunk that was read from a disk.
func intact(data []byte) error {
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("unzipping: %w", err)
	}
	n, err := io.Copy(io.Discard, io.LimitReader(zip, maxUnzipped))
	if err == nil && n == maxUnzipped {
		err = errors.New("it has no end")
	}
	return err
}
