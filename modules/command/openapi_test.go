package command

import (
	"bytes"
	"io"
	"testing"
	"time"
)

// TestOpenAPI describes the example shop. That the descriptions are valid is tested beside the package that writes
// them.
func TestOpenAPI(t *testing.T) {
	from, golden := quickstart(t)
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range []string{"v1", "v2", ""} {
		var out bytes.Buffer
		if err := openapi(&out, io.Discard, from, "orders", name, now); err != nil {
			t.Fatal(err)
		}
		if name == "" {
			name = "newest"
		}
		golden("openapi/"+name+".json", out.String())
	}
}
