package attacks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// Types of frames and streams, RFC 9114, sections 6.2 and 7.2.
const (
	data3     = 0x00
	headers3  = 0x01
	settings3 = 0x04
	control3  = 0x00
)

// client3 writes frames of HTTP/3 as they are told, legal or not.
type client3 struct {
	c       *quic.Conn
	service *service
	before  int // bodies that had begun to come to it
}

// dial3 opens a connection, with its control stream and settings.
func (d door) dial3() *client3 {
	d.g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := quic.DialAddr(ctx, address(d.port), d.tls("h3"), &quic.Config{MaxIdleTimeout: patience})
	if err != nil {
		d.g.t.Fatal(err)
	}
	control, err := c.OpenUniStream()
	if err != nil {
		d.g.t.Fatal(err)
	}
	if _, err := control.Write(append(quicvarint.Append(nil, control3), quicvarint.Append(quicvarint.Append(nil, settings3), 0)...)); err != nil {
		d.g.t.Fatal(err)
	}
	return &client3{c: c, service: d.g.service, before: d.g.service.bodies()}
}

func (c *client3) Close() { c.c.CloseWithError(0x100, "") } //nolint:errcheck // H3_NO_ERROR; nothing more is wanted of it

// http3 sends frames on a connection of their own, and gives the answer.
func (d door) http3(frames []frame) []answer {
	c := d.dial3()
	defer c.Close()
	return []answer{c.do(frames)}
}

// do sends frames on a stream of their own, and gives the answer.
func (c *client3) do(frames []frame) answer {
	s, err := c.c.OpenStream()
	if err != nil {
		return answer{end: ended3(err)}
	}
	s.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // it has just been opened
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		c.write(s, frames)
	}()
	a := read3(s)
	s.CancelRead(0x100)
	s.CancelWrite(0x100)
	<-wrote
	return a
}

// write sends frames. What cannot be written any more is not: the gateway has said what it had to say.
func (c *client3) write(s *quic.Stream, frames []frame) {
	for _, f := range frames {
		kind, payload := uint64(data3), []byte(f.payload)
		length := uint64(len(payload))
		switch f.kind {
		case "HEADERS", "TRAILERS":
			kind, payload = headers3, section3(f.fields)
			length = uint64(len(payload))
		case "RST":
			s.CancelWrite(quic.StreamErrorCode(f.number[0])) //nolint:gosec // small numbers of the table
			return
		case "FRAME":
			kind = uint64(f.number[0]) //nolint:gosec // small numbers of the table
		case "PART":
			length = uint64(f.number[0]) //nolint:gosec // small numbers of the table
		case "WAIT":
			c.service.waits(c.before)
			continue
		case "CLOSE":
			c.Close()
			return
		}
		if _, err := s.Write(append(quicvarint.Append(quicvarint.Append(nil, kind), length), payload...)); err != nil {
			return
		}
		if !f.open {
			s.Close() //nolint:errcheck // the next read tells
		}
	}
}

// section3 is a field section, without the dynamic table.
func section3(fields []field) []byte {
	var b bytes.Buffer
	e := qpack.NewEncoder(&b)
	for _, f := range fields {
		e.WriteField(qpack.HeaderField{Name: f.name, Value: f.value}) //nolint:errcheck // into memory
	}
	return b.Bytes()
}

// read3 gives the answer on a stream.
func read3(s *quic.Stream) answer {
	var a answer
	var body bytes.Buffer
	r := quicvarint.NewReader(s)
	for {
		kind, err := quicvarint.Read(r)
		if errors.Is(err, io.EOF) && a.status > 0 {
			a.body = body.String()
			return a
		}
		var length uint64
		if err == nil {
			length, err = quicvarint.Read(r)
		}
		if err == nil && length > 16<<20 {
			return answer{end: fmt.Sprintf("a frame of %d bytes", length)}
		}
		payload := make([]byte, length)
		if err == nil {
			_, err = io.ReadFull(r, payload)
		}
		if err != nil {
			// Who has said that nothing more is wanted of the request may reset the stream behind the answer.
			return answer{end: ended3(err)}
		}
		switch kind {
		case headers3:
			section := qpack.NewDecoder().Decode(payload)
			interim := false
			for {
				f, err := section()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					return answer{end: "a field section that cannot be read"}
				}
				if f.Name == ":status" {
					status, err := strconv.Atoi(f.Value)
					if interim = status < 200 || err != nil; !interim {
						a.status, a.header = status, http.Header{}
					}
				} else if !interim && a.header != nil {
					a.header.Add(f.Name, f.Value)
				}
			}
		case data3:
			body.Write(payload)
		}
	}
}

// ended3 tells how a stream or a connection ended.
func ended3(err error) string {
	var stream *quic.StreamError
	var connection *quic.ApplicationError
	switch {
	case errors.As(err, &stream):
		return "reset " + http3.ErrCode(stream.ErrorCode).String()
	case errors.As(err, &connection):
		return "goaway " + http3.ErrCode(connection.ErrorCode).String()
	}
	return ended(err)
}
