package logformat

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	key   = "wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"
	shown = "wg_5BhEtQB3LP1l_REDACTED"
)

func encoder(t testing.TB) *Encoder {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	e := &Encoder{}
	if err := e.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return e
}

type nested struct{}

func (nested) MarshalLogObject(to zapcore.ObjectEncoder) error {
	to.AddByteString("bytes", []byte(key))
	to.OpenNamespace("deep")
	return to.AddArray("list", zapcore.ArrayMarshalerFunc(func(to zapcore.ArrayEncoder) error {
		to.AppendString(key)
		to.AppendByteString([]byte(key))
		to.AppendInt(7)
		return errors.Join(to.AppendReflected([]string{key}), to.AppendObject(zapcore.ObjectMarshalerFunc(func(to zapcore.ObjectEncoder) error {
			return to.AddReflected("x", map[string]string{"a&b": key})
		})), to.AppendArray(caddyhttp.LoggableStringArray{"a", key}))
	}))
}

// No way to put a field into a line takes a key there, and what is no key stays.
func TestEveryKindOfField(t *testing.T) {
	for name, test := range map[string]struct {
		field zapcore.Field
		want  string
	}{
		"string":       {zap.String("a", "see "+key), `"a":"see ` + shown + `"`},
		"bytes":        {zap.ByteString("a", []byte(key)), `"a":"` + shown + `"`},
		"error":        {zap.Error(errors.New("no " + key)), `"error":"no ` + shown + `"`},
		"strings":      {zap.Strings("a", []string{"b", key}), `"a":["b","` + shown + `"]`},
		"any":          {zap.Any("a", map[string]any{"k": key, "n": 1}), `"a":{"k":"` + shown + `","n":1}`},
		"no key":       {zap.Any("a", map[string]any{"k": "<&>", "n": 1}), `"a":{"k":"<&>","n":1}`},
		"no JSON":      {zap.Reflect("a", make(chan int)), `"aError":"json: unsupported type: chan int"`},
		"header":       {zap.Object("a", caddyhttp.LoggableHTTPHeader{Header: http.Header{"X-Other": {key}, "Accept": {"*/*"}}}), `"X-Other":["` + shown + `"]`},
		"number":       {zap.Int("a", 7), `"a":7`},
		"time":         {zap.Duration("a", time.Second), `"a":1`},
		"in an object": {zap.Object("a", nested{}), `"a":{"bytes":"` + shown + `","deep":{"list":["` + shown + `","` + shown + `",7,["` + shown + `"],{"x":{"a&b":"` + shown + `"}},["a","` + shown + `"]]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range []zapcore.Encoder{encoder(t), encoder(t).Clone()} {
				with := e.Clone()
				test.field.AddTo(with)
				for i, line := range []func() (string, error){
					func() (string, error) {
						b, err := e.EncodeEntry(zapcore.Entry{Message: "m"}, []zapcore.Field{test.field})
						return b.String(), err
					},
					func() (string, error) {
						b, err := with.EncodeEntry(zapcore.Entry{Message: "about " + key}, nil)
						return b.String(), err
					},
				} {
					text, err := line()
					if err != nil || !strings.Contains(text, test.want) || strings.Contains(text, key[20:]) {
						t.Errorf("%d: got %s, %v; want %s", i, text, err, test.want)
					}
				}
			}
		})
	}
}

func BenchmarkEncoder(b *testing.B) {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://localhost/orders?page=2", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("User-Agent", "curl/8.1")
	r.Header.Set("X-Api-Key", key)
	field := zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r})
	ours := encoder(b)
	for name, e := range map[string]zapcore.Encoder{"api_gateway": ours, "json": ours.Encoder.(*access).base.whole} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				line, err := e.EncodeEntry(zapcore.Entry{Message: "handled request"}, []zapcore.Field{field})
				if err != nil {
					b.Fatal(err)
				}
				line.Free()
			}
		})
	}
}
