package ledger

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// size reads how many bytes may wait.
func size(d *caddyfile.Dispenser, text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n < leastSize || n > mostSize {
		return 0, d.Errf("size takes a size from 256MiB to 1TiB, not %q", text)
	}
	return int64(n), nil
}

// keep reads how long dead letters are kept.
func keep(d *caddyfile.Dispenser, text string) (caddy.Duration, error) {
	span, err := caddy.ParseDuration(text)
	if err != nil || span < leastKeep || span > mostKeep {
		return 0, d.Errf("keep takes a span from 1h to 366d, not %q", text)
	}
	return caddy.Duration(span), nil
}
