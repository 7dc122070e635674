package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/wicketgate/wicketgate/internal/bundle"
	"github.com/wicketgate/wicketgate/internal/watch"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// UnmarshalCaddyfile sets up the source:
//
//	policies bundle <url> {
//		verify <file> {
//			key_id    <id>
//			algorithm <name>
//			scope     <scope>
//		}
//		poll               <least> [<most>]
//		long_polling       <time>
//		bearer             <placeholder>
//		client_certificate <certificate> <key>
//		ca                 <file>
//		limit              <time>
//		cache              <size> | off
//		allow_builtin      <names...>
//		shadow             <folder> | <source> ...
//		max_size           <archive> [<unpacked>]
//	}
//
// The words mean:
//
//   - url is where the bundle is, https:// but on loopback or with verify.
//   - verify names a key that bundles are signed with: a public key in PEM, or the secret of an HMAC. It may be given
//     again, with a key_id each. Without it, whoever runs the server writes the policies.
//   - key_id is the id by which signatures name the key. Default: it is used whatever they name.
//   - algorithm is that of signatures. Default: RS256, HS256, or what an elliptic key is for.
//   - scope is what signatures must say they are for. Default: nothing.
//   - poll is the time between two requests, in whole seconds. Default: 60s 120s.
//   - long_polling is how long the server may wait for a new bundle before it answers. Default: it is not asked to.
//   - bearer is the token that requests bear, as a placeholder: {env.BUNDLE_TOKEN} or {file./run/secrets/token}.
//   - client_certificate is what the gateway shows to the server.
//   - ca is a file of the authorities of the server's certificate. Default: the system's.
//   - limit is how long one decision may take, after which it is a denial. Default: 100ms.
//   - cache is how much memory decisions may take that are remembered for equal requests. Default: 32MiB.
//   - allow_builtin names built-in functions that policies may call although they are refused otherwise: http.send, net.…,
//     opa.runtime, rand.…. Decisions that can reach one are not remembered. Default: none.
//   - shadow says where policies come from that are tried out beside these, in the words of policies itself. Default: none.
//   - max_size bounds the archive, and all files in it together. Default: 64MiB 256MiB.
//
// Relative paths are relative to the Caddyfile. The block may be left out.
func (b *Bundle) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the word before the address
	args, err := stage.Arguments(d, 1, 1, "policies bundle <url>")
	if err != nil {
		return err
	}
	b.URL = args[0]
	if _, err := b.address(); err != nil && !strings.Contains(err.Error(), "over http") { // which depends on the block
		return d.WrapErr(err)
	}
	begin := *d
	words := stage.NewWords("policies bundle", append([]string{"verify", "poll", "long_polling", "bearer", "client_certificate", "ca", "max_size"}, evaluationWords...), nil)
	if err := words.Each(d, func(word string) error { return b.word(d, word) }, "verify"); err != nil {
		return err
	}
	if _, err := b.address(); err != nil {
		return begin.WrapErr(err)
	}
	if len(b.Verify) > 1 && slices.ContainsFunc(b.Verify, func(k VerifyKey) bool { return k.KeyID == "" }) {
		return begin.Err("policies bundle: of several verify each needs a key_id")
	}
	b.hash()
	return nil
}

// hash notes what lies in the files that are read once. A client certificate is read for each connection.
func (b *Bundle) hash() {
	files := []string{}
	for _, k := range b.Verify {
		files = append(files, k.File)
	}
	if b.CA != "" {
		files = append(files, b.CA)
	}
	if len(files) > 0 {
		b.FilesHash = watch.Hash(files, func(string) bool { return true })
	}
}

func (b *Bundle) word(d *caddyfile.Dispenser, word string) (err error) {
	switch word {
	case "verify":
		return b.verify(d)
	case "poll":
		args, err := stage.Arguments(d, 1, 2, "poll <least> [<most>], such as 30s 60s")
		if err != nil {
			return err
		}
		if b.PollMin, err = seconds(d, word, args[0], mostPoll); err == nil && len(args) > 1 {
			b.PollMax, err = seconds(d, word, args[1], mostPoll)
		}
		if err == nil && b.PollMax != 0 && b.PollMax < b.PollMin {
			err = d.Errf("poll: the most, %s, is less than the least", args[1])
		}
		return err
	case "ca":
		return stage.Certificates(d, word, &b.CA, nil, nil)
	case "client_certificate":
		b.ClientCertificate = &ClientCertificate{}
		return stage.Certificates(d, word, nil, &b.ClientCertificate.Certificate, &b.ClientCertificate.Key)
	case "max_size":
		return b.size(d)
	}
	if slices.Contains(evaluationWords, word) {
		return b.Evaluation.word(d, word)
	}
	usage := map[string]string{"long_polling": "<time>", "bearer": "<placeholder>"}
	args, err := stage.Arguments(d, 1, 1, word+" "+usage[word])
	if err != nil {
		return err
	}
	switch word {
	case "long_polling":
		b.LongPolling, err = seconds(d, word, args[0], mostLongPolling)
	case "bearer":
		b.Bearer = args[0]
		if !strings.Contains(b.Bearer, "{") {
			return d.Err("bearer: a token that is written here shows in Caddy's configuration; say where it is, {env.BUNDLE_TOKEN} or {file./run/secrets/token}")
		}
	}
	return err
}

func (b *Bundle) verify(d *caddyfile.Dispenser) error {
	args, err := stage.Arguments(d, 1, 1, "verify <file>")
	if err != nil {
		return err
	}
	key := VerifyKey{File: stage.Path(d, args[0])}
	if slices.ContainsFunc(b.Verify, func(k VerifyKey) bool { return k.File == key.File }) {
		return d.Errf("verify: %s is given twice", args[0])
	}
	err = stage.NewWords("verify", []string{"key_id", "algorithm", "scope"}, nil).Each(d, func(word string) error {
		args, err := stage.Arguments(d, 1, 1, word+" <value>")
		if err != nil {
			return err
		}
		switch word {
		case "key_id":
			key.KeyID = args[0]
			if slices.ContainsFunc(b.Verify, func(k VerifyKey) bool { return k.KeyID == key.KeyID }) {
				return d.Errf("verify: two keys have the key_id %s", key.KeyID)
			}
		case "algorithm":
			key.Algorithm = args[0]
			if !slices.Contains(bundle.Algorithms, key.Algorithm) {
				return d.Errf("algorithm: %q is not one of %s", key.Algorithm, strings.Join(bundle.Algorithms, ", "))
			}
		case "scope":
			key.Scope = args[0]
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.Verify = append(b.Verify, key)
	return nil
}

func (b *Bundle) size(d *caddyfile.Dispenser) error {
	args, err := stage.Arguments(d, 1, 2, "max_size <archive> [<unpacked>], such as 64MiB 256MiB")
	if err != nil {
		return err
	}
	if b.MaxSize, err = stage.Size(d, args[0]); err != nil || len(args) == 1 {
		return err
	}
	n, err := humanize.ParseBytes(args[1])
	if err != nil || n == 0 || n > mostUnpacked {
		return d.Errf("expected a size from 1B to 4GiB such as 256MiB, not %q", args[1])
	}
	b.MaxUnpacked = int64(n)
	return nil
}

// seconds reads a time in whole seconds, which is all that OPA counts.
func seconds(d *caddyfile.Dispenser, word, text string, most time.Duration) (caddy.Duration, error) {
	t, err := caddy.ParseDuration(text)
	if err != nil || t < time.Second || t > most || t%time.Second != 0 {
		return 0, d.Errf("%s takes whole seconds from 1s to %s, not %q", word, most, text)
	}
	return caddy.Duration(t), nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Bundle)(nil)
