// Package decisionlog faces Caddy for the record of decisions: where it goes, and what it lives through. A log is kept
// while Caddy loads another configuration that has the same one, so that nothing is lost in between.
package decisionlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/uuid"

	"github.com/wicketgate/wicketgate/internal/decisionlog"
)

// Config is the record of every decision of a policy, in the event format of OPA: a line of JSON each in a file, or
// sent to an endpoint. Header fields that carry credentials are left out whatever is said here. Events that wait to be
// written are bounded by 10000 and by 16 MiB; of an event larger than 512 KiB the input is left out.
type Config struct {
	// What writes the lines: a writer of Caddy's logs, such as file, stdout or stderr, with its own options. Either
	// this or upload. Default: none.
	WriterRaw json.RawMessage `json:"writer,omitempty" caddy:"namespace=caddy.logging.writers inline_key=output"`

	// The endpoint that decisions are sent to. Either this or writer. Default: none.
	Upload *Upload `json:"upload,omitempty"`

	// Places in input and result that are left out, and listed in the event as erased: input.request.body.card, or
	// /input/request/body/card, where * is any name. The same value is left out wherever else it stands in input.
	// Default: only header fields that carry credentials, and the query parameter access_token. Bound: 100.
	Mask []string `json:"mask,omitempty"`

	// What becomes of a request whose decision finds no room, as where the disk is full or the endpoint away for long:
	// block has it wait 100ms and then refuses it with 503, drop lets it pass and counts it. Default: block.
	OnFull string `json:"on_full,omitempty"`

	key      string // in the pool
	masks    []decisionlog.Mask
	log      *decisionlog.Log
	recorder *decisionlog.Recorder
}

// maxMasks bounds the places that are left out.
const maxMasks = 100

// logs are those of the process, by what their configuration says of where they go.
var logs = caddy.NewUsagePool()

// instance tells this process from others in the events, as OPA's id does.
var instance = uuid.NewString()

// Provision opens the log, or finds that of an earlier configuration; one that only checks opens nothing.
func (c *Config) Provision(ctx caddy.Context, checking bool) error {
	if err := c.provision(ctx, checking); err != nil {
		return fmt.Errorf("decision_log: %w", err)
	}
	return nil
}

func (c *Config) provision(ctx caddy.Context, checking bool) error {
	switch {
	case c.WriterRaw != nil && c.Upload != nil, c.WriterRaw == nil && c.Upload == nil:
		return errors.New("it takes either a writer or an upload")
	case c.OnFull != "" && c.OnFull != "block" && c.OnFull != "drop":
		return fmt.Errorf("on_full is block or drop, not %q", c.OnFull)
	case len(c.Mask) > maxMasks:
		return fmt.Errorf("mask names more than %d places", maxMasks)
	}
	for _, text := range c.Mask {
		m, err := decisionlog.ParseMask(text)
		if err != nil {
			return fmt.Errorf("mask: %w", err)
		}
		c.masks = append(c.masks, m)
	}
	where := *c
	where.Mask = nil
	key, err := json.Marshal(where)
	if err != nil {
		return err
	}
	open, err := c.opener(ctx)
	if err != nil || checking {
		return err
	}
	meter, err := registerMetrics(ctx.GetMetricsRegistry())
	if err != nil {
		return err
	}
	log, _, err := logs.LoadOrNew(string(key), func() (caddy.Destructor, error) {
		log, err := open(decisionlog.Settings{Drop: c.OnFull == "drop", Meter: meter})
		return pooled{log}, err
	})
	if err != nil {
		return err
	}
	c.key, c.log = string(key), log.(pooled).Log
	c.recorder = decisionlog.NewRecorder(c.log, c.masks, map[string]string{"app": "wicketgate", "id": instance})
	return nil
}

// opener checks where the log goes, and gives what opens it.
func (c *Config) opener(ctx caddy.Context) (func(decisionlog.Settings) (*decisionlog.Log, error), error) {
	if c.Upload != nil {
		endpoint, err := c.Upload.endpoint()
		if err != nil {
			return nil, fmt.Errorf("upload: %w", err)
		}
		return func(s decisionlog.Settings) (*decisionlog.Log, error) {
			return decisionlog.NewUpload(*endpoint, s)
		}, nil
	}
	guest, err := ctx.LoadModule(c, "WriterRaw")
	if err != nil {
		return nil, fmt.Errorf("loading the writer: %w", err)
	}
	writer, ok := guest.(caddy.WriterOpener)
	if !ok {
		return nil, fmt.Errorf("%T is no writer", guest)
	}
	return func(s decisionlog.Settings) (*decisionlog.Log, error) {
		return decisionlog.NewLines(func() (io.WriteCloser, error) { return writer.OpenWriter() }, s)
	}, nil
}

// pooled is a log as the pool wants it.
type pooled struct{ *decisionlog.Log }

// Destruct writes what is queued and ends the log.
func (p pooled) Destruct() error {
	p.Close()
	return nil
}

// Recorder observes decisions; nil where the configuration is only checked.
func (c *Config) Recorder() *decisionlog.Recorder { return c.recorder }

// Start lets the log use the network.
func (c *Config) Start() { c.log.Start() }

// Cleanup gives the log up, which ends it when no configuration uses it.
func (c *Config) Cleanup() error {
	if c.log == nil {
		return nil
	}
	_, err := logs.Delete(c.key)
	return err
}
