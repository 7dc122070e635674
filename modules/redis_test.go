package modules_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/limit/redistest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// admin asks Caddy's admin API on a port of the test's.
type admin struct {
	t    *testing.T
	port int
}

func (a *admin) get(path string) string {
	a.t.Helper()
	res, err := http.Get(fmt.Sprintf("http://localhost:%d%s", a.port, path))
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	defer http.DefaultClient.CloseIdleConnections()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

// load has Caddy run another configuration.
func (a *admin) load(config []byte) {
	a.t.Helper()
	res, err := http.Post(fmt.Sprintf("http://localhost:%d/load", a.port), "application/json", bytes.NewReader(config))
	if err != nil {
		a.t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close() //nolint:errcheck // read to its end
	if text, _ := io.ReadAll(res.Body); res.StatusCode != 200 {
		a.t.Fatalf("%d %s", res.StatusCode, text)
	}
}

// counters is what the status says of them.
type counters struct {
	Counters struct {
		Engine, Mode, Error string
		Since               time.Time
		Gateways            int
	}
}

func (a *admin) counters() (c counters) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.get("/api_gateway/status")), &c); err != nil {
		a.t.Fatal(err)
	}
	return c
}

// TestRedis counts on a Redis that wants a password; a reload of Caddy keeps the connections; and when Redis is gone what
// is counted is refused, as is written, until it is back.
func TestRedis(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "s3cr3t")
	redis := redistest.Start(t, "--requirepass", "s3cr3t")
	a := &admin{t, gatewaytest.FreePort(t)}
	g, _, _ := alone(t, nil, fmt.Sprintf(`
	admin localhost:%d
	api_gateway {
		counters redis redis://%s {
			password {env.REDIS_PASSWORD}
			on_error deny
			timeout  5s
		}
	}`, a.port, redis.Address), `
	api_limit callers {
		quota 4 1h
	}
	{PROXY}`)
	get := func() gatewaytest.Answer { return g.Do("GET", "/", "") }
	for left := 3; left > 0; left-- {
		res := get()
		is(t, "within the quota", res, 200, "")
		if limit := res.Header.Get("RateLimit"); !strings.HasPrefix(limit, fmt.Sprintf(`"1h";r=%d;t=`, left)) {
			t.Errorf("with %d left: %s", left, limit)
		}
	}
	g.Within(10*time.Second, "the status knows the gateway", func() bool { return a.counters().Counters.Gateways == 1 })
	before := a.counters()
	if c := before.Counters; c.Engine != "redis" || c.Mode != "shared" || c.Error != "" {
		t.Errorf("the status says %+v", c)
	}
	metrics := a.get("/metrics")
	for _, line := range []string{
		`caddy_api_gateway_counters_mode{mode="shared"} 1`, `caddy_api_gateway_counters_mode{mode="deny"} 0`,
		"caddy_api_gateway_counters_gateways 1", `caddy_api_gateway_counters_takes_total{mode="shared"} 3`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("no metric is %s", line)
		}
	}
	config := a.get("/config/")
	if !strings.Contains(config, `"password":"{env.REDIS_PASSWORD}"`) || strings.Contains(config, "s3cr3t") {
		t.Errorf("the configuration shows %s", config)
	}

	a.load([]byte(strings.Replace(config, `"api_gateway":{`, `"api_gateway":{"watch":50000000,`, 1)))
	is(t, "after a reload", get(), 200, "")
	is(t, "over the quota", get(), 429, `"violated-policies":["1h"]`)
	if after := a.counters(); after != before {
		t.Errorf("the reload made %+v of %+v", after, before)
	}

	redis.Kill()
	for range 3 {
		res := get()
		is(t, "while Redis is gone", res, 503, "#temporary-reduced-capacity")
		if res.Header.Get("Retry-After") == "" || strings.Contains(res.Body, redis.Address) {
			t.Errorf("got %v %s", res.Header, res.Body)
		}
	}
	if c := a.counters().Counters; c.Mode != "deny" || c.Error == "" || strings.Contains(c.Error, "s3cr3t") {
		t.Errorf("the status says %+v", c)
	}
	if metrics := a.get("/metrics"); !strings.Contains(metrics, `caddy_api_gateway_counters_mode{mode="deny"} 1`) {
		t.Error("the metrics do not say that Redis is away")
	}
	redis.Restart()
	g.Within(5*time.Second, "Redis counts again", func() bool { return get().Status == 200 })
}

// TestRedisOverTLS counts on a Redis that lets in whoever shows a certificate, and is known by its own.
func TestRedisOverTLS(t *testing.T) {
	address, folder := redistest.Secured(t)
	a := &admin{t, gatewaytest.FreePort(t)}
	g, _, _ := alone(t, nil, fmt.Sprintf(`
	admin localhost:%d
	api_gateway {
		counters redis rediss://%s {
			tls {
				ca %[3]s/cert.pem
				client_certificate %[3]s/cert.pem %[3]s/key.pem
				server_name redis.test
			}
			on_error deny
			timeout  5s
		}
	}`, a.port, address, folder), `
	api_limit callers {
		quota 1 1h
	}
	{PROXY}`)
	is(t, "within the quota", g.Do("GET", "/", ""), 200, "")
	is(t, "over the quota", g.Do("GET", "/", ""), 429, "")
	if c := a.counters().Counters; c.Mode != "shared" {
		t.Errorf("the status says %+v", c)
	}
}

// TestRedisBySentinel counts on the master that a sentinel names, each with a password of its own, and where another has
// taken its place on that one.
func TestRedisBySentinel(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "s3cr3t")
	file := filepath.Join(t.TempDir(), "sentinel")
	gatewaytest.Write(t, file, "t0ps3cr3t\n")
	master, replica, sentinel := redistest.Watched(t, "s3cr3t", "t0ps3cr3t")
	a := &admin{t, gatewaytest.FreePort(t)}
	counters := func(password string) string {
		return fmt.Sprintf(`
	admin localhost:%d
	api_gateway {
		counters redis {
			sentinel gw %s {
				password %s
			}
			password {env.REDIS_PASSWORD}
			on_error deny
			timeout  5s
		}
	}`, a.port, sentinel.Address, password)
	}
	limited := `
	api_limit callers {
		quota 100 8760h
	}
	{PROXY}`
	t.Run("the sentinel's password is wrong", func(t *testing.T) {
		g, _, _ := alone(t, nil, counters("{env.REDIS_PASSWORD}"), limited)
		is(t, "nobody says who the master is", g.Do("GET", "/", ""), 503, "#temporary-reduced-capacity")
		if c := a.counters().Counters; c.Mode != "deny" || c.Error == "" || strings.Contains(c.Error, "s3cr3t") {
			t.Errorf("the status says %+v", c)
		}
	})

	g, _, _ := alone(t, nil, counters("{file."+file+"}"), limited)
	is(t, "by the master", g.Do("GET", "/", ""), 200, "")
	config := a.get("/config/")
	if c := a.counters().Counters; c.Mode != "shared" || strings.Contains(config, "s3cr3t") {
		t.Errorf("the status says %+v, the configuration %s", c, config)
	}
	replica.Follows(master)
	master.Kill()
	g.Within(30*time.Second, "Redis is away", func() bool { return g.Do("GET", "/", "").Status == 503 })
	g.Within(60*time.Second, "the replica counts on", func() bool { return g.Do("GET", "/", "").Status == 200 })
	var left int
	if _, err := fmt.Sscanf(g.Do("GET", "/", "").Header.Get("RateLimit"), `"8760h";r=%d`, &left); err != nil || left > 97 {
		t.Errorf("%d are left, %v", left, err)
	}
}

// TestRedisAwayAtStart is a gateway whose Redis is not there: it is checked, starts, and counts its share.
func TestRedisAwayAtStart(t *testing.T) {
	t.Setenv("NODES", "2")
	g, _, _ := alone(t, nil, fmt.Sprintf(`
	api_gateway {
		counters redis rediss://localhost:%d {
			nodes {$NODES}
		}
	}`, gatewaytest.FreePort(t)), `
	api_limit callers {
		quota 6 1h
	}
	{PROXY}`)
	for range 3 {
		is(t, "within the share", g.Do("GET", "/", ""), 200, "")
	}
	is(t, "over the share", g.Do("GET", "/", ""), 429, "")
}

// TestRedisIsNotAskedWhenChecking has configurations with a Redis that nobody can reach checked: those without a mistake
// are good, and mistakes that no Caddyfile can have are told of JSON.
func TestRedisIsNotAskedWhenChecking(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "s3cr3t")
	dir := t.TempDir()
	gatewaytest.Write(t, dir+"/ca.pem", "no certificate")
	for _, test := range []struct{ counters, want string }{
		{`"address":"redis://192.0.2.1"`, ""},
		{`"address":"redis://192.0.2.1","password":"{env.REDIS_PASSWORD}"`, ""},
		{`"cluster":["192.0.2.1:6379"],"tls":{}`, ""},
		{`"sentinel":{"master":"gw","addresses":["192.0.2.1:6379"],"password":"{env.REDIS_PASSWORD}"}`, ""},
		{``, "expected one of the address"},
		{`"address":"redis://192.0.2.1","cluster":["192.0.2.1:6379"]`, "expected one of the address"},
		{`"address":"redis://192.0.2.1","password":"s3cr3t"`, "shows in Caddy's configuration"},
		{`"address":"redis://192.0.2.1","password":"{env.NO_PASSWORD}"`, "password: "},
		{`"sentinel":{"master":"gw","addresses":["192.0.2.1:6379"],"password":"{file./nowhere}"}`, "password: "},
		{`"sentinel":{"addresses":["192.0.2.1:6379"]}`, "the name of the master"},
		{`"cluster":["192.0.2.1:6379"],"database":1`, "only database 0"},
		{`"address":"redis://192.0.2.1","database":-1`, "database: -1 is not between"},
		{`"address":"redis://192.0.2.1","pool_size":-1`, "pool_size: -1 is not between"},
		{`"address":"redis://192.0.2.1","timeout":60000000000`, "timeout: 1m0s is not between"},
		{`"address":"redis://192.0.2.1","on_error":"wait"`, `not "wait"`},
		{`"address":"redis://192.0.2.1","nodes":200`, "nodes: 200 is not between"},
		{`"address":"redis://192.0.2.1","prefix":"{a}"`, "prefix: expected"},
		{`"address":"redis://192.0.2.1","tls":{}`, "write rediss:"},
		{`"address":"rediss://192.0.2.1","tls":{"ca":"` + dir + `/none.pem"}`, "tls: ca: "},
		{`"address":"rediss://192.0.2.1","tls":{"ca":"` + dir + `/ca.pem"}`, "holds no certificate"},
		{`"address":"rediss://192.0.2.1","tls":{"certificate":"a.pem"}`, "a certificate needs its key"},
		{`"address":"rediss://192.0.2.1","tls":{"certificate":"` + dir + `/ca.pem","key":"` + dir + `/ca.pem"}`, "client_certificate: "},
	} {
		var config caddy.Config
		engine := strings.TrimSuffix(`"engine":"redis",`+test.counters, ",")
		if err := json.Unmarshal([]byte(`{"admin":{"disabled":true},"apps":{"api_gateway":{"counters":{`+engine+`}}}}`), &config); err != nil {
			t.Fatal(err)
		}
		err := caddy.Validate(&config)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) || err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: got %v, want %q", test.counters, err, test.want)
		}
	}
}
