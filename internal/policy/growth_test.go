package policy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// perFile is how much data one file has, in bytes.
const perFile = 1 << 20

func write(b *testing.B, path, text string) {
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGrowth evaluates a policy, anew each time, that looks the caller up in ever more data, in bytes.
func BenchmarkGrowth(b *testing.B) {
	for _, megabytes := range []int{1, 4, 12, 28} { // of 32 that policies and data in files may have together
		b.Run("data="+strconv.Itoa(megabytes<<20), func(b *testing.B) {
			folder := b.TempDir()
			rego := "package growth\n\ndefault allow := false\n\nallow if data[input.consumer.plan].users[input.consumer.id].role == \"editor\"\n"
			write(b, filepath.Join(folder, "growth.rego"), rego)
			paths := []string{folder}
			each, parts := 0, 0
			for ; parts*perFile < megabytes<<20; parts++ {
				var text strings.Builder
				text.WriteString(`{"users":{`)
				for each = 0; text.Len() < perFile; each++ {
					fmt.Fprintf(&text, `"user-%d":{"role":"editor","tenant":"tenant-%d","since":"2026-01-01"},`, each, each%1000)
				}
				write(b, filepath.Join(folder, "part-"+strconv.Itoa(parts), "data.json"), strings.TrimSuffix(text.String(), ",")+"}}")
			}
			snapshot, diags := Load(context.Background(), paths, Options{Limit: MaxLimit, Cache: -1})
			if diags.HasErrors() {
				b.Fatal(diags)
			}
			q, diags := snapshot.Prepare("data.growth.allow", here)
			if diags.HasErrors() {
				b.Fatal(diags)
			}
			requests, _ := realisticRequests()
			x := &requests[0]
			x.Consumer = &exchange.Consumer{}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				x.Consumer.ID, x.Consumer.Plan = "user-"+strconv.Itoa(i%each), "part-"+strconv.Itoa(i%parts)
				i += 7919
				if d, p := q.Decide(x); d == nil || !d.Allow {
					b.Fatal(p)
				}
			}
		})
	}
}
