package gateway

import (
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/watch"
	"github.com/wicketgate/wicketgate/modules/decisionlog"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("api_gateway", parseApp)
	httpcaddyfile.RegisterHandlerDirective("api_gateway", parseHandler)
}

// options are the words of the global option, for "did you mean".
var options = []string{"catalogue", "policies", "decision_log", "counters", "ledger", "variable", "watch", "signing", "usage", "heap_floor", "drain"}

// UnmarshalCaddyfile sets up the app from the global option:
//
//	api_gateway {
//		catalogue    <folders, files or globs...>
//		policies     <folder> | <source> ...
//		decision_log <file>|stdout|<address> ...
//		counters     <engine> ...
//		ledger       <engine> ...
//		variable     <name> <value>
//		watch        <interval>|off
//		usage        [<folder>|off] {
//			share off
//		}
//		heap_floor   <size>|off
//		drain        <span>
//		signing {
//			issuer <https address>
//			key    <file>
//			rotate <span>
//		}
//	}
//
// The words mean:
//
//   - catalogue says what is served. It may be given again. Without one, only single stages run.
//   - policies says where the Rego policies come from: a folder, or a source and what it takes.
//   - decision_log says where every decision of a policy is recorded. Default: nowhere.
//   - counters says what counts requests against quotas. Default: memory.
//   - ledger says where webhooks' events are kept until they are delivered. Default: embedded.
//   - variable sets a variable of the catalogue, var.<name>. It may be given again.
//   - watch is how often the files are looked at for changes, at least 10ms. Default: 500ms.
//   - usage is the folder where it is kept who calls what, for caddy gateway usage, or off. Default: api_gateway/usage in
//     Caddy's data folder.
//   - share is off where each gateway is to tell its own usage. Default: on, so that gateways with counters redis of one
//     prefix tell it together.
//   - heap_floor is how large the heap of the process gets before garbage is collected, where less than half of it is in use:
//     with little in use Go alone collects many times a second. At most a quarter of the memory limit counts, and none where
//     GOGC is set in the environment. Default: 128MiB; off leaves it to Go.
//   - drain is for how long, before a reload of Caddy ends this configuration or the process stops, callers on HTTP/1.1 are
//     asked to close their connections, with everything served as ever; a reload takes that much longer. At most 1m. Default:
//     not at all.
//   - signing is how tokens are signed that tell services who calls. Default: not at all.
//   - issuer is what tokens are issued by, an https address by which services know this gateway. Required.
//   - key is a file of your own keys in PEM, at most 4: the first signs, those below it are only published, so that services
//     know the next one before it signs. It is watched. Default: keys that the gateway makes, keeps in Caddy's storage and
//     shares with the other nodes that use it.
//   - rotate is for how long a key that the gateway made signs, from 1h to 366d. Default: 30d.
//
// Relative paths are relative to the Caddyfile.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the option's name
	if d.NextArg() {
		return d.ArgErr()
	}
	base := filepath.Dir(d.File())
	given := map[string]bool{}
	for d.NextBlock(0) {
		word := d.Val()
		if given[word] && word != "variable" && word != "catalogue" {
			return d.Errf("%s is given twice", word)
		}
		given[word] = true
		if err := a.option(d, word, base); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) option(d *caddyfile.Dispenser, word, base string) (err error) {
	switch word {
	case "catalogue":
		args := d.RemainingArgs()
		if len(args) == 0 {
			return d.ArgErr()
		}
		for _, arg := range args {
			a.Catalogue = append(a.Catalogue, relative(base, arg))
		}
	case "policies":
		a.PoliciesRaw, err = ParsePolicies(d)
	case "decision_log":
		a.DecisionLog = &decisionlog.Config{}
		return a.DecisionLog.UnmarshalCaddyfile(d.NewFromNextSegment())
	case "counters":
		a.CountersRaw, err = guest(d, "api_gateway.counters", "engine", "")
	case "ledger":
		a.LedgerRaw, err = guest(d, "api_gateway.ledgers", "engine", "")
	case "signing":
		return a.signing(d, base)
	case "usage":
		a.Usage = &Usage{}
		return a.Usage.unmarshal(d, base)
	case "variable":
		args := d.RemainingArgs()
		if len(args) != 2 {
			return d.ArgErr()
		}
		if _, twice := a.Variables[args[0]]; twice {
			return d.Errf("variable %s is given twice", args[0])
		}
		if a.Variables == nil {
			a.Variables = make(map[string]string)
		}
		a.Variables[args[0]] = args[1]
	case "watch":
		args := d.RemainingArgs()
		if len(args) != 1 {
			return d.ArgErr()
		}
		if args[0] == "off" {
			a.Watch = -1
			break
		}
		interval, err := caddy.ParseDuration(args[0])
		if err != nil || interval < 10*time.Millisecond {
			return d.Errf("watch takes an interval of at least 10ms, or off, not %q", args[0])
		}
		a.Watch = caddy.Duration(interval)
	case "heap_floor":
		return a.heapFloor(d)
	case "drain":
		args := d.RemainingArgs()
		if len(args) != 1 {
			return d.ArgErr()
		}
		span, err := caddy.ParseDuration(args[0])
		if err != nil || span <= 0 || span > mostDrain {
			return d.Errf("drain takes a span of at most 1m such as 2s, not %q", args[0])
		}
		a.Drain = caddy.Duration(span)
	default:
		return unknown(d, word)
	}
	if err == nil && d.NextArg() {
		return d.ArgErr()
	}
	return err
}

// unmarshal reads what stands behind the word usage.
func (u *Usage) unmarshal(d *caddyfile.Dispenser, base string) error {
	args := d.RemainingArgs()
	if len(args) > 1 || len(args) == 1 && args[0] == "" {
		return d.ArgErr()
	}
	switch {
	case len(args) == 0:
	case args[0] == "off":
		u.Off = true
	default:
		u.Folder = relative(base, args[0])
	}
	block := false
	for nesting := d.Nesting(); d.NextBlock(nesting); block = true {
		switch {
		case d.Val() != "share":
			return d.Errf("usage has no keyword %q; it takes share", d.Val())
		case u.Unshared:
			return d.Errf("share is given twice")
		case u.Off:
			return d.Errf("usage off has nothing to share")
		}
		if args := d.RemainingArgs(); len(args) != 1 || args[0] != "off" {
			return d.Errf("expected: share off")
		}
		u.Unshared = true
	}
	if len(args) == 0 && !block {
		return d.ArgErr()
	}
	return nil
}

func unknown(d *caddyfile.Dispenser, word string) error {
	if s := diagnostic.Suggest(word, options); s != "" {
		return d.Errf("unrecognised option %s; did you mean %s?", word, s)
	}
	return d.Errf("unrecognised option %s", word)
}

// ParsePolicies reads where policies come from, after the word that stands before it: a source and what it takes, or a
// folder.
func ParsePolicies(d *caddyfile.Dispenser) (json.RawMessage, error) {
	return guest(d, "api_gateway.policies", "source", "folder")
}

// guest reads a guest module: its name, unless the word that follows is none and standard is what is meant then.
func guest(d *caddyfile.Dispenser, namespace, key, standard string) (json.RawMessage, error) {
	if !d.NextArg() {
		return nil, d.ArgErr()
	}
	name := d.Val()
	if _, err := caddy.GetModule(namespace + "." + name); err != nil {
		known := []string{}
		for _, m := range caddy.GetModules(namespace) {
			known = append(known, m.ID.Name())
		}
		if standard == "" {
			if s := diagnostic.Suggest(name, known); s != "" {
				return nil, d.Errf("there is no %s %s; did you mean %s?", key, name, s)
			}
			return nil, d.Errf("there is no %s %s", key, name)
		}
		d.Prev()
		name = standard
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(module, key, name, nil), nil
}

func relative(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// parseApp sets up the app from the global option and notes a hash of its files: Caddy ignores a reload whose
// configuration is the same to the byte, and a change of a catalogue alone would be lost on it.
func parseApp(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next() // to the option's name, whose line the error tells
		return nil, d.Err("the global option api_gateway is given twice")
	}
	a := &App{}
	if err := a.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	a.FilesHash = watch.Hash(a.Catalogue, catalogue.Loads)
	return httpcaddyfile.App{Name: "api_gateway", Value: caddyconfig.JSON(a, nil)}, nil
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_gateway [<matcher>] [<APIs...>]
//
// The words are the labels of the APIs that are served here. Default: all of the catalogue.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	for _, name := range d.RemainingArgs() {
		for _, other := range h.APIs {
			if name == other {
				return d.Errf("the API %s is named twice", name)
			}
		}
		h.APIs = append(h.APIs, name)
	}
	if d.NextBlock(0) {
		return d.Errf("api_gateway takes no block here: what it serves is in the catalogue")
	}
	return nil
}

func parseHandler(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*App)(nil)
	_ caddyfile.Unmarshaler = (*Handler)(nil)
)
