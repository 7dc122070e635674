package shared

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/limit/redistest"
	"github.com/wicketgate/wicketgate/internal/secret"
	"github.com/wicketgate/wicketgate/internal/usage"
)

func password(text string) func() (secret.Text, error) {
	return func() (secret.Text, error) { return secret.New(text), nil }
}

// rights are what a user of Redis needs who counts, shares usage and does nothing else: as docs/limits.md has them, and of a
// cluster one more.
var rights = strings.Fields("~{wicketgate}:* +hello +auth +select +ping +eval +evalsha +time +get +set +zadd +zrem +zcard +zcount +zremrangebyscore +zrevrange +pexpire +pexpireat +hset +hgetall +cluster|slots")

// TestUser counts as a user who has no other rights, in a database of its own, and as one whose password is wrong.
func TestUser(t *testing.T) {
	s := redistest.Start(t)
	s.CLI(append([]string{"ACL", "SETUSER", "gateway", "on", ">s3cr3t"}, rights...)...)
	s.CLI("ACL", "SETUSER", "default", "off")
	good := config(s.Address)
	good.Server.Username, good.Server.Password, good.Server.Database = "gateway", password("s3cr3t"), 3
	c := open(t, good)
	for range 2 {
		if ok, _, err := take(c, "acme", 10); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	held := atOnce("acme", 1)
	if ok, err := c.Take(t.Context(), time.Now(), held, states()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	c.Return(t.Context(), held)
	if !c.renew(t.Context()) {
		t.Error(c.Status().Err)
	}
	if _, err := c.Write(t.Context(), "one", "hours:1", []usage.Field{{Name: []byte("a"), Value: []byte("b")}}, time.Now().Add(time.Hour), time.Hour); err != nil {
		t.Error(err)
	}
	fields := 0
	if err := c.Read(t.Context(), "one", []string{"hours:1"}, func(string, usage.Field) { fields++ }); err != nil || fields != 1 {
		t.Errorf("%d fields: %v", fields, err)
	}
	if all, err := c.Gateways(t.Context(), 1); err != nil || len(all) != 1 {
		t.Errorf("%q: %v", all, err)
	}
	for _, page := range []string{"../../../docs/limits.md", "../../../examples/production/users.acl"} {
		if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), strings.Join(rights[:len(rights)-1], " ")) {
			t.Errorf("%s has other rights: %v", page, err)
		}
	}

	for name, wrong := range map[string]func(*Server){
		"a wrong password":  func(s *Server) { s.Password = password("s3cr3ts3cr3t") },
		"no password":       func(s *Server) { s.Username, s.Password = "", nil },
		"an unknown prefix": nil,
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			if wrong == nil {
				bad.Prefix = "other"
			} else {
				wrong(&bad.Server)
			}
			c := open(t, bad)
			if ok, _, err := take(c, "acme", 10); ok || err == nil {
				t.Error(ok, err)
			}
			if err := c.Status().Err; err == nil || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the status says %v", err)
			}
		})
	}
}

// TestTLS counts over TLS, the gateway showing a certificate too.
func TestTLS(t *testing.T) {
	address, folder := redistest.Secured(t)
	file := func(name string) string { return filepath.Join(folder, name) }
	pair, err := tls.LoadX509KeyPair(file("cert.pem"), file("key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(file("cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	secured := config(address)
	for name, test := range map[string]struct {
		config *tls.Config
		works  bool
	}{
		"both known":        {&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, ServerName: "redis.test"}, true},
		"no certificate":    {&tls.Config{RootCAs: pool, ServerName: "redis.test"}, false},
		"an unknown server": {&tls.Config{Certificates: []tls.Certificate{pair}, ServerName: "redis.test"}, false},
		"another name":      {&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, ServerName: "other.test"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			test.config.MinVersion = tls.VersionTLS12
			config := secured
			config.Server.TLS = test.config
			c := open(t, config)
			if ok, _, err := take(c, name, 10); ok != test.works || (err == nil) != test.works {
				t.Error(ok, err, c.Status().Err)
			}
		})
	}
}

// TestSentinel loses the master, and counts on where the sentinel had the replica take over, and so does usage add up; where
// all of them ask for passwords, too.
func TestSentinel(t *testing.T) {
	for name, passwords := range map[string][2]string{"open": {}, "with passwords": {"s3cr3t", "t0ps3cr3t"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			master, replica, sentinel := redistest.Watched(t, passwords[0], passwords[1])
			config := config("")
			config.Server.Sentinels, config.Server.Master = []string{sentinel.Address}, "gw"
			if passwords[0] != "" {
				config.Server.Password, config.Server.SentinelPassword = password(passwords[0]), password(passwords[1])
			}
			c := open(t, config)
			if ok, left, err := take(c, "acme", 10); !ok || left != 9 || err != nil {
				t.Fatal(ok, left, err)
			}
			if passwords[0] != "" {
				strangers(t, config)
			}
			both := twoSharers(t, config)
			both.adds(t, master, 3, 0)
			replica.Follows(master)
			master.Kill()
			sentinel.Within(30*time.Second, "Redis is away", func() bool {
				_, _, err := take(c, "acme", 10)
				return err != nil
			})
			sentinel.Within(60*time.Second, "the replica counts on", func() bool {
				ok, left, err := take(c, "acme", 10)
				return ok && left <= 8 && err == nil // fewer where an answer came too late
			})
			both.adds(t, replica, 2, 6)
		})
	}
}

// strangers have the sentinel's password wrong, or the server's, and are told of neither.
func strangers(t *testing.T, good Config) {
	for name, wrong := range map[string]func(*Server){
		"the sentinel's is wrong": func(s *Server) { s.SentinelPassword = password("s3cr3t") },
		"none for the sentinel":   func(s *Server) { s.SentinelPassword = nil },
		"the server's is wrong":   func(s *Server) { s.Password = password("t0ps3cr3t") },
		"none for the server":     func(s *Server) { s.Password = nil },
	} {
		bad := good
		wrong(&bad.Server)
		c := open(t, bad)
		if ok, _, err := take(c, "acme", 10); ok || err == nil {
			t.Error(name, ok, err)
		}
		if err := c.Status().Err; err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: the status says %v", name, err)
		}
	}
}

// TestCluster counts all that a request is charged for on one node of three, and when it is gone on its replica. Usage adds
// up there as well.
func TestCluster(t *testing.T) {
	t.Parallel()
	servers, master, replica := redistest.Cluster(t, "{wicketgate}")
	config := config("")
	config.Server.Cluster = []string{servers[0].Address, servers[1].Address, servers[2].Address}
	c := open(t, config)
	charges := append(charge("acme", 1, 10), charge("192.0.2.7", 1, 10)...)
	charges[1].Limit, charges[1].AtOnce = limit.NewID("m/day"), 5
	three := append(states(), append(states(), states()...)...)
	if ok, err := c.Take(t.Context(), time.Now(), charges, three); !ok || err != nil || three[1].Remaining != 9 || three[2].Remaining != 4 {
		t.Fatal(ok, err, three)
	}
	if ok, left, err := take(c, "acme", 10); !ok || left != 8 || err != nil {
		t.Fatal(ok, left, err)
	}
	both := twoSharers(t, config)
	both.adds(t, master, 3, 0)
	replica.Follows(master)
	master.Kill()
	replica.Within(30*time.Second, "Redis is away", func() bool {
		_, _, err := take(c, "acme", 10)
		return err != nil
	})
	replica.Within(60*time.Second, "the replica counts on", func() bool {
		ok, left, err := take(c, "acme", 10)
		return ok && left <= 7 && err == nil // fewer where an answer came too late
	})
	both.adds(t, replica, 2, 6)
}
