package gateway

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestLasting logs from beside requests: each line goes to the logs of the configuration in force, and none has a stack.
func TestLasting(t *testing.T) {
	log := slog.New(lasting("http.api_gateway.usage"))
	for _, name := range []string{"first", "second"} {
		path := filepath.Join(t.TempDir(), name)
		writer := json.RawMessage(fmt.Sprintf(`{"output":"file","filename":%q}`, path))
		err := caddy.Run(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{
			"default": {BaseLog: caddy.BaseLog{WriterRaw: writer}, Include: []string{"http.api_gateway.usage"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		log.Error(name, "error", "it broke")
		if err := caddy.Stop(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var line map[string]any
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if line["level"] != "error" || line["logger"] != "http.api_gateway.usage" || line["msg"] != name || line["error"] != "it broke" || len(line) != 5 {
			t.Errorf("the log has %s", text)
		}
	}
}
