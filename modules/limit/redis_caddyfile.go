package limit

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/watch"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// UnmarshalCaddyfile sets up the counters:
//
//	counters redis [<url>] {
//		cluster  <addresses...>
//		sentinel <master> <addresses...> {
//			username <name>
//			password <placeholder>
//		}
//		username  <name>
//		password  <placeholder>
//		database  <number>
//		tls {
//			ca                 <file>
//			client_certificate <certificate> <key>
//			server_name        <name>
//		}
//		prefix    <prefix>
//		pool_size <connections>
//		timeout   <time>
//		on_error  local|deny|allow
//		nodes     <number>
//	}
//
// The words mean:
//
//   - url is where the server is, redis:// or rediss:// for TLS. It is left out with cluster or sentinel.
//   - cluster names some servers of a cluster, which know the others.
//   - sentinel names a master and the sentinels that watch it. Its block says who the gateway is to the sentinels.
//   - username is the user of Redis. Default: its default user.
//   - password says where the password is: {env.REDIS_PASSWORD} or {file./run/secrets/redis}. Default: none.
//   - database is the number of the database. Default: 0.
//   - tls secures connections to a cluster or by sentinels, and says how; with a url, rediss:// does. Its block may be left
//     out.
//   - ca is a file of the authorities of the server's certificate. Default: the system's.
//   - client_certificate is what the gateway shows to the server.
//   - server_name is the name that the server's certificate must have. Default: the host of its address.
//   - prefix is what the names of all keys begin with, in braces. Default: wicketgate.
//   - pool_size is how many connections there may be to each server. Default: 10 for each processor.
//   - timeout is how long a request may wait for Redis, connecting included. Default: 50ms.
//   - on_error says what is done while Redis is away or slow: each gateway counts its share of every quota in memory, what
//     is counted is answered 503, or everything is let through. Default: local.
//   - nodes is how many gateways share the quotas, for their shares. Default: as many as Redis last knew of.
//
// Relative paths are relative to the Caddyfile. The block may be left out.
func (r *Redis) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	begin := *d
	args := d.RemainingArgs()
	if len(args) > 1 {
		return d.Err("expected: counters redis [<url>]; of several servers, write cluster or sentinel")
	}
	if len(args) == 1 {
		r.Address = args[0]
		if _, err := address(r.Address); err != nil {
			return d.WrapErr(err)
		}
	}
	words := stage.NewWords("counters redis", []string{
		"cluster", "sentinel", "username", "password", "database", "tls", "prefix", "pool_size", "timeout", "on_error", "nodes",
	}, nil)
	if err := words.Each(d, func(word string) error { return r.word(d, word) }); err != nil {
		return err
	}
	if err := r.where(); err != nil {
		return begin.WrapErr(err)
	}
	if r.Cluster != nil && r.Database != 0 {
		return begin.Err("database: a cluster has only database 0")
	}
	if r.TLS != nil && r.TLS.CA != "" {
		r.FilesHash = watch.Hash([]string{r.TLS.CA}, func(string) bool { return true })
	}
	return nil
}

func (r *Redis) word(d *caddyfile.Dispenser, word string) error {
	switch word {
	case "cluster":
		args, err := servers(d, 1, "cluster <addresses...>")
		r.Cluster = args
		return err
	case "sentinel":
		return r.sentinel(d)
	case "tls":
		return r.secure(d)
	}
	usage := map[string]string{
		"username": "<name>", "password": "<placeholder>, {env.NAME} or {file.PATH}", "database": "<number>", "prefix": "<prefix>",
		"pool_size": "<connections>", "timeout": "<time>", "on_error": "local, deny or allow", "nodes": "<number>",
	}
	args, err := stage.Arguments(d, 1, 1, word+" "+usage[word])
	if err != nil {
		return err
	}
	value := args[0]
	switch word {
	case "username":
		r.Username = value
	case "password":
		r.Password = value
		return shown(d, value)
	case "database":
		r.Database, err = number(d, word, value, 0, mostDatabase)
	case "prefix":
		if r.Prefix = value; !validPrefix(value) {
			err = d.Errf("prefix: expected 1 to %d letters, digits, or any of _-.: and not %q", mostPrefix, value)
		}
	case "pool_size":
		r.PoolSize, err = number(d, word, value, 1, mostPool)
	case "timeout":
		wait, parsed := caddy.ParseDuration(value)
		if parsed != nil || wait < leastTimeout || wait > mostTimeout {
			return d.Errf("timeout takes a time from %s to %s, not %q", leastTimeout, mostTimeout, value)
		}
		r.Timeout = caddy.Duration(wait)
	case "on_error":
		if _, known := modes[value]; !known {
			return d.Errf("on_error: expected local, deny or allow, not %q", value)
		}
		r.OnError = value
	case "nodes":
		r.Nodes, err = number(d, word, value, 1, mostNodes)
	}
	return err
}

// servers reads addresses, each host:port, that follow the words before them.
func servers(d *caddyfile.Dispenser, least int, usage string) ([]string, error) {
	args, err := stage.Arguments(d, least, least-1+mostServers, usage)
	if err != nil {
		return nil, err
	}
	for _, server := range args[least-1:] {
		if err := hostPort(server); err != nil {
			return nil, d.WrapErr(err)
		}
	}
	return args, nil
}

func shown(d *caddyfile.Dispenser, password string) error {
	if err := (&Redis{Password: password}).hidden(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func number(d *caddyfile.Dispenser, word, text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, d.Errf("%s takes a number from %d to %d, not %q", word, least, most, text)
	}
	return n, nil
}

func (r *Redis) sentinel(d *caddyfile.Dispenser) error {
	args, err := servers(d, 2, "sentinel <master> <addresses...>")
	if err != nil {
		return err
	}
	r.Sentinel = &Sentinel{Master: args[0], Addresses: args[1:]}
	return stage.NewWords("sentinel", []string{"username", "password"}, nil).Each(d, func(word string) error {
		args, err := stage.Arguments(d, 1, 1, word+" <value>")
		if err != nil {
			return err
		}
		if word == "username" {
			r.Sentinel.Username = args[0]
			return nil
		}
		r.Sentinel.Password = args[0]
		return shown(d, args[0])
	})
}

func (r *Redis) secure(d *caddyfile.Dispenser) error {
	if _, err := stage.Arguments(d, 0, 0, "tls, and a block"); err != nil {
		return err
	}
	r.TLS = &TLS{}
	return stage.NewWords("tls", []string{"ca", "client_certificate", "server_name"}, nil).Each(d, func(word string) error {
		if word != "server_name" {
			return stage.Certificates(d, word, &r.TLS.CA, &r.TLS.Certificate, &r.TLS.Key)
		}
		args, err := stage.Arguments(d, 1, 1, "server_name <name>")
		if err == nil {
			r.TLS.ServerName = args[0]
		}
		return err
	})
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Redis)(nil)
