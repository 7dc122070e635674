package attacks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// client2 writes frames of HTTP/2 as they are told, legal or not.
type client2 struct {
	c       io.ReadWriteCloser
	service *service
	before  int // bodies that had begun to come to it
	framer  *http2.Framer
	block   bytes.Buffer
	hpack   *hpack.Encoder

	mu     sync.Mutex // of what follows, and of writes
	room   *sync.Cond
	window map[uint32]int64 // how much may be sent, of streams and of the connection, which is 0
	first  int64            // of new streams
	ended  bool
}

// dial2 opens a connection, with its preface and settings.
func (d door) dial2(settings ...http2.Setting) *client2 {
	d.g.t.Helper()
	c := &client2{c: d.dial("h2"), service: d.g.service, before: d.g.service.bodies(), window: map[uint32]int64{0: 65535}, first: 65535}
	c.room = sync.NewCond(&c.mu)
	c.framer = http2.NewFramer(c.c, c.c)
	c.framer.AllowIllegalWrites = true
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.hpack = hpack.NewEncoder(&c.block)
	if _, err := io.WriteString(c.c, http2.ClientPreface); err != nil {
		d.g.t.Fatal(err)
	}
	if err := c.framer.WriteSettings(settings...); err != nil {
		d.g.t.Fatal(err)
	}
	return c
}

func (c *client2) Close() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.room.Broadcast()
	c.c.Close() //nolint:errcheck // nothing more is wanted of it
}

// encoded is a field section.
func (c *client2) encoded(fields []field) []byte {
	c.block.Reset()
	for _, f := range fields {
		c.hpack.WriteField(hpack.HeaderField{Name: f.name, Value: f.value}) //nolint:errcheck // into memory
	}
	return bytes.Clone(c.block.Bytes())
}

// write sends frames on a stream. What cannot be written any more is not: the gateway has said what it had to say.
func (c *client2) write(stream uint32, frames []frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range frames {
		switch f.kind {
		case "HEADERS", "TRAILERS":
			block := c.encoded(f.fields)
			const most = 16 << 10 // what a frame may have at least, RFC 9113, section 4.2
			first := block[:min(len(block), most)]
			if c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first, EndStream: !f.open, EndHeaders: len(first) == len(block)}) != nil {
				return
			}
			for block = block[len(first):]; len(block) > 0; block = block[len(first):] {
				first = block[:min(len(block), most)]
				if c.framer.WriteContinuation(stream, len(first) == len(block), first) != nil {
					return
				}
			}
		case "DATA":
			if !c.data(stream, []byte(f.payload), !f.open) {
				return
			}
		case "RST":
			// What answers the ping has seen the stream end, and says no more of it.
			if c.framer.WriteRSTStream(stream, http2.ErrCode(f.number[0])) != nil || c.framer.WritePing(false, [8]byte{}) != nil { //nolint:gosec // small numbers of the table
				return
			}
		case "PART":
			head := []byte{0, 0, byte(f.number[0]), byte(http2.FrameData), byte(http2.FlagDataEndStream), 0, 0, 0, byte(stream)} //nolint:gosec // small numbers of the table
			c.c.Write(append(head, f.payload...))                                                                                //nolint:errcheck // the service tells what came
			c.c.Close()                                                                                                          //nolint:errcheck // nothing more is wanted of it
			return
		case "WAIT":
			c.service.waits(c.before)
		case "CLOSE":
			c.c.Close() //nolint:errcheck // nothing more is wanted of it
			return
		case "FRAME":
			if c.framer.WriteRawFrame(http2.FrameType(f.number[0]), http2.Flags(f.number[1]), stream, []byte(f.payload)) != nil { //nolint:gosec // small numbers of the table
				return
			}
		}
	}
}

// data sends a body as the gateway has room for it.
func (c *client2) data(stream uint32, body []byte, end bool) bool {
	if _, ok := c.window[stream]; !ok {
		c.window[stream] = c.first
	}
	for {
		n := min(int64(len(body)), 16<<10)
		for n > 0 && min(c.window[0], c.window[stream]) <= 0 && !c.ended {
			c.room.Wait()
		}
		if n > 0 {
			n = min(n, c.window[0], c.window[stream])
		}
		if c.ended {
			return false
		}
		last := int(n) == len(body)
		if c.framer.WriteData(stream, end && last, body[:n]) != nil {
			return false
		}
		c.window[0] -= n
		c.window[stream] -= n
		if body = body[n:]; last {
			return true
		}
	}
}

// read gives the answer on a stream.
func (c *client2) read(stream uint32) answer {
	var a answer
	var body bytes.Buffer
	for {
		f, err := c.framer.ReadFrame()
		if err != nil {
			var wrong http2.StreamError
			if errors.As(err, &wrong) {
				return answer{end: "a field section that cannot be read"}
			}
			return answer{end: ended(err)}
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			c.settings(f)
			continue
		case *http2.PingFrame:
			if f.IsAck() {
				return answer{end: "nothing"}
			}
			continue
		case *http2.WindowUpdateFrame:
			c.widen(f.StreamID, int64(f.Increment))
			continue
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				return answer{end: "goaway " + f.ErrCode.String()}
			}
			continue
		}
		if f.Header().StreamID != stream {
			continue
		}
		end := false
		switch f := f.(type) {
		case *http2.RSTStreamFrame:
			if a.status > 0 && f.ErrCode == http2.ErrCodeNo { // nothing more is wanted of the request
				a.body = body.String()
				return a
			}
			return answer{end: "reset " + f.ErrCode.String()}
		case *http2.MetaHeadersFrame:
			if status, err := strconv.Atoi(f.PseudoValue("status")); err == nil && status >= 200 {
				a.status, a.header = status, http.Header{}
			}
			for _, field := range f.RegularFields() {
				if a.header != nil {
					a.header.Add(field.Name, field.Value)
				}
			}
			end = f.StreamEnded()
		case *http2.DataFrame:
			body.Write(f.Data())
			if end = f.StreamEnded(); len(f.Data()) > 0 { // room for the next, on the connection; answers are smaller than a stream's
				c.mu.Lock()
				c.framer.WriteWindowUpdate(0, uint32(len(f.Data()))) //nolint:errcheck,gosec // the next read tells; frames are small
				c.mu.Unlock()
			}
		}
		if end {
			a.body = body.String()
			return a
		}
	}
}

func (c *client2) settings(f *http2.SettingsFrame) {
	if f.IsAck() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if size, ok := f.Value(http2.SettingInitialWindowSize); ok {
		for stream := range c.window {
			if stream != 0 {
				c.window[stream] += int64(size) - c.first
			}
		}
		c.first = int64(size)
	}
	c.framer.WriteSettingsAck() //nolint:errcheck // the next read tells
	c.room.Broadcast()
}

func (c *client2) widen(stream uint32, by int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.window[stream]; !ok {
		c.window[stream] = c.first
	}
	c.window[stream] += by
	c.room.Broadcast()
}

// http2 sends frames on a connection of their own, and gives the answer.
func (d door) http2(frames []frame) []answer {
	c := d.dial2()
	defer c.Close()
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		c.write(1, frames)
	}()
	a := c.read(1)
	c.Close()
	<-wrote
	return []answer{a}
}

// integer reads a number that the table writes.
func integer(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(fmt.Sprintf("%q is no number", text))
	}
	return n
}
