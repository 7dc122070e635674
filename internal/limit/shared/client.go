package shared

import (
	"context"
	"crypto/sha1" //nolint:gosec // what Redis calls a script by
	"crypto/tls"
	"encoding/hex"
	"net"
	"strconv"
	"time"

	// go-redis is the client that Redis itself maintains. What it saves us is knowing clusters and sentinels: who of
	// many servers is to be asked, and who took over. Its retries, its circuit breaking and its log are not used.
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/wicketgate/wicketgate/internal/secret"
)

func init() {
	logging.Disable() // every error comes back to us, and is told once
}

// Server says where Redis is, or Valkey, which speaks the same: one of Address, Cluster and Sentinels.
type Server struct {
	Address   string   // of one server, host:port
	Cluster   []string // of some servers of a cluster
	Sentinels []string // that know which server is the master
	Master    string   // the name that the sentinels know it by

	Username         string
	Password         func() (secret.Text, error) // read for each connection; nil for none
	SentinelUsername string
	SentinelPassword func() (secret.Text, error)
	Database         int         // 0 in a cluster
	TLS              *tls.Config // nil for none
	PoolSize         int         // connections to each server
}

// connecting is how long a connection may take to be made, at the least: TLS takes several round trips. No request waits for
// it longer than for anything else; the connection serves those that come later.
const connecting = 500 * time.Millisecond

// open makes a client, which connects when it is first used.
func (s *Server) open(timeout time.Duration) (redis.UniversalClient, error) {
	timeout = max(timeout, connecting)
	dialer := net.Dialer{Timeout: timeout}
	dial := dialer.DialContext
	if s.TLS != nil {
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			secured := tls.Dialer{NetDialer: &dialer, Config: s.TLS}
			return secured.DialContext(ctx, network, address)
		}
	}
	credentials := func(context.Context) (string, string, error) {
		password, err := reveal(s.Password)
		return s.Username, password, err
	}
	const protocol = 2 // nothing that came with 3 is used
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch {
	case s.Cluster != nil:
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: s.Cluster, Dialer: dial, Protocol: protocol, CredentialsProviderContext: credentials,
			MaxRedirects: 2, DisableRoutingPolicies: true, DialTimeout: timeout, DialerRetries: 1, ReadTimeout: timeout,
			WriteTimeout: timeout, PoolTimeout: timeout, ContextTimeoutEnabled: true, PoolSize: s.PoolSize, PipelinePoolSize: -1,
			DisableIdentity: true, MaintNotificationsConfig: quiet,
		}), nil
	case s.Sentinels != nil:
		password, err := reveal(s.SentinelPassword)
		if err != nil {
			return nil, err
		}
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: s.Master, SentinelAddrs: s.Sentinels, SentinelUsername: s.SentinelUsername, SentinelPassword: password,
			Dialer: dial, Protocol: protocol, CredentialsProviderContext: credentials, DB: s.Database,
			MaxRetries: -1, DialTimeout: timeout, DialerRetries: 1, ReadTimeout: timeout,
			WriteTimeout: timeout, PoolTimeout: timeout, ContextTimeoutEnabled: true, PoolSize: s.PoolSize, PipelinePoolSize: -1,
			DisableIdentity: true,
		}), nil
	}
	return redis.NewClient(&redis.Options{
		Addr: s.Address, Dialer: dial, Protocol: protocol, CredentialsProviderContext: credentials, DB: s.Database,
		MaxRetries: -1, DialTimeout: timeout, DialerRetries: 1, ReadTimeout: timeout,
		WriteTimeout: timeout, PoolTimeout: timeout, ContextTimeoutEnabled: true, PoolSize: s.PoolSize, PipelinePoolSize: -1,
		DisableIdentity: true, MaintNotificationsConfig: quiet,
	}), nil
}

func reveal(password func() (secret.Text, error)) (string, error) {
	if password == nil {
		return "", nil
	}
	text, err := password()
	return text.Reveal(), err
}

// script is one that Redis keeps, known by a hash of its text.
type script struct{ text, hash string }

func newScript(text string) *script {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // as above
	return &script{text, hex.EncodeToString(sum[:])}
}

// run has the script run, and sends its text where Redis does not know it yet: the first time after its start.
func (s *script) run(ctx context.Context, client redis.UniversalClient, keys []string, args ...any) (*redis.Cmd, error) {
	cmd, err := s.process(ctx, client, "evalsha", s.hash, keys, args)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		cmd, err = s.process(ctx, client, "eval", s.text, keys, args)
	}
	return cmd, err
}

func (*script) process(ctx context.Context, client redis.UniversalClient, command, which string, keys []string, args []any) (*redis.Cmd, error) {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, command, which, strconv.Itoa(len(keys)))
	for _, key := range keys {
		all = append(all, key)
	}
	cmd := redis.NewCmd(ctx, append(all, args...)...)
	err := client.Process(ctx, once{cmd})
	return cmd, err
}

// once is a command that is sent once: one whose answer is lost may have been carried out.
type once struct{ *redis.Cmd }

// NoRetry implements redis.Cmder.
func (once) NoRetry() bool { return true }
