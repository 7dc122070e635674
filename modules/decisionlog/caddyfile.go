package decisionlog

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"github.com/dustin/go-humanize"

	"github.com/wicketgate/wicketgate/internal/decisionlog"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/modules/peer"
)

// Words of every log, of one in a file, and of one that is sent.
var (
	words     = []string{"mask", "on_full"}
	fileWords = []string{
		"mode", "dir_mode", "roll_disabled", "roll_size", "roll_uncompressed", "roll_compression", "roll_local_time",
		"roll_keep", "roll_keep_for", "roll_interval", "roll_minutes", "roll_at", "backup_time_format",
	}
	uploadWords = []string{"chunk_size", "delay", "spool", "bearer", "header", "ca", "client_certificate"}
)

// UnmarshalCaddyfile sets up the log:
//
//	decision_log <file>|stdout|<address> {
//		mask    <places...>
//		on_full block|drop
//
//		# of a file: how Caddy rotates it
//		roll_size     <size>
//		roll_keep     <number>
//		roll_keep_for <time>
//
//		# of an address, such as https://logs.acme.example/logs
//		chunk_size         <size>
//		delay              <least> <most>
//		spool              <folder> [<size>]
//		bearer             {env.NAME}|{file.PATH}
//		header             <name> <value>
//		ca                 <file>
//		client_certificate <certificate> <key>
//	}
//
// The words mean:
//
//   - mask names what is left out: input.body.card, /input/request/body/card. It may be given again.
//   - on_full says what becomes of a request whose decision finds no room: it is refused, or passes. Default: block.
//   - roll_size and the other words of Caddy's own output file say when a new file is begun, and how many are kept.
//   - chunk_size is how large what is sent at once may be, gzipped. Default: 32KiB.
//   - delay is how long a decision waits for others. Default: 5s 10s.
//   - spool is where decisions wait while the endpoint is away, and how much may. Default: Caddy's data folder, 256MiB.
//   - bearer is where the token is that is sent along. Default: none.
//   - header is a field that is sent along. It may be given again.
//   - ca is a file of authorities that the endpoint's certificate may come from. Default: the system's.
//   - client_certificate is what the gateway shows the endpoint. Default: none.
//
// Relative paths are relative to the Caddyfile.
func (c *Config) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the option's name
	name := d.Token()
	args := d.RemainingArgs()
	if len(args) != 1 || args[0] == "" {
		return d.Err("expected: decision_log <file>, stdout or an https address")
	}
	of := append(slices.Clone(words), fileWords...)
	switch to := args[0]; {
	case strings.Contains(to, "://"):
		if err := checkURL(to); err != nil {
			return d.WrapErr(err)
		}
		c.Upload = &Upload{URL: to}
		of = append(slices.Clone(words), uploadWords...)
	case to == "stdout":
		of = words
	}
	var file []caddyfile.Token
	given := map[string]bool{}
	for d.NextBlock(0) {
		word := d.Val()
		if !slices.Contains(of, word) {
			return unknown(d, word, of)
		}
		if given[word] && word != "mask" && word != "header" {
			return d.Errf("decision_log: %s is given twice", word)
		}
		given[word] = true
		if slices.Contains(fileWords, word) {
			file = append(file, d.NextSegment()...)
			continue
		}
		if err := c.word(d, word); err != nil {
			return err
		}
	}
	if c.Upload != nil {
		return nil
	}
	if args[0] == "stdout" {
		c.WriterRaw = caddyconfig.JSONModuleObject(caddy.StdoutWriter{}, "output", "stdout", nil)
		return nil
	}
	return c.file(name, relative(d, args[0]), file)
}

func unknown(d *caddyfile.Dispenser, word string, of []string) error {
	if s := diagnostic.Suggest(word, of); s != "" {
		return d.Errf("decision_log has no keyword %q here; did you mean %s?", word, s)
	}
	return d.Errf("decision_log has no keyword %q here; it takes %s", word, strings.Join(of, ", "))
}

// relative makes a path of a Caddyfile, which is relative to it, one that is relative to the working folder.
func relative(d *caddyfile.Dispenser, path string) string {
	if filepath.IsAbs(path) || strings.HasPrefix(path, "{") {
		return path
	}
	return filepath.Join(filepath.Dir(d.File()), path)
}

// file has Caddy's own writer read the words that are its.
func (c *Config) file(name caddyfile.Token, path string, options []caddyfile.Token) error {
	token := func(text string, line int) caddyfile.Token {
		t := name
		t.Text, t.Line = text, line
		return t
	}
	tokens := []caddyfile.Token{token("file", name.Line), token(path, name.Line)}
	if len(options) > 0 {
		tokens = append(tokens, token("{", name.Line))
		tokens = append(tokens, options...)
		tokens = append(tokens, token("}", options[len(options)-1].Line+1))
	}
	writer := &logging.FileWriter{}
	if err := writer.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens)); err != nil {
		return err
	}
	c.WriterRaw = caddyconfig.JSONModuleObject(writer, "output", "file", nil)
	return nil
}

// word reads a word that is ours.
func (c *Config) word(d *caddyfile.Dispenser, word string) error {
	args := d.RemainingArgs()
	if slices.Contains(args, "") {
		return d.Errf("decision_log: %s has an empty word", word)
	}
	usage := map[string]struct {
		least, most int
		text        string
	}{
		"mask":               {1, maxMasks, "mask <places...>, such as input.headers.authorization"},
		"on_full":            {1, 1, "on_full block or drop"},
		"chunk_size":         {1, 1, "chunk_size <size>, such as 32KiB"},
		"delay":              {2, 2, "delay <least> <most>, such as 5s 10s"},
		"spool":              {1, 2, "spool <folder> [<size>]"},
		"bearer":             {1, 1, "bearer {env.NAME} or {file.PATH}"},
		"header":             {2, 2, "header <name> <value>"},
		"ca":                 {1, 1, "ca <file>"},
		"client_certificate": {2, 2, "client_certificate <certificate> <key>"},
	}[word]
	if len(args) < usage.least || len(args) > usage.most {
		return d.Errf("expected: %s", usage.text)
	}
	switch word {
	case "mask":
		return c.masked(d, args)
	case "on_full":
		if c.OnFull = args[0]; c.OnFull != "block" && c.OnFull != "drop" {
			return d.Errf("expected: %s", usage.text)
		}
		return nil
	}
	return c.Upload.word(d, word, args)
}

func (c *Config) masked(d *caddyfile.Dispenser, places []string) error {
	for _, place := range places {
		if slices.Contains(c.Mask, place) {
			return d.Errf("mask %s is given twice", place)
		}
		if _, err := decisionlog.ParseMask(place); err != nil {
			return d.Errf("mask: %v", err)
		}
		c.Mask = append(c.Mask, place)
	}
	return nil
}

func (u *Upload) word(d *caddyfile.Dispenser, word string, args []string) error {
	switch word {
	case "chunk_size":
		n, err := humanize.ParseBytes(args[0])
		if err != nil || n < leastChunkSize || n > mostChunkSize {
			return d.Errf("chunk_size is from 1KiB to 16MiB, not %q", args[0])
		}
		u.ChunkSize = int(n)
	case "delay":
		least, err1 := caddy.ParseDuration(args[0])
		most, err2 := caddy.ParseDuration(args[1])
		if err1 != nil || err2 != nil || least < leastDelay || most < least || most > mostDelay {
			return d.Errf("delay takes two times from 10ms to 1h, the shorter first, not %q and %q", args[0], args[1])
		}
		u.MinDelay, u.MaxDelay = caddy.Duration(least), caddy.Duration(most)
	case "spool":
		u.Spool = relative(d, args[0])
		if len(args) == 2 {
			n, err := humanize.ParseBytes(args[1])
			if err != nil || n < 2*leastChunkSize || n > mostSpoolSize {
				return d.Errf("the size of the spool is from 2KiB to 1TiB, not %q", args[1])
			}
			u.SpoolSize = int64(n)
		}
	case "bearer":
		if u.Bearer = args[0]; !peer.Placeholder(u.Bearer) { // which may be the token itself
			return d.Err("bearer takes a placeholder, {env.NAME} or {file.PATH}, so that the token itself is not in the configuration")
		}
	case "header":
		for other := range u.Header {
			if strings.EqualFold(other, args[0]) {
				return d.Errf("header %s is given twice", args[0])
			}
		}
		if u.Header == nil {
			u.Header = map[string]string{}
		}
		u.Header[args[0]] = args[1]
	case "ca":
		u.CA = relative(d, args[0])
	case "client_certificate":
		u.ClientCertificate = &ClientCertificate{Certificate: relative(d, args[0]), Key: relative(d, args[1])}
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Config)(nil)
