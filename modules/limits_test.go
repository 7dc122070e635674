package modules_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestLimitAlone has one limit of each kind count in a Caddyfile without a catalogue.
func TestLimitAlone(t *testing.T) {
	g, s, _ := alone(t, nil, "", `
	api_limit /batches batches {
		key  "[header.x_tenant, request.path]"
		cost "len(body.items)"
		quota 10 1h
	}
	api_limit /uploads uploads {
		cost request.size
		quota 100 1h
	}
	api_limit /abuse abuse {
		quota 1 1h
		hidden
	}
	{PROXY}`)
	post := func(path, tenant, body string) gatewaytest.Answer {
		return g.Do("POST", path, body, "Content-Type: application/json", "X-Tenant: "+tenant)
	}
	for i, step := range []struct {
		tenant, body string
		status       int
		left         string
	}{
		{"a", `{"items":[1,2,3]}`, 200, `"1h";r=7;t=360`},
		{"a", `{"items":[1,2,3,4,5,6,7,8]}`, 429, `"1h";r=7;t=360`},
		{"a", `{"items":[1,2`, 400, `"1h";r=6;t=360`},            // which says nothing and costs 1
		{"a", `{"items":[1],"items":[]}`, 400, `"1h";r=5;t=360`}, // and cannot be read in two ways
		{"a", `{"items":1}`, 403, ""},
		{"a", `{}`, 403, ""},
		{"a", "", 200, `"1h";r=4;t=360`}, // nothing is done that could be counted
		{"", `{"items":[]}`, 403, ""},
		{"b", `{"items":[1]}`, 200, `"1h";r=9;t=360`},
		{"b", `{"items":[1,2,3,4,5,6,7,8,9,10,11]}`, 429, ""}, // which never fits
	} {
		before, _, _, _ := s.saw()
		a := post("/batches", step.tenant, step.body)
		if a.Status != step.status || a.Header.Get("RateLimit") != step.left {
			t.Errorf("step %d: got %d %v %s", i, a.Status, a.Header, a.Body)
		}
		if after, _, _, body := s.saw(); (after != before) != (step.status == 200) || step.status == 200 && body != step.body {
			t.Errorf("step %d: the service saw %d, %q", i, after-before, body)
		}
	}
	if a := g.Do("POST", "/uploads", strings.Repeat("x", 60)); a.Status != 200 || a.Header.Get("RateLimit-Policy") != `"1h";q=100;w=3600;qu="content-bytes"` || a.Header.Get("RateLimit") != `"1h";r=40;t=36` {
		t.Errorf("got %d %v", a.Status, a.Header)
	}
	is(t, "more bytes than are left", g.Do("POST", "/uploads", strings.Repeat("x", 41)), 429, `"violated-policies":["1h"]`)
	is(t, "no bytes", g.Do("GET", "/uploads", ""), 200, "")
	is(t, "a body without end", func() gatewaytest.Answer {
		req, err := http.NewRequestWithContext(t.Context(), "POST", g.URL+"/uploads", io.LimitReader(zeros{}, 2<<20)) // of unknown length
		if err != nil {
			t.Fatal(err)
		}
		res, err := g.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return gatewaytest.Answer{Status: res.StatusCode, Header: res.Header, Body: string(body)}
	}(), 413, "at most 1048576 bytes")

	is(t, "the first", g.Do("GET", "/abuse", ""), 200, "")
	a := g.Do("GET", "/abuse", "")
	is(t, "the second", a, 429, `"title":"Too many requests"`)
	for _, name := range []string{"RateLimit", "RateLimit-Policy", "Retry-After"} {
		if got := a.Header.Get(name); got != "" || strings.Contains(a.Body, "abuse") || strings.Contains(a.Body, "1h") {
			t.Errorf("what is hidden is told: %s %s, %s", name, got, a.Body)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A place is held until the answer has ended, whichever directive was first to see the request.
func TestConcurrentAlone(t *testing.T) {
	g, s, _ := alone(t, map[string]string{"a.keys": "5BhEtQB3LP1l sha256:0432820d1e2ea05cfb9934e28ff2ddf16bda8cebbf347ad745b223cabb5bb9fb consumer=acme plan=gold\n"}, "", `
	api_auth {
		key X-API-Key {DIR}/a.keys
		anonymous
	}
	api_limit callers {
		concurrent 1
		plan gold {
			concurrent 2
		}
	}
	{PROXY}`)
	const acme = "X-API-Key: wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"
	came, leave := make(chan struct{}, 1), make(chan struct{})
	s.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			came <- struct{}{}
			<-leave
		}
		w.WriteHeader(204)
	})
	for _, test := range []struct {
		who    string
		atOnce int
	}{{"X-Nobody: 1", 1}, {acme, 2}} {
		done := make(chan int, test.atOnce)
		for range test.atOnce {
			go func() { done <- g.Do("GET", "/slow", "", test.who).Status }()
			<-came
		}
		a := g.Do("GET", "/", "", test.who)
		if a.Status != 429 || a.Header.Get("RateLimit-Policy") != fmt.Sprintf(`"concurrent";q=%d;qu="concurrent-requests"`, test.atOnce) {
			t.Errorf("one more than %d got %d %v", test.atOnce, a.Status, a.Header)
		}
		for range test.atOnce {
			leave <- struct{}{}
			if got := <-done; got != 204 {
				t.Errorf("got %d", got)
			}
		}
		g.Within(10*time.Second, "the places are free", func() bool { return g.Do("GET", "/", "", test.who).Status == 204 })
	}
}

// However a caller disguises itself, exactly the quota is let through.
func TestLimitsUnderAttack(t *testing.T) {
	const quota = 10
	site := fmt.Sprintf("\tapi_limit callers {\n\t\tquota %d 1h\n\t}\n\tapi_limit addresses {\n\t\tkey client.address\n\t\tquota %d 1h\n\t}\n\t{PROXY}", quota, 2*quota)
	// Without strict, Caddy believes the first address of the list, which is the caller's to write.
	trusting := "\tservers {\n\t\ttrusted_proxies static 127.0.0.1/32 ::1/128\n\t\ttrusted_proxies_strict\n\t}\n"
	for _, test := range []struct {
		name, options string
		field         func(i int) string
	}{
		{"X-Forwarded-For of nobody who is trusted", "", func(i int) string { return fmt.Sprintf("X-Forwarded-For: 203.0.113.%d", i) }},
		{"Forwarded", "", func(i int) string { return fmt.Sprintf("Forwarded: for=203.0.113.%d", i) }},
		{"X-Real-IP", "", func(i int) string { return fmt.Sprintf("X-Real-IP: 203.0.113.%d", i) }},
		{"many of them", trusting, func(i int) string { return fmt.Sprintf("X-Forwarded-For: 203.0.113.%d, 198.51.100.9", i) }},
		{"addresses of one /64", trusting, func(i int) string { return fmt.Sprintf("X-Forwarded-For: 2001:db8:1:2:%x::%x", i*257, i) }},
		{"consumers of its own", "", func(i int) string { return fmt.Sprintf("X-Consumer-Id: c%d", i) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, s, _ := alone(t, nil, test.options, site)
			admitted := 0
			for i := range 5 * quota {
				if a := g.Do("GET", "/", "", test.field(i)); a.Status == 200 {
					admitted++
				} else if a.Status != 429 {
					t.Fatalf("got %d", a.Status)
				}
			}
			if n, _, _, _ := s.saw(); admitted != quota || n != quota {
				t.Errorf("%d were admitted, and %d reached the service", admitted, n)
			}
		})
	}
}

// TestStreamsInOnePacket opens 100 streams of HTTP/2 with one write.
func TestStreamsInOnePacket(t *testing.T) {
	const streams, quota = 100, 7
	g, s, _ := alone(t, nil, "", fmt.Sprintf("\tapi_limit callers {\n\t\tquota %d 1h\n\t\tconcurrent 100\n\t}\n\t{PROXY}", quota))
	config := g.Client.Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = []string{"h2"}
	c, err := tls.Dial("tcp", strings.TrimPrefix(g.URL, "https://"), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	var packet, block bytes.Buffer
	packet.WriteString(http2.ClientPreface)
	out, fields := http2.NewFramer(&packet, c), hpack.NewEncoder(&block)
	out.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := out.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	for i := range streams {
		block.Reset()
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", strings.TrimPrefix(g.URL, "https://")}, {":path", "/"}} {
			fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		if err := out.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Write(packet.Bytes()); err != nil {
		t.Fatal(err)
	}
	answers := map[string]int{}
	for n := 0; n < streams; {
		frame, err := out.ReadFrame()
		if err != nil {
			t.Fatalf("after %v: %v", answers, err)
		}
		if h, ok := frame.(*http2.MetaHeadersFrame); ok {
			answers[h.PseudoValue("status")]++
			n++
		}
	}
	if n, _, _, _ := s.saw(); answers["200"] != quota || answers["429"] != streams-quota || n != quota {
		t.Errorf("got %v, and %d reached the service", answers, n)
	}
}
