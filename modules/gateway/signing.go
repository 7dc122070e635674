package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/hashicorp/hcl/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/status"
)

// Signing is how the tokens are signed in which services are told who calls. The keys that verify them are published at
// /.well-known/jwks.json, on the hosts of the APIs that have such services, and by an api_auth that tells in a token.
type Signing struct {
	// Issuer is what tokens are issued by, their iss: an https address, by which services know this gateway. Required.
	Issuer string `json:"issuer"`

	// Key is a file of the operator's own keys in PEM, at most 4: the first signs, those below it are only published, so
	// that services know the next one before it signs. EC (P-256, P-384, P-521), Ed25519 or RSA of at least 2048 bits.
	// The file is watched. Default: keys (P-256) that the gateway makes, keeps in Caddy's storage and shares with the
	// other nodes that use it.
	Key string `json:"key,omitempty"`

	// Rotate is for how long a key that the gateway made signs, from 1h to 366 days. The next one is published for a
	// quarter of that time before it signs, or a day where that is less. Default: 30 days.
	Rotate caddy.Duration `json:"rotate,omitempty"`
}

func (s *Signing) check() error {
	if err := assertion.CheckIssuer(s.Issuer); err != nil {
		return fmt.Errorf("signing: %w, not %q", err, s.Issuer)
	}
	if s.Key != "" && s.Rotate != 0 {
		return fmt.Errorf("signing: rotate is for keys that the gateway makes, and not for those of %s", s.Key)
	}
	if s.Rotate != 0 && (time.Duration(s.Rotate) < assertion.MinRotate || time.Duration(s.Rotate) > assertion.MaxRotate) {
		return fmt.Errorf("signing: a key signs for 1h to 366 days, not for %s", time.Duration(s.Rotate))
	}
	return nil
}

// Signer gives what tokens are signed with and issued by. Whoever asks has the app not start without a key.
func (l *Load) Signer() (*assertion.Signer, string, hcl.Diagnostics) {
	wrong := func(summary, detail string) (*assertion.Signer, string, hcl.Diagnostics) {
		return nil, "", hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail}}
	}
	c := l.app.Signing
	if c == nil {
		return wrong("No issuer", "A token tells who issued it: write signing { issuer <https address> } in the Caddyfile's global option api_gateway.")
	}
	var file *assertion.File
	key := "signing keys of the storage " + storageName(l.app.ctx.Storage()) + ", for " + time.Duration(c.Rotate).String()
	if c.Key != "" {
		l.Read([]string{c.Key}, nil)
		src, err := readKeys(c.Key)
		if err != nil {
			return wrong("Unreadable key file", err.Error())
		}
		var diags hcl.Diagnostics
		if file, diags = assertion.ParseFile(c.Key, src); diags.HasErrors() {
			return nil, "", diags
		}
		sum := sha256.Sum256(src)
		key = "signing keys of a file, " + hex.EncodeToString(sum[:])
	}
	if l.app.checking { // nothing is served but tests, which need no key that anybody else knows
		source, err := assertion.NewPassing()
		if err != nil {
			return wrong("No key", err.Error())
		}
		return assertion.NewSigner(source), c.Issuer, nil
	}
	r, err := Run(l, key, func() (*signingKeys, error) {
		k := &signingKeys{file: file}
		if file != nil {
			k.signer = assertion.NewSigner(file)
			return k, nil
		}
		rotate := time.Duration(c.Rotate)
		if rotate == 0 {
			rotate = assertion.DefaultRotate
		}
		k.keeper = assertion.NewKeeper(rotate)
		k.signer = assertion.NewSigner(k.keeper)
		return k, nil
	})
	if err != nil {
		return wrong("No key", err.Error())
	}
	return r.signer, c.Issuer, nil
}

// storageName tells storages apart by what they are made from. One that does not tell is like no other, so that no keys are
// taken for those of another storage.
func storageName(s any) string {
	made, err := json.Marshal(s)
	if err != nil || string(made) == "{}" {
		made = fmt.Appendf(nil, "%p", s)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%T %s", s, made))
	return hex.EncodeToString(sum[:])
}

// readKeys reads a key file, or as much as shows that it is too large.
func readKeys(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()                                                    //nolint:errcheck // it was only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() { // a pipe would never end
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return io.ReadAll(io.LimitReader(f, assertion.MaxKeyFile+1))
}

// signingKeys are keys in force, with the tokens that they signed. They live on through reloads of Caddy.
type signingKeys struct {
	signer *assertion.Signer
	file   *assertion.File   // one of the two
	keeper *assertion.Keeper // one of the two

	mu   sync.Mutex
	stop context.CancelFunc // of the loop, nil where none runs
	done chan struct{}
}

// Ready implements Needed: it takes over the keys in the storage, or makes the first one.
func (k *signingKeys) Ready(ctx caddy.Context) error {
	if k.keeper == nil {
		return nil
	}
	err := k.keeper.Look(ctx, ctx.Storage(), time.Now())
	if err == nil {
		return nil
	}
	if k.keeper.Keys() == nil {
		return fmt.Errorf("there is no key to sign tokens with: %w", err)
	}
	k.report(ctx.Logger())(err)
	return nil
}

// Start implements Running: it looks into the storage of the newest app from then on.
func (k *signingKeys) Start(ctx caddy.Context) {
	if k.keeper == nil {
		return
	}
	k.end()
	k.mu.Lock()
	defer k.mu.Unlock()
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it may outlive this app, for another one
	done := make(chan struct{})
	k.stop, k.done = cancel, done
	storage, report := ctx.Storage(), k.report(ctx.Logger())
	go func() {
		defer close(done)
		k.keeper.Run(inner, storage, report)
	}()
}

// report tells log and metrics of trouble with the storage, and of its end.
func (k *signingKeys) report(logger *zap.Logger) func(error) {
	return func(err error) {
		if err != nil {
			theMetrics.signing.Set(1)
			logger.Error("keeping the signing keys in force", zap.Error(err))
			return
		}
		theMetrics.signing.Set(0)
		logger.Info("the signing keys are those of the storage again")
	}
}

func (k *signingKeys) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stop != nil {
		k.stop()
		<-k.done
		k.stop = nil
	}
}

// Close implements Running.
func (k *signingKeys) Close() error {
	k.end()
	return nil
}

// Status implements Running.
func (k *signingKeys) Status() status.Part {
	if k.keeper != nil {
		return status.Signing{Status: k.keeper.Status(time.Now())}
	}
	return status.Signing{Status: k.file.Status(time.Now())}
}

// Interface guards
var _ Needed = (*signingKeys)(nil)
