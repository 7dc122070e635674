// Package ledger faces Caddy for the ledger: where events are kept until they are delivered.
package ledger

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(Embedded{})
}

// Bounds of the fields.
const (
	leastSize = 256 << 20 // nine events of the largest size, and room to park them
	mostSize  = 1 << 40
	leastKeep = time.Hour
	mostKeep  = 366 * 24 * time.Hour
)

// Embedded keeps events in a folder of this machine, each synced to the disk before its sender is told that it is safe.
// It is NATS JetStream in this process, which listens nowhere. One process at a time may have a folder open.
type Embedded struct {
	// The folder. Default: api_gateway/ledger in Caddy's data folder.
	Folder string `json:"folder,omitempty"`

	// How many bytes of events may wait; beyond them senders are answered 503. As many again may be parked, be dead
	// letters, and be answers kept by idempotency keys. Default: 1073741824 (1 GiB). Bounds: 256 MiB to 1 TiB.
	Size int64 `json:"size,omitempty"`

	// How long dead letters are kept. Default: 720h. Bounds: 1h to 8784h.
	Keep caddy.Duration `json:"keep,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Embedded) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "api_gateway.ledgers.embedded",
		New: func() caddy.Module { return new(Embedded) },
	}
}

// Provision checks the fields. It opens nothing.
func (e *Embedded) Provision(caddy.Context) error {
	if e.Folder == "" {
		e.Folder = filepath.Join(caddy.AppDataDir(), "api_gateway", "ledger")
	}
	return check(&e.Size, &e.Keep)
}

// check looks at the bounds of a ledger, and fills in what is left open.
func check(size *int64, keep *caddy.Duration) error {
	if *size == 0 {
		*size = ledger.DefaultMaxBytes
	}
	if *keep == 0 {
		*keep = caddy.Duration(ledger.DefaultKeep)
	}
	if *size < leastSize || *size > mostSize {
		return fmt.Errorf("size: %d is not between %d and %d bytes", *size, int64(leastSize), int64(mostSize))
	}
	if k := time.Duration(*keep); k < leastKeep || k > mostKeep {
		return fmt.Errorf("keep: %s is not between %s and %s", k, leastKeep, mostKeep)
	}
	return nil
}

// Ledger implements gateway.LedgerSource.
func (e *Embedded) Ledger() (string, ledger.Config) {
	return "embedded " + e.Folder, ledger.Config{Folder: e.Folder, MaxBytes: e.Size, Keep: time.Duration(e.Keep)}
}

// UnmarshalCaddyfile sets up the ledger:
//
//	ledger embedded {
//		folder <folder>
//		size   <size>
//		keep   <span>
//	}
//
// The words mean:
//
//   - folder is where it lies, relative to the Caddyfile. Default: api_gateway/ledger in Caddy's data folder.
//   - size is how many bytes of events may wait, 256MiB to 1TiB; beyond them senders are answered 503. As many again may
//     be parked, be dead letters, and be answers kept by idempotency keys. Default: 1GiB.
//   - keep is how long dead letters are kept, 1h to 366d. Default: 30d.
func (e *Embedded) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	if d.NextArg() {
		return d.ArgErr()
	}
	words := stage.NewWords("ledger embedded", []string{"folder", "size", "keep"}, nil)
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		if err := words.Once(d, word); err != nil {
			return err
		}
		args, err := stage.Arguments(d, 1, 1, "ledger embedded: "+word+" <value>")
		if err != nil {
			return err
		}
		switch word {
		case "folder":
			e.Folder = stage.Path(d, args[0])
		case "size":
			e.Size, err = size(d, args[0])
		case "keep":
			e.Keep, err = keep(d, args[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Embedded)(nil)
	_ caddyfile.Unmarshaler = (*Embedded)(nil)
	_ gateway.LedgerSource  = (*Embedded)(nil)
)
