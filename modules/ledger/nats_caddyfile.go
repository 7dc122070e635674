package ledger

import (
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/modules/peer"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// UnmarshalCaddyfile sets up the ledger:
//
//	ledger nats <address>[,<address>...] ... {
//		replicas           <number>
//		size               <size>
//		keep               <span>
//		username           <name>
//		password           <placeholder>
//		token              <placeholder>
//		nkey               <placeholder>
//		credentials        <file>
//		ca                 <file>
//		client_certificate <certificate> <key>
//	}
//
// The words mean:
//
//   - the addresses are those of servers of one cluster, nats://n1:4222, or tls://n1:4222 for TLS. At most 64.
//   - replicas is on how many servers each event is kept, 1 to 5; of 3 one may be lost, of 5 two. Default: 3.
//   - size is how many bytes of events may wait, 256MiB to 1TiB; beyond them senders are answered 503. As many again may
//     be parked, and be dead letters. Default: 1GiB.
//   - keep is how long dead letters are kept, 1h to 366d. Default: 30d.
//   - username and password, token, nkey or credentials say who the gateway is. Secrets are placeholders, {env.NAME} or
//     {file.PATH}; that of nkey is a user's seed. credentials is a file with a JWT and a seed. Default: none.
//   - ca is a file of the authorities that the servers' certificates may come from; with it, or with client_certificate, all
//     connections use TLS. Default: the system's.
//   - client_certificate is what the gateway shows. Default: nothing.
//
// Relative paths are relative to the Caddyfile. The block may be left out.
func (n *NATS) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	begin := *d
	args, err := stage.Arguments(d, 1, mostServers, "ledger nats <address>[,<address>...]")
	if err != nil {
		return err
	}
	for _, arg := range args {
		for server := range strings.SplitSeq(arg, ",") {
			if err := checkServer(server); err != nil {
				return d.WrapErr(err)
			}
			n.Servers = append(n.Servers, server)
		}
	}
	if len(n.Servers) > mostServers {
		return d.Errf("at most %d servers are named; they tell of the others", mostServers)
	}
	words := stage.NewWords("ledger nats", []string{
		"replicas", "size", "keep", "username", "password", "token", "nkey", "credentials", "ca", "client_certificate",
	}, nil)
	if err := words.Each(d, func(word string) error { return n.word(d, word) }); err != nil {
		return err
	}
	if err := n.checkCredentials(); err != nil {
		return begin.WrapErr(err)
	}
	return nil
}

func (n *NATS) word(d *caddyfile.Dispenser, word string) error {
	const placeholder = "<placeholder>, {env.NAME} or {file.PATH}"
	usage := map[string]string{
		"replicas": "<number>", "size": "<size>", "keep": "<span>", "username": "<name>", "password": placeholder, "token": placeholder,
		"nkey": placeholder, "credentials": "<file>", "ca": "<file>", "client_certificate": "<certificate> <key>",
	}
	count := 1 + strings.Count(usage[word], "> <")
	args, err := stage.Arguments(d, count, count, word+" "+usage[word])
	if err != nil {
		return err
	}
	value := args[0]
	switch word {
	case "replicas":
		if n.Replicas, err = strconv.Atoi(value); err != nil || n.Replicas < 1 || n.Replicas > mostReplicas {
			return d.Errf("replicas takes a number from 1 to %d, not %q", mostReplicas, value)
		}
	case "size":
		n.Size, err = size(d, value)
	case "keep":
		n.Keep, err = keep(d, value)
	case "username":
		n.Username = value
	case "password":
		n.Password = value
		return shown(d, word, value)
	case "token":
		n.Token = value
		return shown(d, word, value)
	case "nkey":
		n.NKey = value
		return shown(d, word, value)
	case "credentials":
		n.Credentials = stage.Path(d, value)
	case "ca":
		n.CA = stage.Path(d, value)
	case "client_certificate":
		n.ClientCertificate = &ClientCertificate{Certificate: stage.Path(d, value), Key: stage.Path(d, args[1])}
	}
	return err
}

// shown refuses a secret in a Caddyfile, without quoting it.
func shown(d *caddyfile.Dispenser, word, value string) error {
	if peer.Placeholder(value) {
		return nil
	}
	return d.Errf("%s takes a placeholder, {env.NAME} or {file.PATH}, so that the secret itself is not in the configuration", word)
}

// Interface guards
var _ caddyfile.Unmarshaler = (*NATS)(nil)
