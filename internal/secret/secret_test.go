package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/wicketgate/wicketgate/internal/secret"
)

const text = "sk_live_51x"

// holder keeps a secret where fmt cannot reach its methods.
type holder struct {
	Open   secret.Text
	Nested struct{ hidden secret.Text }
	list   []secret.Text
}

func TestNeverPrints(t *testing.T) {
	s := secret.New(text)
	h := holder{Open: s, list: []secret.Text{s}}
	h.Nested.hidden = s
	values := map[string]any{"value": s, "pointer": &s, "holder": h, "pointer to holder": &h, "list": []any{s, &s}, "map": map[string]secret.Text{"k": s}}
	for name, v := range values {
		for _, verb := range "vsqxXdtTbcoOUeEfFgGpw" {
			for _, flags := range []string{"", "+", "#", "-40", "040", ".3"} {
				format := "%" + flags + string(verb)
				refuse(t, name+" with "+format, fmt.Sprintf(format, v))
			}
		}
		refuse(t, name+" in an error", fmt.Errorf("using %v: %w", v, fmt.Errorf("%v", v)).Error())
		if b, err := json.Marshal(v); err == nil {
			refuse(t, name+" in JSON", string(b))
		}
		if b, err := xml.Marshal(v); err == nil {
			refuse(t, name+" in XML", string(b))
		}
		var out bytes.Buffer
		if err := gob.NewEncoder(&out).Encode(v); err == nil {
			refuse(t, name+" in gob", out.String())
		}
		out.Reset()
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.DebugLevel)).
			Info("x", zap.Any("any", v), zap.Reflect("reflect", v), zap.Stringer("stringer", s))
		zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.AddSync(&out), zap.DebugLevel)).
			Info("x", zap.Any("any", v))
		if out.Len() == 0 {
			t.Errorf("%s: nothing was logged", name)
		}
		refuse(t, name+" in a log", out.String())
	}
}

func refuse(t *testing.T, how, out string) {
	t.Helper()
	hex := fmt.Sprintf("%x", text)
	if strings.Contains(out, text) || strings.Contains(strings.ToLower(out), hex) {
		t.Errorf("%s shows the secret: %s", how, out)
	}
}

func TestReveal(t *testing.T) {
	if got := secret.New(text).Reveal(); got != text {
		t.Errorf("revealed %q", got)
	}
	if got := (secret.Text{}).Reveal(); got != "" {
		t.Errorf("the zero value revealed %q", got)
	}
}
