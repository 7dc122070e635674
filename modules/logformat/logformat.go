// Package logformat faces Caddy for its logs: the format api_gateway, which leaves credentials out.
package logformat

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
)

func init() {
	caddy.RegisterModule(Encoder{})
}

// Encoder is a format for Caddy's logs that leaves out the credentials of callers, which Caddy's own formats show: the header
// fields and query parameters in which any API of the catalogue, or directive, takes API keys, tokens or proofs, the
// parameter access_token, in which some send tokens anyway, and the secrets of API keys wherever else they stand. It
// follows the configuration, so that nothing is written twice. What it writes is written by another format, and it filters
// fields as Caddy's format filter does.
type Encoder struct {
	// The format that the lines are written in. Default: json, or console where the log goes to a terminal.
	WrappedRaw json.RawMessage `json:"wrap,omitempty" caddy:"namespace=caddy.logging.encoders inline_key=format"`

	// Filters of fields by their names, as those of Caddy's format filter. Default: none.
	FieldsRaw map[string]json.RawMessage `json:"fields,omitempty" caddy:"namespace=caddy.logging.encoders.filter inline_key=filter"`

	within    any // the format that lines are written in, filtered or not
	unwritten bool
	ctx       caddy.Context

	zapcore.Encoder `json:"-"`
}

// CaddyModule returns the Caddy module information.
func (Encoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.logging.encoders.api_gateway",
		New: func() caddy.Module { return new(Encoder) },
	}
}

// Provision makes the format within ready. Caddy's filter stands between only where it filters, for it looks every field up.
func (e *Encoder) Provision(ctx caddy.Context) error {
	e.ctx = ctx
	if len(e.FieldsRaw) > 0 {
		filter := &logging.FilterEncoder{WrappedRaw: e.WrappedRaw, FieldsRaw: e.FieldsRaw}
		e.WrappedRaw, e.FieldsRaw = nil, nil // as Caddy does with what it has loaded
		if err := filter.Provision(ctx); err != nil {
			return err
		}
		e.within, e.Encoder = filter, conceal(filter)
		return nil
	}
	if e.WrappedRaw != nil {
		guest, err := ctx.LoadModule(e, "WrappedRaw")
		if err != nil {
			return fmt.Errorf("loading the format within: %w", err)
		}
		e.within, e.Encoder = guest, conceal(guest.(zapcore.Encoder))
		if json, ok := guest.(*logging.JSONEncoder); ok && json.LogEncoderConfig == (logging.LogEncoderConfig{}) {
			e.Encoder = &access{base: conceal(json.Encoder)}
		}
		return nil
	}
	e.unwritten = true
	json := &logging.JSONEncoder{}
	if err := json.Provision(ctx); err != nil {
		return err
	}
	e.Encoder = &access{base: conceal(json.Encoder)}
	return nil
}

// ConfigureDefaultFormat implements caddy.ConfiguresFormatterDefault.
func (e *Encoder) ConfigureDefaultFormat(to caddy.WriterOpener) error {
	if within, ok := e.within.(caddy.ConfiguresFormatterDefault); ok {
		return within.ConfigureDefaultFormat(to)
	}
	if !e.unwritten || !caddy.IsWriterStandardStream(to) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	console := &logging.ConsoleEncoder{}
	if err := console.Provision(e.ctx); err != nil {
		return err
	}
	e.Encoder = conceal(console.Encoder)
	return nil
}

// concealing is an encoder in which no field has a credential.
type concealing struct {
	object
	whole zapcore.Encoder // which object fills
}

func conceal(e zapcore.Encoder) concealing { return concealing{object{e}, e} }

// Clone implements zapcore.Encoder.
func (c concealing) Clone() zapcore.Encoder { return conceal(c.whole.Clone()) }

// EncodeEntry implements zapcore.Encoder.
func (c concealing) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	entry.Message = text(entry.Message)
	shown := make([]zapcore.Field, len(fields))
	for i := range fields {
		var ok bool
		if shown[i], ok = fieldOf(fields[i]); !ok {
			return c.oneByOne(entry, fields)
		}
	}
	return c.whole.EncodeEntry(entry, shown)
}

// oneByOne writes a line of which some field is made only while it is written: an error, or what prints itself.
func (c concealing) oneByOne(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	line := conceal(c.whole.Clone())
	for i := range fields {
		fields[i].AddTo(line)
	}
	return line.whole.EncodeEntry(entry, nil)
}

// Interface guards
var (
	_ caddy.Provisioner                = (*Encoder)(nil)
	_ caddy.ConfiguresFormatterDefault = (*Encoder)(nil)
	_ zapcore.Encoder                  = (*Encoder)(nil)
)
