package limit

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/limit/shared"
	"github.com/wicketgate/wicketgate/internal/secret"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/peer"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(new(Redis))
}

// redises are the connections to Redis in use, so that a reload of Caddy keeps them, and what was counted while it was
// away. They are told from others by all that a configuration says, and by what lies in the files it names.
var redises = caddy.NewUsagePool()

// Defaults and bounds of the fields of Redis.
const (
	defaultPrefix  = "wicketgate"
	defaultTimeout = 50 * time.Millisecond
	leastTimeout   = time.Millisecond
	mostTimeout    = 5 * time.Second
	mostServers    = 64
	mostDatabase   = 1 << 20
	mostPool       = 1000
	mostNodes      = 128
	mostPrefix     = 64
	mostFile       = 256 << 10 // bytes of a file of authorities
)

// Redis counts on a Redis that several gateways share: together they admit a quota once. All limits of a request are
// charged in one round trip, by the clock of Redis. Redis 6.2 or newer is needed, or Valkey. In a cluster, one of its
// servers counts for all gateways of a prefix, since all that a request is charged for must lie in one place; the others are
// there to take over.
type Redis struct {
	// Where the server is: "redis://10.0.0.5:6379", or "rediss://" for TLS. The port may be left out, 6379 is meant.
	// Default: none; then cluster or sentinel says it.
	Address string `json:"address,omitempty"`

	// Some servers of a cluster, which know the others: host:port, at most 64. Default: none.
	Cluster []string `json:"cluster,omitempty"`

	// The sentinels that know which server is the master. Default: none.
	Sentinel *Sentinel `json:"sentinel,omitempty"`

	// The user of Redis. Default: its default user.
	Username string `json:"username,omitempty"`

	// The password, as a placeholder that is read anew for each connection: "{env.REDIS_PASSWORD}" or
	// "{file./run/secrets/redis}". Default: none.
	Password string `json:"password,omitempty"`

	// The database, by its number. Default: 0. Bound: 1048576; a cluster has only 0.
	Database int `json:"database,omitempty"`

	// How connections are secured. Default: not at all, or as rediss:// does.
	TLS *TLS `json:"tls,omitempty"`

	// What the names of all keys begin with, in braces: gateways with one prefix count together. 1 to 64 letters, digits,
	// or any of `_-.:`. Default: wicketgate.
	Prefix string `json:"prefix,omitempty"`

	// How many connections there may be to each server. Default: 10 for each processor, 5 in a cluster. Bound: 1000.
	PoolSize int `json:"pool_size,omitempty"`

	// How long a request may wait for Redis, connecting included. Default: 50ms. Bounds: 1ms to 5s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// What is done while Redis is away or slow: "local", each gateway counts its share of every quota in memory; "deny",
	// what is counted is answered 503; "allow", everything is let through. Default: local.
	OnError string `json:"on_error,omitempty"`

	// How many gateways share the quotas, so that each one's share is that part of them, and at least one request.
	// Default: as many as Redis last knew of, or one where it was away from the start. Bound: 128.
	Nodes int `json:"nodes,omitempty"`

	// A hash of the files that are named, which the Caddyfile adapter writes so that a reload of Caddy sees a change of
	// theirs; it says nothing to the gateway. Default: none.
	FilesHash string `json:"files_hash,omitempty"`

	counter *shared.Counter
	key     string // in redises
	logger  *zap.Logger
}

// Sentinel names a master and the sentinels that watch it.
type Sentinel struct {
	// The name that the sentinels know the master by. Required.
	Master string `json:"master"`

	// The sentinels: host:port, 1 to 64. Required.
	Addresses []string `json:"addresses"`

	// The user of the sentinels. Default: their default user.
	Username string `json:"username,omitempty"`

	// The password for the sentinels, as a placeholder that is read anew for each attempt. Default: none.
	Password string `json:"password,omitempty"`
}

// TLS is how connections to Redis are secured. Sentinels are spoken to in the same way.
type TLS struct {
	// A file of the authorities that the server's certificate may come from, in PEM, at most 256 KiB. Default: the
	// system's.
	CA string `json:"ca,omitempty"`

	// The file of the certificate that the gateway shows, in PEM; it is read for each connection. Default: none.
	Certificate string `json:"certificate,omitempty"`

	// The file of its private key, in PEM. Required with certificate.
	Key string `json:"key,omitempty"`

	// The name that the server's certificate must have. Default: the host of its address.
	ServerName string `json:"server_name,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Redis) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "api_gateway.counters.redis",
		New: func() caddy.Module { return new(Redis) },
	}
}

// Provision finds the connections of an earlier configuration, or prepares new ones; it connects to nobody.
func (r *Redis) Provision(ctx caddy.Context) error {
	r.logger = ctx.Logger()
	r.setDefaults()
	config, err := r.config()
	if err != nil {
		return fmt.Errorf("counters redis: %w", err)
	}
	if err := registerRedisMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	counter, _, err := redises.LoadOrNew(r.key, func() (caddy.Destructor, error) {
		c, err := shared.New(*config)
		return connected{c}, err
	})
	if err != nil {
		r.key = ""
		return fmt.Errorf("counters redis: %w", err)
	}
	r.counter = counter.(connected).Counter
	return nil
}

// connected is a counter in the pool.
type connected struct{ *shared.Counter }

// Destruct takes leave of Redis.
func (c connected) Destruct() error {
	end(c.Counter)
	return c.Close()
}

// Cleanup gives the connections up, which ends them when no configuration uses them.
func (r *Redis) Cleanup() error {
	if r.counter == nil {
		return nil
	}
	_, err := redises.Delete(r.key)
	return err
}

// Counter gives the counters.
func (r *Redis) Counter() limit.Counter { return r.counter }

func (r *Redis) setDefaults() {
	if r.Prefix == "" {
		r.Prefix = defaultPrefix
	}
	if r.Timeout == 0 {
		r.Timeout = caddy.Duration(defaultTimeout)
	}
	if r.OnError == "" {
		r.OnError = shared.Local.String()
	}
}

// modes are what on_error may say.
var modes = map[string]shared.Mode{"local": shared.Local, "deny": shared.Deny, "allow": shared.Allow}

// config checks the fields, and makes of them what a counter is told. It sets the key that tells it from others.
func (r *Redis) config() (*shared.Config, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	config := &shared.Config{
		Prefix: r.Prefix, Timeout: time.Duration(r.Timeout), OnError: modes[r.OnError], Nodes: r.Nodes, Counts: redisCounts,
		Server: shared.Server{
			Cluster: r.Cluster, Username: r.Username, Password: peer.Secret(r.Password), Database: r.Database, PoolSize: r.PoolSize,
		},
	}
	server := &config.Server
	secured := r.TLS
	if r.Address != "" {
		at, err := address(r.Address)
		if err != nil {
			return nil, err
		}
		server.Address = at.Host
		if at.Scheme == "rediss" && secured == nil {
			secured = &TLS{}
		}
	}
	if r.Sentinel != nil {
		server.Master, server.Sentinels = r.Sentinel.Master, r.Sentinel.Addresses
		server.SentinelUsername, server.SentinelPassword = r.Sentinel.Username, peer.Secret(r.Sentinel.Password)
	}
	for _, given := range []func() (secret.Text, error){server.Password, server.SentinelPassword} {
		if given == nil {
			continue
		}
		if _, err := given(); err != nil { // a gateway whose password is missing is not started
			return nil, fmt.Errorf("password: %w", err)
		}
	}
	var authorities []byte
	var err error
	if secured != nil {
		if server.TLS, authorities, err = secured.config(); err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
	}
	written, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append(fmt.Appendf(nil, "%d:%s", len(written), written), authorities...))
	r.key = hex.EncodeToString(sum[:])
	return config, nil
}

func (r *Redis) check() error {
	if err := r.where(); err != nil {
		return err
	}
	if err := r.hidden(); err != nil {
		return err
	}
	switch _, known := modes[r.OnError]; {
	case r.Database < 0 || r.Database > mostDatabase:
		return fmt.Errorf("database: %d is not between 0 and %d", r.Database, mostDatabase)
	case r.Cluster != nil && r.Database != 0:
		return errors.New("database: a cluster has only database 0")
	case r.PoolSize < 0 || r.PoolSize > mostPool:
		return fmt.Errorf("pool_size: %d is not between 1 and %d", r.PoolSize, mostPool)
	case r.Timeout < caddy.Duration(leastTimeout) || r.Timeout > caddy.Duration(mostTimeout):
		return fmt.Errorf("timeout: %s is not between %s and %s", time.Duration(r.Timeout), leastTimeout, mostTimeout)
	case !known:
		return fmt.Errorf("on_error: expected local, deny or allow, not %q", r.OnError)
	case r.Nodes < 0 || r.Nodes > mostNodes:
		return fmt.Errorf("nodes: %d is not between 1 and %d", r.Nodes, mostNodes)
	case !validPrefix(r.Prefix):
		return fmt.Errorf("prefix: expected 1 to %d letters, digits, or any of _-.: and not %q", mostPrefix, r.Prefix)
	}
	return nil
}

// hidden checks that no password stands where all of the configuration can be read.
func (r *Redis) hidden() error {
	all := []string{r.Password}
	if r.Sentinel != nil {
		all = append(all, r.Sentinel.Password)
	}
	for _, p := range all {
		if p != "" && !strings.Contains(p, "{") {
			return errors.New("password: what is written here shows in Caddy's configuration; say where the password is instead, {env.REDIS_PASSWORD} or {file./run/secrets/redis}")
		}
	}
	return nil
}

// where checks that exactly one thing says where Redis is.
func (r *Redis) where() error {
	given := 0
	for _, is := range []bool{r.Address != "", r.Cluster != nil, r.Sentinel != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("expected one of the address of a Redis, such as redis://10.0.0.5:6379, cluster, and sentinel")
	}
	if r.Address != "" {
		at, err := address(r.Address)
		if err != nil {
			return err
		}
		if at.Scheme == "redis" && r.TLS != nil {
			return errors.New("tls: the address begins with redis:, which is not secured; write rediss: instead")
		}
	}
	servers := r.Cluster
	if r.Sentinel != nil {
		if servers = r.Sentinel.Addresses; r.Sentinel.Master == "" || len(servers) == 0 {
			return errors.New("sentinel: expected the name of the master, and the addresses of sentinels")
		}
	}
	if len(servers) > mostServers {
		return fmt.Errorf("there may be at most %d addresses", mostServers)
	}
	for _, server := range servers {
		if err := hostPort(server); err != nil {
			return err
		}
	}
	return nil
}

// address reads redis://host:port. Whatever else a URL may hold has a word of its own.
func address(text string) (*url.URL, error) {
	at, err := url.Parse(text)
	switch {
	case err != nil || at.Hostname() == "" || at.Scheme != "redis" && at.Scheme != "rediss" || at.RawQuery != "" || at.Fragment != "":
		return nil, errors.New("expected the address of a Redis, such as redis://10.0.0.5:6379, or rediss:// for TLS")
	case at.User != nil:
		return nil, errors.New("the address holds a user or a password, which would show in Caddy's configuration; use username and password")
	case at.Path != "" && at.Path != "/":
		return nil, errors.New("the address holds a path; which database is meant, database says")
	case at.Port() == "":
		at.Host = net.JoinHostPort(at.Hostname(), "6379")
	}
	return at, nil
}

func hostPort(server string) error {
	host, port, err := net.SplitHostPort(server)
	if err != nil || host == "" || port == "" || strings.ContainsAny(server, "/@{} ") {
		return fmt.Errorf("expected the address of a server as host:port, such as 10.0.0.5:6379, not %q", server)
	}
	return nil
}

// validPrefix says whether the prefix may stand between braces in a key's name and in a rule of who may use which keys.
func validPrefix(s string) bool {
	return s != "" && len(s) <= mostPrefix && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:") == ""
}

// config gives the configuration, and the authorities that were read for it.
func (t *TLS) config() (config *tls.Config, authorities []byte, err error) {
	var shown *peer.Certificate
	if t.Certificate != "" || t.Key != "" {
		shown = &peer.Certificate{Certificate: t.Certificate, Key: t.Key}
	}
	config, err = peer.TLS(t.CA, shown, func(path string) ([]byte, error) {
		text, err := stage.Read(path, mostFile)
		if err == nil && len(text) > mostFile {
			err = fmt.Errorf("%s has more than %d bytes", path, mostFile)
		}
		authorities = text
		return text, err
	})
	if err != nil {
		return nil, nil, err
	}
	config.ServerName = t.ServerName
	return config, authorities, nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Redis)(nil)
	_ caddy.CleanerUpper          = (*Redis)(nil)
	_ gateway.LiveCounterSource   = (*Redis)(nil)
	_ gateway.SharedCounterSource = (*Redis)(nil)
)
