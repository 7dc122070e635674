package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/wicketgate/wicketgate/internal/processtest"
)

// caddyfile is one whose global option has more lines.
func caddyfile(option string) string {
	return fmt.Sprintf(`{
	admin {$ADMIN}
	http_port {$HTTP_PORT}
	https_port {$HTTPS_PORT}
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system {$DATA}
	log {
		format api_gateway
	}
	grace_period 5s
	servers {
		listener_wrappers {
			api_framing
		}
	}
	api_gateway {
		catalogue catalogue
		watch 50ms
		%s
	}
}

https://localhost {
	tls internal
	api_gateway
}
`, option)
}

// gateway is one of a group.
type gateway struct {
	*processtest.Gateway
	one, two *http.Client // over HTTP/1.1 and HTTP/2
}

// gateway runs one with a catalogue, and what else there is to lie beside it.
func (g *group) gateway(option, catalogue string, files map[string]string) *gateway {
	g.Helper()
	gw := g.prepared(option, catalogue, files)
	gw.start()
	return gw
}

// prepared is gateway for one that does not run yet.
func (g *group) prepared(option, catalogue string, files map[string]string) *gateway {
	g.Helper()
	all := map[string]string{"catalogue/gateway.hcl": catalogue}
	for name, text := range files {
		all[name] = text
	}
	return &gateway{Gateway: processtest.New(g.T, caddyfile(option), all)}
}

// start runs it, for the first time or again.
func (gw *gateway) start() {
	gw.Run()
	gw.one, gw.two = gw.Client(false), gw.Client(true)
}

// rest is what a gateway holds while nobody asks it anything.
type rest struct{ goroutines, files int }

// rests waits until it is not busy any more, and gives what it holds.
func (gw *gateway) rests() rest {
	gw.one.CloseIdleConnections()
	gw.two.CloseIdleConnections()
	last := rest{gw.Goroutines(), gw.Files()}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		now := rest{gw.Goroutines(), gw.Files()}
		if now == last {
			break
		}
		last = now
	}
	return last
}

// settles waits until the gateway holds no more than before, give or take ten. That it holds fewer, because connections to what it
// depends on have ended, is not held against it.
func (c *check) settles(gw *gateway, before rest) {
	c.Helper()
	const give = 10
	gw.one.CloseIdleConnections()
	gw.two.CloseIdleConnections()
	var now rest
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		now = rest{gw.Goroutines(), gw.Files()}
		if now.goroutines >= 0 && now.goroutines <= before.goroutines+give && now.files <= before.files+give {
			break
		}
		if time.Now().After(end) {
			c.Errorf("%d goroutines and %d files are open, and before %d and %d", now.goroutines, now.files, before.goroutines, before.files)
			break
		}
	}
	c.saw("goroutines %+d", now.goroutines-before.goroutines)
}

// files lists those of its folder that have such a name.
func (gw *gateway) files(pattern string) []string {
	names, _ := filepath.Glob(filepath.Join(gw.Folder, pattern)) //nolint:errcheck // patterns of tests are well-formed
	return names
}

func read(g *group, name string) []byte {
	g.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		g.Fatal(err)
	}
	return text
}
