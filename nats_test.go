package wicketgate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/hooktest"
	"github.com/wicketgate/wicketgate/internal/ledger/natstest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// sharing are gateways with one ledger, on a cluster of NATS.
type sharing struct {
	killed
	gateways  []*running
	clients   []*http.Client
	deliverer atomic.Int32 // the gateway that delivered last
}

// TestGatewaysShareNATS has events sent to two gateways, each a process of its own, whose ledger is on three servers of NATS.
// Under load the server is killed that leads the events; then the gateway that delivers is stopped for so long that the
// other takes over, and goes on beside it; then the other is killed. Nothing that was answered 2xx is lost, and events of
// one key come, when they first come, in order.
func TestGatewaysShareNATS(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGKILL")
	}
	servers := natstest.Cluster(t, 3)
	s := &sharing{killed: killed{t: t, dir: t.TempDir(), events: hooktest.New(t)}}
	s.start(fmt.Sprintf("ledger nats %s", strings.Join(natstest.Addresses(servers), ",")))
	stop := s.load(8)
	s.flows("both take events", 200)
	natstest.Leader(servers, "wicketgate_EVENTS").Kill()
	s.flows("events come with a server gone", 200)

	first := s.deliverer.Load()
	s.signal(first, syscall.SIGSTOP)
	s.within("the other takes over", func() bool { return s.deliverer.Load() != first })
	s.flows("events come with a gateway stopped", 200)
	s.signal(first, syscall.SIGCONT)
	s.flows("events come with the gateway going on", 200)

	second := s.deliverer.Load()
	s.signal(second, syscall.SIGKILL)
	s.within("the first takes over again", func() bool { return s.deliverer.Load() != second })
	s.flows("events come with a gateway gone", 200)
	stop()
	s.settles()
}

// start starts two gateways with a ledger, and waits until both take events.
func (s *sharing) start(ledger string) {
	s.t.Helper()
	gatewaytest.Write(s.t, filepath.Join(s.dir, "hooks.hcl"), killedHooks)
	gatewaytest.Write(s.t, filepath.Join(s.dir, "stripe.secret"), hooktest.Secret+"\n")
	binary := build(s.t)
	for i := range 2 {
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.events.ServeHTTP(w, r)
			s.deliverer.Store(int32(i))
		}))
		s.t.Cleanup(service.Close)
		caddyfile := filepath.Join(s.dir, fmt.Sprintf("Caddyfile%d", i))
		gatewaytest.Write(s.t, caddyfile, fmt.Sprintf(`{
	admin {$ADMIN}
	http_port {$HTTP_PORT}
	https_port {$HTTPS_PORT}
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system {$DATA}
	api_gateway {
		catalogue hooks.hcl
		variable shop %s
		%s
	}
}

https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`, service.URL, ledger))
		g := start(s.t, binary, caddyfile)
		client := g.client(s.t)
		client.Timeout = 7 * time.Second // a gateway answers within 5 s, unless it is stopped
		s.gateways, s.clients = append(s.gateways, g), append(s.clients, client)
	}
	for i := range s.gateways {
		s.within("it takes events", func() bool { return s.offer(i, "probe"+strconv.Itoa(i)) })
	}
}

// offer sends an event of a key to a gateway, and says whether it was answered 2xx.
func (s *sharing) offer(gateway int, key string) bool {
	n, body := s.events.Make(key, 1000)
	status, _ := s.events.Send(s.clients[gateway], fmt.Sprintf("https://localhost:%d/hooks/stripe", s.gateways[gateway].https), n, body)
	return status == http.StatusOK
}

// load sends events of so many keys, one after the other of each, to one gateway or, when that fails, to the other. What it
// returns ends that.
func (s *sharing) load(keys int) (stop func()) {
	var all sync.WaitGroup
	var ends atomic.Bool
	for key := range keys {
		all.Go(func() {
			for at := key % 2; !ends.Load(); {
				s.awaits(&ends)
				if !s.offer(at, strconv.Itoa(key)) {
					at = 1 - at
				}
			}
		})
	}
	stop = sync.OnceFunc(func() {
		ends.Store(true)
		all.Wait()
	})
	s.t.Cleanup(stop)
	return stop
}

// awaits waits until not too much waits to be delivered, which only makes the test long, or the load ends.
func (s *sharing) awaits(ends *atomic.Bool) {
	room := func() bool {
		answered, delivered, _ := s.events.Count()
		return ends.Load() || answered-delivered < 400
	}
	for !room() {
		time.Sleep(5 * time.Millisecond)
	}
}

// flows waits until so many more events were answered 2xx, and so many more were delivered.
func (s *sharing) flows(what string, many int) {
	s.t.Helper()
	began := time.Now()
	defer func() { s.t.Logf("%s: after %v", what, time.Since(began)) }()
	answered, _, came := s.events.Count()
	s.within(what, func() bool {
		a, _, c := s.events.Count()
		return a >= answered+many && c >= came+many
	})
}

func (s *sharing) signal(gateway int32, signal syscall.Signal) {
	s.t.Helper()
	if err := s.gateways[gateway].process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("%v to the gateway that delivers: %d", signal, gateway)
}

// settles waits until all that was answered 2xx is delivered, and looks at it.
func (s *sharing) settles() {
	s.t.Helper()
	s.arrives()
	answered, delivered, came := s.events.Count()
	s.t.Logf("%d events answered 2xx, %d delivered, in %d deliveries", answered, delivered, came)
}
