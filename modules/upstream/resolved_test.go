package upstream

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/wicketgate/wicketgate/internal/provider"
	"github.com/wicketgate/wicketgate/internal/publicnet"
)

// names is a name server on loopback, by which this process resolves names while the test runs. Each question for a name
// takes the next of its addresses; the last stays.
type names struct {
	mu    sync.Mutex
	all   map[string][]string
	asked map[string]int
}

func serveNames(t *testing.T, all map[string][]string) *names {
	t.Helper()
	n := &names{all: all, asked: map[string]int{}}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
	var served sync.WaitGroup
	t.Cleanup(func() {
		net.DefaultResolver = before
		c.Close()
		served.Wait()
	})
	served.Go(func() {
		buf := make([]byte, 4096)
		for {
			size, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer, ok := n.answer(buf[:size]); ok {
				c.WriteTo(answer, from)
			}
		}
	})
	return n
}

func (n *names) answer(question []byte) ([]byte, bool) {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil, false
	}
	q := m.Questions[0]
	m.Response, m.Additionals = true, nil
	name := strings.TrimSuffix(q.Name.String(), ".")
	n.mu.Lock()
	defer n.mu.Unlock()
	if list := n.all[name]; len(list) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	} else if a := netip.MustParseAddr(list[0]); q.Type == dnsmessage.TypeA && a.Is4() || q.Type == dnsmessage.TypeAAAA && a.Is6() {
		n.asked[name]++
		if len(list) > 1 {
			n.all[name] = list[1:]
		}
		h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
		if a.Is4() {
			m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: a.As4()}}}
		} else {
			m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}}}
		}
	}
	b, err := m.Pack()
	return b, err == nil
}

// TestThirdPartyResolved has names that resolve to where a cloud tells its machines' credentials, and to one's own
// addresses: they are not dialled, as the service's own name and as one that it redirects to, whatever the name resolved to
// before.
func TestThirdPartyResolved(t *testing.T) {
	var reached atomic.Int64
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	n := serveNames(t, map[string][]string{
		"metadata.example": {"169.254.169.254"}, "metadata6.example": {"fd00:ec2::254"}, "mapped.example": {"::ffff:169.254.169.254"},
		"inside.example": {"127.0.0.1"}, "rebound.example": {"192.0.2.1", "127.0.0.1"},
	})
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	for _, name := range []string{"metadata.example", "metadata6.example", "mapped.example", "inside.example", "rebound.example"} {
		to := "https://" + net.JoinHostPort(name, port) + "/latest/meta-data"
		for _, redirects := range []bool{false, true} {
			c := provider.Config{Name: "a", URL: strings.TrimSuffix(to, "/latest/meta-data"), Timeout: 5 * time.Second, Deadline: 5 * time.Second, DialTimeout: 5 * time.Second,
				Redirects: 2, Breaker: &provider.Breaker{Failures: 3, Within: time.Minute, OpenFor: time.Minute}}
			if redirects {
				c.URL, c.AllowPrivate = "https://api.example", true // which is for what the operator wrote
			}
			network, err := ThirdParty(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			var through http.RoundTripper = network
			if redirects {
				through = redirecting{to, network}
			}
			client, err := provider.New(c, through)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := client.Send(t.Context(), &provider.Request{Method: "GET", Path: "/", Header: http.Header{}}); !errors.Is(err, publicnet.ErrNotPublic) {
					t.Errorf("%s, redirected %t: got %v", name, redirects, err)
				}
			}
			if s := client.Status(); s.Breaker != "open" {
				t.Errorf("%s, redirected %t: the breaker is %s", name, redirects, s.Breaker)
			}
			client.Close()
			network.CloseIdleConnections()
		}
		n.mu.Lock()
		if n.asked[name] == 0 {
			t.Errorf("%s was not resolved", name)
		}
		n.mu.Unlock()
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d requests reached a private address", n)
	}
}
