package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/issuer"
	"github.com/wicketgate/wicketgate/internal/status"
)

// IssuerKeys gives the keys of an issuer, which all that ask for the same share. authorities are those that its servers'
// certificates come from, in PEM; nil for the system's.
func (l *Load) IssuerKeys(c issuer.Config, authorities []byte) (identity.KeySource, error) {
	hash := sha256.New()
	for _, part := range []string{c.Issuer, c.JWKS, c.MaxStale.String(), string(authorities)} {
		fmt.Fprintf(hash, "%d:%s", len(part), part) //nolint:errcheck // a hash takes all
	}
	name := hex.EncodeToString(hash.Sum(nil))
	if len(authorities) > identity.MaxAuthorities {
		return nil, fmt.Errorf("the file of authorities has more than %d bytes", identity.MaxAuthorities)
	}
	if authorities != nil {
		c.Roots = x509.NewCertPool()
		if !c.Roots.AppendCertsFromPEM(authorities) {
			return nil, errors.New("the file of authorities holds no certificate in PEM")
		}
	}
	return Run(l, "issuer "+name, func() (*issuerKeys, error) {
		source, err := issuer.New(c)
		if err != nil {
			return nil, err
		}
		return &issuerKeys{Source: source, issuer: c.Issuer, name: name}, nil
	})
}

// issuerKeys is an issuer's keys as they run in Caddy.
type issuerKeys struct {
	*issuer.Source
	issuer string
	name   string // tells it from others
}

// Start implements Running.
func (k *issuerKeys) Start(ctx caddy.Context) {
	k.Source.Start(keyStore{ctx.Storage(), "api_gateway/issuers/" + k.name + ".json"}, k.happened)
}

// Status implements Running.
func (k *issuerKeys) Status() status.Part {
	s := k.Source.Status()
	return status.Issuer{Status: s, Age: status.Age(s.Confirmed, time.Now())}
}

// happened tells metrics and the log. Caddy's own log is asked for each time: the keys outlive the configuration that they
// were first asked for by.
func (k *issuerKeys) happened(e issuer.Event) {
	theMetrics.issuers.fetches.WithLabelValues(string(e.Kind)).Inc()
	logger := caddy.Log().Named("api_gateway").With(zap.String("issuer", k.issuer))
	switch {
	case e.Kind == issuer.Changed:
		logger.Info("keys of the issuer are in force", zap.Int("keys", e.Keys))
	case e.Err == nil:
	case e.Kind == issuer.NotKept:
		logger.Error("the issuer's keys are not kept", zap.Error(e.Err))
	case e.Again:
		logger.Debug("the issuer still gives no keys", zap.Error(e.Err))
	default:
		logger.Error("keeping the last good keys of the issuer", zap.Error(e.Err))
	}
}

// storage is what is used of Caddy's storage.
type storage interface {
	Load(ctx context.Context, key string) ([]byte, error)
	Store(ctx context.Context, key string, value []byte) error
}

// keyStore keeps the keys of one issuer in Caddy's storage.
type keyStore struct {
	storage
	key string
}

// Load implements issuer.Store.
func (s keyStore) Load(ctx context.Context) ([]byte, error) {
	text, err := s.storage.Load(ctx, s.key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// Save implements issuer.Store.
func (s keyStore) Save(ctx context.Context, text []byte) error { return s.Store(ctx, s.key, text) }

// issuerMetrics are those of the keys of all issuers: what became of fetches, and for each issuer in use, of which there
// are as many as are configured, how its keys are.
type issuerMetrics struct {
	fetches *prometheus.CounterVec
	usable  *prometheus.Desc
	age     *prometheus.Desc
}

func newIssuerMetrics(name func(name, help string) prometheus.Opts) *issuerMetrics {
	describe := func(o prometheus.Opts) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(o.Namespace, o.Subsystem, o.Name), o.Help, []string{"issuer"}, nil)
	}
	return &issuerMetrics{
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts(name("issuer_fetches_total",
			"What became of the keys of issuers each time they were asked for: changed, unchanged, failed or not_kept.")), []string{"result"}),
		usable: describe(name("issuer_keys_usable", "1 while there are keys of the issuer that are not too old, otherwise 0 and its tokens are refused.")),
		age:    describe(name("issuer_keys_age_seconds", "The time since the issuer last confirmed its keys.")),
	}
}

// Describe implements prometheus.Collector.
func (m *issuerMetrics) Describe(to chan<- *prometheus.Desc) {
	m.fetches.Describe(to)
	to <- m.usable
	to <- m.age
}

// Collect implements prometheus.Collector. Where one issuer is asked in two ways, the worse is told.
func (m *issuerMetrics) Collect(to chan<- prometheus.Metric) {
	m.fetches.Collect(to)
	usable, age := map[string]float64{}, map[string]float64{}
	runs.Range(func(_, value any) bool {
		k, ok := value.(destructible).Running.(*issuerKeys)
		if !ok {
			return true
		}
		s := k.Source.Status()
		good := 1.0
		if s.Waiting || s.Stale {
			good = 0
		}
		if last, known := usable[s.Issuer]; !known || good < last {
			usable[s.Issuer] = good
		}
		if s.Confirmed != nil {
			age[s.Issuer] = max(age[s.Issuer], time.Since(*s.Confirmed).Seconds())
		}
		return true
	})
	for name, value := range usable {
		to <- prometheus.MustNewConstMetric(m.usable, prometheus.GaugeValue, value, name)
	}
	for name, value := range age {
		to <- prometheus.MustNewConstMetric(m.age, prometheus.GaugeValue, value, name)
	}
}

// Interface guards
var (
	_ Running              = (*issuerKeys)(nil)
	_ issuer.Store         = keyStore{}
	_ prometheus.Collector = (*issuerMetrics)(nil)
)
