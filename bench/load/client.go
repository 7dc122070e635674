package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	_ "embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const address = "127.0.0.1:28443"

// order is 1 KB of JSON as callers of the first version have it.
//
//go:embed order.json
var order []byte

// What is asked for: an item, and what takes an order.
var (
	get  = "GET /api/items/7?p=1 HTTP/1.1\r\n"
	post = fmt.Sprintf("POST /api/items/7/orders HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", len(sent))

	sent = bytes.TrimSpace(order)
)

// client asks the same again and again on a connection of HTTP/1.1, which it makes when there is none.
type client struct {
	request []byte
	want    []byte // nil where it is not looked at
	conn    net.Conn
	reader  *bufio.Reader
	answer  bytes.Buffer
}

// client makes one that sends a line with fields, and after them a body where the line is that of post.
func (g *gateway) client(line string) *client {
	c := &client{request: fmt.Appendf(nil, "%sHost: %s\r\nX-User: user42\r\nAuthorization: Bearer %s\r\n\r\n", line, address, g.token)}
	if line == post {
		c.request, c.want = append(c.request, sent...), sent
	}
	return c
}

// dialTime is how long a handshake may take: thousands of them wait for two cores.
const dialTime = 30 * time.Second

func (c *client) dial() error {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: dialTime}, "tcp", address, config("http/1.1"))
	if err != nil {
		return err
	}
	c.conn, c.reader = conn, bufio.NewReaderSize(conn, 2<<10) // there may be 10,000 of them
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close() //nolint:errcheck // nothing more is wanted of it
		c.conn = nil
	}
}

// ask sends the request and reads the answer. After an answer that is another than it should be the connection stays.
func (c *client) ask() error {
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return err
		}
	}
	status, err := c.exchange()
	if err != nil {
		c.close()
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("got %d %.200s", status, c.answer.Bytes())
	}
	if c.want != nil && !bytes.Equal(c.answer.Bytes(), c.want) {
		return fmt.Errorf("got %.2000s", c.answer.Bytes())
	}
	return nil
}

func (c *client) exchange() (status int, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close() //nolint:errcheck // it has been read
	c.answer.Reset()
	_, err = io.Copy(&c.answer, res.Body)
	return res.StatusCode, err
}

// Bounds of how connections are opened.
const (
	dialers = 64 // handshakes at once; one after the other would take minutes, all at once overflow the listener's queue
	tries   = 5
)

// open makes n clients, each of which has been answered once.
func (g *gateway) open(n int, line string) ([]*client, error) {
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = g.client(line)
	}
	if err := warm(clients); err != nil {
		shut(clients)
		return nil, fmt.Errorf("opening %d connections: %w", n, err)
	}
	return clients, nil
}

// warm has all clients be answered once.
func warm(clients []*client) error {
	errs := make([]error, dialers)
	var all sync.WaitGroup
	for i := range dialers {
		all.Go(func() {
			for j := i; j < len(clients) && errs[i] == nil; j += dialers {
				for range tries {
					if errs[i] = clients[j].ask(); errs[i] == nil {
						break
					}
					time.Sleep(pause)
				}
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err // one of many that say the same
		}
	}
	return nil
}

func shut(clients []*client) {
	for _, c := range clients {
		c.close()
	}
}
